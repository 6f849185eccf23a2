"""Canvas: fills one column of the instructor's gradebook export."""

from __future__ import annotations

from collections.abc import Mapping

from grader.records import Grade
from reports.gradebooks.shared import number
from reports.gradebooks.sheet import Row, Sheet

EXCUSED = "EX"


def render(sheet: Sheet, column: int, grades: Mapping[int, Grade]) -> str:
    """Fill the totals of these rows into this column; excused students stay excused."""
    filled = {row: grade for row, grade in grades.items() if not excused(sheet.rows[row], column)}
    return sheet.written({(row, column): number(grade.total) for row, grade in filled.items()})


def excused(row: Row, column: int) -> bool:
    """Return whether the cell excuses the student from this assignment."""
    return row.text(column).upper() == EXCUSED
