"""Plain CSV for a spreadsheet: one row per student, one column per check. Headings are keys in every language."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grader.records import Grade, Mark, Student
from reports.gradebooks.shared import guarded, number
from reports.text import clip, words

NAME_LIMIT = 300  # characters
_BEFORE = ("name", "identifier", "email", "number", "archive", "late")
_AFTER = ("adjustments", "total", "points", "final", "accuracy", "flags")


def render(grades: Sequence[Grade], so_far: bool = False, absent: Iterable[Student] = ()) -> str:
    """Render the table with line ends as in RFC 4180. Points that are not final stay blank, unless `so_far`.

    What could not be opened has no points so far.

    `absent` are those who handed in nothing: a row without points.
    """
    checks = tuple(dict.fromkeys(mark.criterion.check for grade in grades for mark in grade.marks))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*_BEFORE, *map(guarded, map(_shown, checks)), *_AFTER))
    for grade in grades:
        writer.writerow(_row(grade, checks, blank=grade.needs_human and (grade.unexamined or not so_far)))
    for student in absent:
        writer.writerow(
            [*_whose(student), "", "", *("" for _ in checks), *("no" if one == "final" else "" for one in _AFTER)]
        )
    return text.getvalue()


def _row(grade: Grade, checks: Iterable[str], blank: bool) -> list[str]:
    student = grade.student
    marks = {mark.criterion.check: mark for mark in grade.marks}
    owned = [*_whose(student), guarded(_shown(grade.archive))]
    flags = "; ".join(f"{_shown(flag.kind)}: {words(flag.message)}" for flag in grade.flags)
    adjusted = number(sum(one.points for one in grade.counted)) if grade.counted else ""
    figures = [_points(marks.get(check)) for check in checks], [adjusted, number(grade.total)]
    of_checks, of_all = [[""] * len(part) for part in figures] if blank else figures
    accuracy = "" if grade.accuracy is None else f"{grade.accuracy:.4f}"
    final = "no" if grade.needs_human else "yes"
    late = "yes" if student.late else "no"
    return [*owned, late, *of_checks, *of_all, number(grade.points), final, accuracy, guarded(flags)]


def _whose(student: Student) -> list[str]:
    return [guarded(_shown(text)) for text in (student.name, student.identifier, student.email, student.number)]


def _points(mark: Mark | None) -> str:
    """Return points; blank if nothing was marked, because a zero would be a mark."""
    return "" if mark is None or mark.points is None else number(mark.points)


def _shown(text: str) -> str:
    return clip(text, NAME_LIMIT)
