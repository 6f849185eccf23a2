"""What is shown inside a sandbox: Python wherever it is installed, and no folder of ours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grader.isolation import namespaces
from grader.isolation.namespaces import Tree
from grader.sandbox import view
from grader.sandbox.code import copy_ours, needed

ANYWHERE = [
    "/work/venv",
    "/work",
    "/submission",
    "/given",
    "/lab",
    "/lab/grader",
    "/sandbox",
    "/tmp/venv",
    "/dev/shm/venv",
    "/opt/lab/work",
]


@pytest.mark.parametrize("where", ANYWHERE)
def test_nothing_is_mounted_over_packages_wherever_they_are_installed(where: str) -> None:
    packages = f"{where}/lib/site-packages"
    tree = Tree(("/usr", packages), (), ("/dev/null",), ("/tmp/cell/work", "/dev/shm", packages, where), 1 << 20, 0)
    places = [path for path, _ in sorted(namespaces._parts(tree, "/root"), key=lambda part: part[0].count("/"))]

    later = places[places.index(packages) + 1 :]
    assert [place for place in later if Path(packages).is_relative_to(place)] == []
    assert places.count(packages) == 1


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages with torch in it, our own packages beside it, and the project worked on below it."""
    packages = tmp_path / "site-packages"
    theirs, ours = ("torch", "numpy/core", "src/other"), ("grader/checks", "reference", "src/project/grader")
    for name in (*theirs, *ours, "src/project/tests"):
        (packages / name).mkdir(parents=True)
        (packages / name / "file.py").write_text("text", encoding="utf-8")
    (packages / "single.py").write_text("", encoding="utf-8")
    (packages / "link").symlink_to(packages / "grader")
    monkeypatch.setattr(view, "package_folders", lambda: [packages])
    monkeypatch.setattr(view, "GRADER", packages / "src" / "project" / "grader")
    monkeypatch.setattr(view, "SYSTEM", ())
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "python"))
    return packages


def test_what_is_installed_is_allowed_entry_by_entry_and_nothing_of_ours(installed: Path) -> None:
    found = view.of_python()

    allowed = {str(Path(path).relative_to(installed)) for path in found.allowed}
    assert allowed == {"torch", "numpy", "single.py", "src/other"}
    assert {str(Path(path).relative_to(installed)) for path in found.listed} == {".", "src", "src/project"}


def test_our_own_packages_are_hidden_where_a_folder_is_shown_whole(installed: Path) -> None:
    hidden = {str(Path(path).relative_to(installed)) for path in view.of_python().hidden}

    assert hidden == {"grader", "reference", "src/project/grader", "src/project/tests"}


def test_student_code_is_shown_copies_of_the_files_that_it_needs(tmp_path: Path) -> None:
    ours = copy_ours(tmp_path)

    copied = {path.relative_to(ours.code / "grader").as_posix() for path in ours.code.rglob("*") if path.is_file()}
    assert copied == set(needed())
    assert all((ours.code / "grader" / name).read_bytes() == (view.GRADER / name).read_bytes() for name in needed())
