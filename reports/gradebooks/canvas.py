"""Canvas: one column of the instructor's gradebook export, filled."""

from __future__ import annotations

from collections.abc import Mapping

from grader.records import Grade
from reports.gradebooks.shared import number
from reports.gradebooks.sheet import Row, Sheet

EXCUSED = "EX"


def render(sheet: Sheet, column: int, grades: Mapping[int, Grade]) -> str:
    """The export with the totals of these rows in this column; who is excused there stays excused."""
    filled = {row: grade for row, grade in grades.items() if not excused(sheet.rows[row], column)}
    return sheet.written({(row, column): number(grade.total) for row, grade in filled.items()})


def excused(row: Row, column: int) -> bool:
    """Whether the cell excuses the student from this assignment."""
    return row.text(column).upper() == EXCUSED
