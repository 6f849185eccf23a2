"""The public tests of another lab lie in its folder start/tests; 'grade precheck' runs them on the student's code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.labs import find_lab, read_lab, using_lab
from grader.labs.new import write_lab
from grader.records.errors import BadLab
from grader.students.public_tests import public_tests, run_public_tests
from grader.students.template import make_template

TESTS = """
import importlib.util
import os
from pathlib import Path

spec = importlib.util.spec_from_file_location("train", Path(os.environ["LAB_FOLDER"]) / "train.py")
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


def test_1_2_doubles():
    assert train.double(2) == 4, "double(2) must be 4"


def test_it_counts():
    assert train.count() == 3, "count() must be 3"
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """A lab of the instructor's own, with tests, in use."""
    folder = tmp_path / "mine"
    write_lab(folder, "My lab", "net.pth", (20.0, 90.0))
    (folder / "start" / "tests").mkdir(parents=True)
    (folder / "start" / "train.py").write_text("def double(x):\n    raise NotImplementedError\n", encoding="utf-8")
    (folder / "start" / "tests" / "test_train.py").write_text(TESTS, encoding="utf-8")
    with using_lab(read_lab(folder)):
        yield folder


def student(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "ada"
    folder.mkdir()
    (folder / "train.py").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("lab")
def test_the_labs_own_tests_run_on_the_students_code(tmp_path: Path) -> None:
    folder = student(tmp_path, "def double(x):\n    return x + x\n\n\ndef count():\n    return 2\n")
    results = run_public_tests(folder)
    assert [(one.task, one.passed, one.count) for one in results] == [("", 0, 1), ("1.2", 1, 1)]
    assert results[0].complaint == "count() must be 3"


@pytest.mark.usefixtures("lab")
def test_code_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    (result,) = run_public_tests(student(tmp_path, "import nowhere_at_all\n"))
    assert (result.passed, result.count) == (0, 1)
    assert result.complaint


@pytest.mark.usefixtures("lab")
def test_students_get_the_tests_with_what_they_start_from() -> None:
    assert set(make_template()) == {"train.py", "tests/test_train.py"}


def test_a_lab_without_tests_runs_none_and_hands_out_no_other_labs_scripts(tmp_path: Path) -> None:
    with using_lab(find_lab("exercise-5")):
        assert public_tests() is None
        assert run_public_tests(student(tmp_path, "")) == ()
        with pytest.raises(BadLab, match="'exercise-5' has neither"):
            make_template()
