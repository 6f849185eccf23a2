"""Exercise 5 of the course: its own script, which trains at the module's level, and rankings in the report alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures import DEMO_SUBMISSION
from grader.collect.retrieval.networks import find_network
from grader.evidence import ReportedRun
from grader.labs import find_lab, using_lab
from grader.measures.ways import mistakes
from grader.records import Message

COURSE = Path(__file__).parents[2] / "fixtures" / "stories" / "form_of_the_course" / "exp2.py"
PRINTED = """
Model: {model}

The matching result for image queries/panda.jpg
Top 1 similar image : library/panda/03.png, with the similarity {first:.4f}
Top 2 similar image : library/panda/01.png, with the similarity 0.8583
Top 3 similar image : library/bear/02.png, with the similarity 0.8343
Top 4 similar image : library/bear/04.png, with the similarity 0.7599
Top 5 similar image : library/cat/03.png, with the similarity 0.6491
"""


@pytest.fixture
def grade(in_process: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return in_process


@pytest.fixture
def exercise(tmp_path: Path) -> Path:
    """The course's script, finished, with weights, and a report that shows what was found."""
    folder = tmp_path / "wang"
    folder.mkdir()
    shutil.copy(COURSE, folder)
    shutil.copy(DEMO_SUBMISSION / "final.pth", folder)
    rankings = [
        PRINTED.format(model=model, first=first) for model, first in (("resnet50", 0.9035), ("alexnet", 0.8812))
    ]
    method = "# Report\n\nAll features were divided by their length, and compared by cosine similarity.\n"
    (folder / "report.md").write_text(method + "".join(rankings), encoding="utf-8")
    return folder


def findings(tmp_path: Path) -> dict[str, dict[str, Any]]:
    grade = json.loads((tmp_path / "grades" / "wang" / "grade.json").read_text("utf-8"))
    return {mark["criterion"]["check"]: mark["finding"] for mark in grade["marks"]}


def test_the_courses_own_form_earns_what_it_should(grade, exercise, tmp_path):
    done = grade("wang", "--lab", "exercise-5")
    assert (done.status, done.err) == (1, ""), done.out  # the written report waits for a person
    found = findings(tmp_path)
    assert found["written_report"]["state"] == "manual"
    earned = {name: one["verdict"]["credit"] for name, one in found.items() if one["state"] == "judged"}
    assert earned == {
        "submission_layout": 1.0, "measured_accuracy": 1.0, "evaluation": 1.0, "learning_rate": 1.0,
        "retrieval_ranking": 1.0, "retrieval_scores": 1.0,
    }  # fmt: skip
    for another in ("retrieval.json", "history.json", "retrieve.py", "features.npz"):
        assert another not in done.out
    page = (tmp_path / "grades" / "wang" / "report.html").read_text("utf-8")
    assert "retrieval.json" not in page
    assert grade("report", "grades", "--lang", "zh").status == 0
    assert "学习率的变化" in (tmp_path / "grades" / "wang" / "report.html").read_text("utf-8")


def test_a_report_without_rankings_is_told_where_they_belong(grade, exercise, tmp_path):
    (exercise / "report.md").write_text("# Report\n\nIt worked.\n", encoding="utf-8")
    grade("wang", "--lab", "exercise-5")
    found = findings(tmp_path)["retrieval_ranking"]
    assert found["state"] == "blocked"
    told = json.dumps(found)
    assert "Write them into {report}" in told
    assert "retrieval.json" not in told


def test_no_report_at_all_is_told_too(grade, exercise, tmp_path):
    (exercise / "report.md").unlink()
    done = grade("wang", "--lab", "exercise-5")
    assert "No ranking was handed in. Write them into report.pdf" in done.out


def test_nothing_of_another_lab_is_handed_out(grade, tmp_path):
    done = grade("template", "out", "--lab", "exercise-5")
    assert done.status == 2
    assert "students start from what you give them" in done.err
    assert not (tmp_path / "out").exists()


def test_the_lab_can_be_checked_by_its_name(grade):
    done = grade("lab", "check", "exercise-5")
    assert (done.status, done.err) == (0, "")


def test_a_copy_of_a_lab_is_checked_rather_than_the_lab_of_that_name(grade, tmp_path):
    shutil.copytree(find_lab("exercise-5").folder, tmp_path / "exercise-5")
    (tmp_path / "exercise-5" / "rubric.toml").write_text("[measured_acuracy]\npoints = 3\n", encoding="utf-8")
    done = grade("lab", "check", "exercise-5")
    assert done.status == 2
    assert "did you mean 'measured_accuracy'" in done.err
    shutil.copy(find_lab("exercise-5").rubric, tmp_path / "exercise-5")
    assert "Grade with: grade --lab ./exercise-5 SUBMISSION" in grade("lab", "check", "exercise-5").out


def test_no_advice_names_a_key_that_a_written_report_has_not():
    unused: Any = None  # the report names no network
    with using_lab(find_lab("exercise-5")):
        told = [mistake.mend.english() for mistake in mistakes()]
        which = find_network(ReportedRun("", ()), unused, unused)
    assert isinstance(which, Message)
    assert not [said for said in (*told, which.english()) if "under '" in said]
    assert "Model: resnet50" in which.english()
