"""The lab can be done, and its template is not done yet: both handed in and graded as a student's would be."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import IMAGES
from fixtures.warm import Warm
from grader.batch.one import Setup, grade_archive
from grader.collect import Equipment
from grader.dataset import ImageSet
from grader.intake import Archive
from grader.marking.rubric import Rubric
from grader.records import Blocked, Grade, Judged, MadeBy, Message, Student, Unjudged, message
from grader.sandbox import Sandbox
from grader.students.pack import pack
from grader.students.template import make_template, write_template

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference"
HISTORY = REFERENCE / "results" / "best-60" / "history.json"
CODE_CHECKS = {"function_fit", "own_function", "evaluation", "learning_rate", "feature_vectors"}
NO_IMAGES = message("there is no CIFAR-10 here")


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Path:
    """The reference as a student would have it in the end, retrieval run, packed by `grade pack`."""
    folder = tmp_path_factory.mktemp("solved")
    for path in (*REFERENCE.glob("*.py"), REFERENCE / "final.pth", REFERENCE / "report.md", HISTORY):
        if path.name != "__init__.py":
            shutil.copy(path, folder)
    for name in ("library", "queries"):
        shutil.copytree(IMAGES / name, folder / name)
    command = ["retrieve.py", "--weights", "random", "--model", "resnet50", "--model", "alexnet"]
    warm.run(command, folder, {**os.environ, "OMP_NUM_THREADS": "1"}).check_returncode()
    return pack(folder).path


@pytest.fixture(scope="module")
def graded(lab_rubric: Rubric, shared_sandbox: Sandbox) -> Callable[..., Grade]:
    def grade(archive: Path, images: ImageSet | Message = NO_IMAGES) -> Grade:
        setup = Setup(Equipment(images, shared_sandbox), lab_rubric, MadeBy("0", "3"))
        return grade_archive(Archive(archive, Student("Ada")), setup, lambda step: None).grade

    return grade


def test_the_solved_lab_earns_every_point_that_can_be_judged_here(graded, solved, shared_sandbox):
    grade = graded(solved)
    no_code = set() if shared_sandbox.isolated else CODE_CHECKS  # elsewhere no student code is run
    lost = {mark.criterion.check: type(mark.finding) for mark in grade.marks if mark.points != mark.criterion.points}
    assert lost == dict.fromkeys({"measured_accuracy", *no_code}, Unjudged)
    assert {flag.kind for flag in grade.flags} == ({"weaker sandbox"} if no_code else set())


@pytest.fixture(scope="module")
def on_cifar10(graded, solved, cifar10) -> Grade:
    return graded(solved, cifar10)


@pytest.mark.cifar10
def test_with_cifar_10_the_solved_lab_earns_every_point(on_cifar10, shared_sandbox):
    if not shared_sandbox.isolated:
        pytest.skip("student code is not run on this machine")
    assert on_cifar10.total == on_cifar10.points == 100
    assert not on_cifar10.needs_human
    assert on_cifar10.flags == ()


@pytest.mark.cifar10
def test_the_committed_weights_reach_their_stated_accuracy_to_the_image(on_cifar10):
    stated = json.loads(HISTORY.read_text("utf-8"))["epochs"][-1]["test_accuracy"]
    assert stated >= 91.25  # He et al. 2016, table 6
    accuracy = on_cifar10.accuracy
    assert accuracy is not None
    assert round(accuracy * 10_000) == round(stated * 100)


def test_the_bare_template_earns_nothing_and_each_finding_names_its_task_in_either_language(graded, tmp_path):
    named: dict[str, dict[str, list[str]]] = {}
    for language in ("en", "zh"):
        write_template(make_template(language=language), tmp_path / language, force=False)
        grade = graded(pack(tmp_path / language).path)
        assert grade.total == 0
        for mark in grade.marks:
            assert isinstance(mark.finding, Blocked), mark
            cause = mark.finding.cause.english()
            assert re.search(r"\btasks? \d\.\d\b", cause), cause
            named.setdefault(language, {})[mark.criterion.check] = re.findall(r"\b\d\.\d\b", cause)
    assert named["en"] == named["zh"]


def test_a_template_with_one_script_done_is_judged_for_what_is_there(graded, tmp_path):
    folder = tmp_path / "lab"
    write_template(make_template(), folder, force=False)
    shutil.copy(REFERENCE / "exp1.py", folder)
    layout = next(m.finding for m in graded(pack(folder).path).marks if m.criterion.check == "submission_layout")
    assert isinstance(layout, Judged)
    assert layout.verdict.credit == pytest.approx(3 / 12)  # exp1.py, no data set, small
    assert "Finish retrieve.py: task 4.1" in " ".join(hint.english() for hint in layout.verdict.hints)
