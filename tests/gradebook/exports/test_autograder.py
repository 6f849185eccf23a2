"""The zip for Gradescope: what is in it installs, and results are written whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import __version__
from grader.gradebook.exports import Request, export
from grader.labs import DEFAULT, Lab, find_lab, read_lab, the_lab, using_lab
from grader.labs.new import write_lab
from grader.records import Grade, Student
from grader.records.errors import BadLab
from reports.languages import speaking

SETTINGS = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def autograder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, with a rubric of one's own."""
    path = tmp_path_factory.mktemp("autograder") / "autograder.zip"
    export(Request(to="gradescope-autograder", out=path, rubric=the_lab().rubric))
    return path


@pytest.fixture
def installed(autograder: Path, tmp_path: Path) -> Path:
    """As on Gradescope: the zip unpacked in source/, a submission beside it, but no grader yet."""
    with zipfile.ZipFile(autograder) as archive:
        archive.extractall(tmp_path / "source")
    (tmp_path / "submission").mkdir()
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return tmp_path


def grader_is(root: Path, script: str) -> None:
    """Put a program in the grader's place."""
    path = root / "venv" / "bin" / "grade"
    path.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def run(root: Path) -> dict[str, object]:
    """Run what Gradescope runs, and read what it reads."""
    command = ["bash", str(root / "source" / "run_autograder")]
    done = subprocess.run(command, env={**SETTINGS, "AUTOGRADER_ROOT": str(root)}, capture_output=True, check=False)
    assert done.returncode == 0
    return json.loads((root / "results" / "results.json").read_text("utf-8"))


def test_the_zip_holds_what_gradescope_calls_and_may_run_it(autograder: Path) -> None:
    with zipfile.ZipFile(autograder) as archive:
        modes = {info.filename: (info.external_attr >> 16) & 0o777 for info in archive.infolist()}
    assert modes.pop("setup.sh") == modes.pop("run_autograder") == 0o755
    wheel = f"cnn_lab_grader-{__version__}-py3-none-any.whl"
    assert set(modes) == {"README.md", "failed.json", "language", "rubric.toml", wheel}


@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_the_scripts_are_shell_and_name_no_host(autograder: Path, name: str) -> None:
    with zipfile.ZipFile(autograder) as archive:
        text = archive.read(name)
    assert b"\r" not in text
    assert b"://" not in text
    assert subprocess.run(["bash", "-n"], input=text, check=False).returncode == 0


def test_it_speaks_the_language_of_the_run_that_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "autograder.zip"
    with speaking("zh"):
        export(Request(to="gradescope-autograder", out=path, rubric=None))
    with zipfile.ZipFile(path) as archive:
        assert archive.read("language") == b"zh"
        assert "没有任何内容可以评分" in archive.read("failed.json").decode()
        wheel = next(name for name in archive.namelist() if name.endswith(".whl"))
        with archive.open(wheel) as inner, zipfile.ZipFile(inner) as packed:
            assert "reports/languages/zh.po" in packed.namelist()


def test_the_source_of_the_data_is_reported(autograder: Path) -> None:
    with zipfile.ZipFile(autograder) as archive:
        assert "grade data fetch" in archive.read("README.md").decode()
        assert "data fetch" in archive.read("setup.sh").decode()


def test_the_wheel_installs_and_its_command_runs(installed: Path) -> None:
    pytest.importorskip("pip")
    wheel = next((installed / "source").glob("*.whl"))
    target = installed / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--no-compile"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], env=SETTINGS, check=True)
    code = "import grader; from grader.cli.app import cli; print(grader.__file__); cli(['--version'])"
    command, here = [sys.executable, "-c", code], {**SETTINGS, "PYTHONPATH": str(target)}
    done = subprocess.run(command, env=here, cwd=installed, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(target))
    assert __version__ in done.stdout
    assert (target / "grader" / "labs" / "resnet-and-retrieval" / "rubric.toml").exists()
    assert not (target / "reference" / "final.pth").exists()


@pytest.mark.parametrize(
    "script",
    ["exit 2", "kill -9 $$", 'echo "{" > "$AUTOGRADER_ROOT/nothing"; exit 1'],
    ids=["refused", "killed", "failed"],
)
def test_results_are_there_although_the_grader_failed(installed: Path, script: str) -> None:
    grader_is(installed, script)
    results = run(installed)
    assert results["score"] == 0
    assert "Nothing could be graded" in str(results["output"])


def test_results_are_there_although_nothing_was_installed(installed: Path) -> None:
    assert "Nothing could be graded" in str(run(installed)["output"])


def test_a_grade_becomes_results(installed: Path, stored: Callable[..., Grade], grades: Path) -> None:
    stored(Student("submission"), 0.5)
    code = f'{sys.executable} -c "from grader.cli.app import main; main()" "$@"'
    grader_is(installed, f'echo "$@" >> "$AUTOGRADER_ROOT/calls"\n'
                         f'if [ "$1" = run ]; then mkdir "$4/submission"; cp {grades}/000/grade.json "$4/submission/"; '
                         f"exit 1; fi\n{code}")  # fmt: skip
    results = run(installed)
    assert results["score"] == 55
    first = (installed / "calls").read_text("utf-8").split("\n", 1)[0]
    assert first.startswith(f"run {installed}/submission --out ")
    assert first.endswith("--rubric rubric.toml")


def test_a_mistake_in_the_rubric_is_reported_before_students_see_it(tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.toml"
    rubric.write_text(
        the_lab().rubric.read_text("utf-8").replace("measured_accuracy", "measured_acuracy"), encoding="utf-8"
    )
    with pytest.raises(BadLab, match="measured_acuracy"):
        export(Request(to="gradescope-autograder", out=tmp_path / "a.zip", rubric=rubric))
    assert not (tmp_path / "a.zip").exists()


def another_lab(folder: Path) -> Path:
    """A lab of the instructor's own."""
    write_lab(folder, "Letters", "net.pth", (20.0, 90.0))
    (folder / "notes").mkdir()
    (folder / "notes" / "colleagues.md").write_text("none", encoding="utf-8")
    return folder


def zipped_for(lab: Lab, path: Path) -> dict[str, bytes]:
    with using_lab(lab):
        export(Request(to="gradescope-autograder", out=path))
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_lab_that_comes_with_the_grader_is_named(tmp_path: Path) -> None:
    content = zipped_for(find_lab("homework-2"), tmp_path / "a.zip")
    assert content["lab"] == b"homework-2"
    assert not [name for name in content if name.startswith("labs/")]
    assert b"HW2_CNN.pth" in content["failed.json"]


def test_a_lab_of_ones_own_lies_in_the_zip_whole(tmp_path: Path) -> None:
    content = zipped_for(read_lab(another_lab(tmp_path / "letters")), tmp_path / "a.zip")
    assert content["lab"] == b"labs/letters"
    assert {name for name in content if name.startswith("labs/")} == {
        "labs/letters/lab.toml", "labs/letters/rubric.toml", "labs/letters/notes/colleagues.md",
    }  # fmt: skip


def test_a_lab_of_ones_own_may_be_called_as_the_usual_one(tmp_path: Path) -> None:
    content = zipped_for(read_lab(another_lab(tmp_path / DEFAULT)), tmp_path / "a.zip")
    assert content["lab"] == f"labs/{DEFAULT}".encode()
    assert f"labs/{DEFAULT}/rubric.toml" in content
    assert "lab" not in zipped_for(find_lab(DEFAULT), tmp_path / "b.zip")


def test_the_zip_of_an_earlier_run_is_not_in_the_next(tmp_path: Path) -> None:
    lab = read_lab(another_lab(tmp_path / "letters"))
    first = zipped_for(lab, tmp_path / "letters" / "autograder.zip")
    assert zipped_for(lab, tmp_path / "letters" / "autograder.zip").keys() == first.keys()


def test_both_scripts_hand_the_lab_on(installed: Path) -> None:
    (installed / "source" / "lab").write_text("labs/letters", encoding="utf-8")
    grader_is(installed, 'echo "$@" >> "$AUTOGRADER_ROOT/calls"')
    run(installed)
    text = (installed / "source" / "setup.sh").read_text("utf-8")
    fetched = text[text.index("options=()") :].replace("$root/venv/bin/grade", "echo")
    done = subprocess.run(["bash", "-c", fetched], cwd=installed / "source", capture_output=True, text=True, check=True)
    assert "--lab labs/letters" in (installed / "calls").read_text("utf-8").split("\n", 1)[0]
    assert done.stdout == "data fetch --lab labs/letters\n"


def test_a_mistake_in_the_lab_is_reported_before_students_see_it(tmp_path: Path) -> None:
    rubric = another_lab(tmp_path / "letters") / "rubric.toml"
    rubric.write_text(rubric.read_text("utf-8").replace("measured_accuracy", "measured_acuracy"), encoding="utf-8")
    with pytest.raises(BadLab, match="measured_acuracy"):
        zipped_for(read_lab(tmp_path / "letters"), tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
