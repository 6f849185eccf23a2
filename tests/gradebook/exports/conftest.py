"""A class that was graded: grades as `grade` stores them, made in a line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.gradebook.exports import Exported, Request, export
from grader.gradebook.files import to_json
from grader.records import Checked, Criterion, Flag, Grade, Judged, MadeBy, Mark, Student, Unjudged, Verdict, message

LAYOUT = Criterion("submission_layout", "All required files are there.", 10)
ACCURACY = Criterion("measured_accuracy", "The network classifies test images correctly.", 90)


@pytest.fixture
def grades(tmp_path: Path) -> Path:
    """The folder of the class."""
    folder = tmp_path / "grades"
    folder.mkdir()
    return folder


@pytest.fixture
def stored(grades: Path) -> Callable[..., Grade]:
    """Store the grade of a student: 10 points for files, and `credit` of 90; None: not marked yet."""

    def store(student: Student, credit: float | None = 0.5) -> Grade:
        finding = (
            Unjudged("measured_accuracy", message("CIFAR-10 is not here."))
            if credit is None
            else Judged("measured_accuracy", Verdict(credit, message("accuracy {share:.1%}", share=credit)))
        )
        layout = Judged("submission_layout", Verdict(1.0, message("all there")))
        marks = (Mark(LAYOUT, layout), Mark(ACCURACY, finding))
        flags = (Flag("claim", message("for staff only")),)
        grade = Grade(student, "", f"{student.name[:40]}.zip", marks, credit, MadeBy("0.1.0", "3.11"), flags)
        folder = grades / f"{len(list(grades.iterdir())):03}"
        folder.mkdir()
        (folder / "grade.json").write_text(to_json(grade), "utf-8")
        (folder / "report.html").write_text("the page for staff", encoding="utf-8")
        return grade

    return store


@pytest.fixture
def run(grades: Path) -> Callable[..., Exported]:
    """Export the class."""

    def exported(to: str, **options: object) -> Exported:
        return export(replace(Request(to=to, folder=grades), **options))  # type: ignore[arg-type]

    return exported


@pytest.fixture
def said() -> Callable[[Exported], list[str]]:
    """What an export tells, a sentence a line."""

    def lines(exported: Exported) -> list[str]:
        def sentence(line: Checked) -> str:
            return f"{line.subject.english()}: {line.said.english()}"

        return [sentence(line) for line in exported.lines]

    return lines
