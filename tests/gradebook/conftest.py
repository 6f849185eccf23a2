"""Stored grades of a small class, as runs leave them: with evidence, pages, and a criterion marked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.checks import discover
from grader.evidence import Evidence, ReportPage, Seen, WrittenReport, kind_of
from grader.gradebook.files import Graded, read_grade, whole
from grader.gradebook.publish import Publisher
from grader.marking.mark import mark
from grader.marking.rubric import Rubric, read_rubric
from grader.records import Grade, MadeBy, Student
from reports.html import render

MADE = MadeBy("0.1.0", "3.11", command="grade x.zip", graded_at="2026-03-05T10:00:00+00:00")
LINES = """
[measured_accuracy]
points = 30
knots = [[0.5, 0.0], [1.0, 1.0]]

[report_trend]
manual = true
title = "The trend figure"
points = 5
"""


@dataclass(frozen=True)
class Class:
    """A folder of grades, and what wrote it."""

    folder: Path
    publish: Callable[..., Grade]

    def grade(self, name: str) -> Grade:
        path = self.folder / name / "grade.json"
        return whole(read_grade(path), path)

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}


@pytest.fixture
def lines() -> str:
    return LINES


@pytest.fixture
def rubric(tmp_path: Path) -> Callable[..., Rubric]:
    def read(text: str = LINES) -> Rubric:
        path = tmp_path / "rubric.toml"
        path.write_text(text, "utf-8")
        return read_rubric(path, discover())

    return read


@pytest.fixture
def observed(scores) -> Callable[..., Evidence]:
    """Evidence of a student with so many of 200 images right, and a written report."""

    def build(student: Student, correct: int = 150, digest: str = "d" * 64) -> Evidence:
        report = WrittenReport(
            (ReportPage("report.pdf", "page", 1, ("The trend rises.", "<script>alert(1)</script>")),)
        )
        seen = ((kind_of(type(one)), Seen(one)) for one in (scores(correct, 200), report))
        return Evidence(student, digest, f"{student.name}.zip", tuple(seen))

    return build


@pytest.fixture
def marked(rubric, observed) -> Callable[..., Grade]:
    def build(student: Student, text: str = LINES, **rest) -> Grade:
        return mark(observed(student, **rest), rubric(text), MADE)

    return build


@pytest.fixture
def taught(tmp_path, rubric, observed) -> Callable[..., Class]:
    """Grade these students, each in a separate run, and return the class; `publish` grades one again."""

    def build(*students: Student) -> Class:
        folder = tmp_path / "grades"

        def publish(student: Student, text: str = LINES, run: Publisher | None = None, **rest) -> Grade:
            evidence = observed(student, **rest)
            return (run or Publisher(folder, render))(Graded(mark(evidence, rubric(text), MADE), evidence)).grade

        for number, student in enumerate(students):
            publish(student, digest=f"{number:064}")
        return Class(folder, publish)

    return build
