"""Where things are inside bubblewrap: nothing of ours hides a folder that Python or a package lies in."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.sandbox import view
from grader.sandbox.code import BubblewrapCode

MOUNTS = {"--tmpfs": 1, "--dir": 1, "--dev": 1, "--proc": 1, "--ro-bind": 2, "--ro-bind-try": 2, "--dev-bind-try": 2}


def mounted(options: list[str]) -> list[Path]:
    """Everything that the options put somewhere, in their order: what comes later hides what lies below it."""
    places = []
    for number, option in enumerate(options):
        if option in MOUNTS:
            places.append(Path(options[number + MOUNTS[option]]))
    return places


@pytest.mark.parametrize("where", ["/work/venv", "/work", "/submission", "/given", "/lab", "/lab/grader", "/sandbox",
                                   "/tmp/venv", "/dev/shm/venv", "/opt/lab/work"])  # fmt: skip
@pytest.mark.parametrize("kind", ["checkpoint", "code"])
def test_packages_are_seen_wherever_they_are_installed(
    where: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = Path(where, "lib", "site-packages")
    monkeypatch.setattr(view, "package_folders", lambda: [packages])
    binds = view.lab_binds() if kind == "checkpoint" else BubblewrapCode(tmp_path)._server._binds
    places = mounted(list(view.options(False, binds)))

    assert packages in places
    later = places[places.index(packages) + 1 :]
    assert [place for place in later if packages.is_relative_to(place)] == []


def test_the_code_sandbox_names_the_folders_that_it_makes(tmp_path: Path) -> None:
    sandbox = BubblewrapCode(tmp_path)
    places = set(map(str, mounted(list(view.options(False, sandbox._server._binds)))))

    assert {sandbox.roots.submission, sandbox.roots.given, sandbox.roots.work, sandbox.roots.ours} <= places


@pytest.mark.parametrize("kind", ["checkpoint", "code"])
def test_a_project_that_lies_below_a_folder_that_is_shown_is_hidden(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "packages" / "src" / "project"
    for name in ("grader", "reference", "tests"):
        (project / name).mkdir(parents=True)
    monkeypatch.setattr(view, "package_folders", lambda: [tmp_path / "packages"])
    binds = view.lab_binds() if kind == "checkpoint" else BubblewrapCode(tmp_path)._server._binds
    monkeypatch.setattr(view, "GRADER", project / "grader")
    options = list(view.options(False, binds))
    hidden = [options[number + 1] for number, option in enumerate(options) if option == "--tmpfs"]
    assert {str(project / name) for name in ("grader", "reference", "tests")} <= set(hidden)


def test_no_folder_of_ours_is_shown_to_student_code(tmp_path: Path) -> None:
    binds = BubblewrapCode(tmp_path)._server._binds
    sources = [binds[number + 1] for number, option in enumerate(binds) if option == "--ro-bind"]
    assert [one for one in sources if Path(one).is_relative_to(view.GRADER) and Path(one).is_dir()] == []
