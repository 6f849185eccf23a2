"""One archive, graded end to end in the real sandbox."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fixtures import DEMO_SUBMISSION
from grader.batch.one import Setup, grade_archive
from grader.collect import Equipment
from grader.dataset import ImageSet
from grader.gradebook.files import Graded
from grader.intake import Archive
from grader.labs import the_lab
from grader.marking.rubric import Rubric
from grader.records import Blocked, Grade, Judged, MadeBy, Student, Table, Unjudged, message
from grader.sandbox import Sandbox
from reference.models import resnet20
from reports.html import render


@pytest.fixture
def setup(few_images: ImageSet, shared_sandbox: Sandbox, lab_rubric: Rubric) -> Setup:
    return Setup(
        Equipment(few_images, shared_sandbox, "cpu", 2), lab_rubric, MadeBy("0.1.0", "3.11"), ("--device", "cpu")
    )


@pytest.fixture
def graded(setup: Setup) -> Callable[[Path], Graded]:
    return lambda path: grade_archive(Archive(path, Student("Ada Ng")), setup, lambda step: None)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A copy of the demo submission, to be spoiled, without its scripts: running them takes time."""
    return Path(shutil.copytree(DEMO_SUBMISSION, tmp_path / "ada", ignore=shutil.ignore_patterns("*.py")))


def finding(grade: Grade, check: str) -> Judged | Blocked | Unjudged:
    return next(mark.finding for mark in grade.marks if mark.criterion.check == check)


def sentence(grade: Grade, check: str) -> str:
    match finding(grade, check):
        case Judged(verdict=verdict):
            return verdict.message.english()
        case Blocked(cause=said) | Unjudged(fault=said):
            return said.english()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_the_demo_submission_is_graded_to_the_image(graded, setup, few_images):
    grade = graded(DEMO_SUBMISSION).grade
    net = resnet20().eval()
    net.load_state_dict(torch.load(DEMO_SUBMISSION / "final.pth", weights_only=True)["net"])
    net.float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (the_lab().mean, the_lab().std))
    with torch.no_grad():
        x = (torch.from_numpy(np.array(few_images.images("test"))).float() / 255 - mean) / std
        right = int((net(x).argmax(dim=1).numpy() == few_images.labels("test")).sum())
    assert grade.accuracy == right / 200
    assert sentence(grade, "measured_accuracy").startswith(f"{right} of 200 test images are classified correctly")
    assert grade.needs_human == (not setup.equipment.sandbox.isolated)  # elsewhere no student code is run
    assert grade.made_by.command == "grade submission --device cpu"
    assert (grade.made_by.dataset, grade.made_by.device) == ("few", "cpu")


def test_a_zip_and_the_folder_it_was_made_of_get_the_same_marks(graded, work, tmp_path):
    (tmp_path / "ada.zip").write_bytes(
        zipped({f"Lab5/{p.name}": p.read_bytes() for p in work.iterdir() if p.is_file()})
    )
    from_zip, from_folder = graded(tmp_path / "ada.zip").grade, graded(work).grade
    assert [mark.points for mark in from_zip.marks] == [mark.points for mark in from_folder.marks]
    assert from_zip.made_by.logits_digest == from_folder.made_by.logits_digest != ""


def test_grading_twice_gives_the_same_grade(graded, work):
    shutil.copy(DEMO_SUBMISSION / "exp2.py", work)
    assert graded(work).grade == graded(work).grade


BAD_ARCHIVES = {
    "an empty file": (b"", "empty"),
    "a zip without files": (zipped({}), ""),
    "a truncated zip": (zipped({"final.pth": b"x" * 5_000, "exp2.py": b"x"})[:3_000], ""),
    "a rar": (b"Rar!\x1a\x07\x00" + bytes(50), "rar"),
    "a way out": (zipped({"../../outside.txt": b"x"}), ".."),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_an_archive_that_cannot_be_opened_is_a_grade_that_says_why(graded, tmp_path, name):
    content, said = BAD_ARCHIVES[name]
    (tmp_path / "ada.zip").write_bytes(content)
    result = graded(tmp_path / "ada.zip")
    assert result.grade.unusable
    assert len(result.grade.digest) == 64
    assert result.evidence is None
    assert (result.grade.total, result.grade.needs_human) == (0.0, True)  # a zero is a decision
    assert {type(mark.finding) for mark in result.grade.marks} == {Blocked}
    assert said.casefold() in sentence(result.grade, "measured_accuracy").casefold()
    assert not (tmp_path.parent / "outside.txt").exists()
    assert "<html" in render(result.grade)


def test_a_wrong_normalisation_in_the_code_is_diagnosed_and_the_right_one_named(graded, work):
    code = (DEMO_SUBMISSION / "exp2.py").read_text("utf-8").replace("(0.4914, 0.4822, 0.4465)", "(2.0, 2.0, 2.0)")
    (work / "exp2.py").write_text(code, encoding="utf-8")
    grade = graded(work).grade
    found = finding(grade, "measured_accuracy")
    assert isinstance(found, Judged)
    assert grade.accuracy < 0.6
    hints = " ".join(hint.english() for hint in found.verdict.hints)
    assert "the same weights classify" in hints
    assert "the network was probably trained that way" in hints
    assert "template's mean and standard deviation" in hints or "0.2023" in hints
    assert "claim" in " ".join(flag.kind for flag in grade.flags)


def test_a_claim_far_above_is_shown_beside_the_measurement(graded, work):
    (work / "report.md").write_text("The final test accuracy is 99.90%.", encoding="utf-8")
    grade = graded(work).grade
    table = next(e for e in finding(grade, "measured_accuracy").verdict.exhibits if isinstance(e, Table))
    assert "99.90%" in {row[0] for row in table.rows}
    assert any(flag.kind.startswith("claim") for flag in grade.flags)
    assert "99.90%" in render(grade)


def test_a_history_of_other_weights_is_a_finding(graded, work):
    history = json.loads((work / "history.json").read_text("utf-8"))
    for epoch in history["epochs"]:
        epoch["test_accuracy"] = 20.0
    (work / "history.json").write_text(json.dumps(history), encoding="utf-8")
    assert "the history belongs to other weights" in sentence(graded(work).grade, "training_history")


@pytest.mark.parametrize(
    "content",
    [
        b'{"epochs": [{"epoch": 0, "test_accuracy": NaN}]}',
        b'[{"epoch": 5, "test_accuracy": 1e308, "train_accuracy": -1e308}]',
        b'[{"epoch": -3, "test_accuracy": 50}, {"epoch": 999999999, "test_accuracy": 9e99}]',
        b'{"model": "\\ud800", "epochs": [{"acc": 80}]}',
    ],
)
def test_a_strange_history_is_judged_and_drawn(graded, work, content):
    (work / "history.json").write_bytes(content)
    (work / "final.pth").unlink()
    grade = graded(work).grade
    assert isinstance(finding(grade, "training_history"), Judged)
    assert "<html" in render(grade)


def test_a_file_name_that_is_no_text_stops_nothing(graded, work):
    try:
        shutil.copy(DEMO_SUBMISSION / "exp1.py", work / os.fsdecode(b"\xff\xfe.py"))
    except OSError:
        pytest.skip("this file system takes no such name")
    (work / "final.pth").unlink()
    result = graded(work)
    assert isinstance(finding(result.grade, "submission_layout"), Judged | Blocked)
    render(result.grade)


def test_without_images_everything_else_is_graded_and_a_human_is_needed(setup, work):
    bare = Setup(
        Equipment(message("CIFAR-10 is not here: run `grade data fetch`"), setup.equipment.sandbox),
        setup.rubric,
        setup.made_by,
    )
    grade = grade_archive(Archive(work, Student("Ada")), bare, lambda step: None).grade
    assert isinstance(finding(grade, "measured_accuracy"), Unjudged)
    assert "grade data fetch" in sentence(grade, "measured_accuracy")
    assert isinstance(finding(grade, "submission_layout"), Judged)
    assert finding(grade, "training_history").verdict.credit == 1.0
    assert grade.needs_human


def test_nothing_of_a_submission_stays_behind(graded, work, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (work / "final.pth").unlink()
    graded(work)
    assert list(temporary.iterdir()) == []
