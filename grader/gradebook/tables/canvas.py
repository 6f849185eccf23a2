"""Recognise a Canvas gradebook and its rows."""

from __future__ import annotations

from grader.gradebook.tables.sheets import Export
from reports.gradebooks.sheet import Row

TEST_STUDENT = "Student, Test"
POSSIBLE = "Points Possible"


def is_canvas(export: Export) -> bool:
    """Return whether the file has the first columns of a Canvas gradebook."""
    headings = export.sheet.headings
    named = headings[0] == "Student" or headings[:2] == ("LastName", "FirstName")  # a setting of the course
    return named and "ID" in headings and "Section" in headings


def is_student(row: Row, number: int) -> bool:
    """Return whether a row is a student's: not points possible, not the posting policy, not Canvas's test student."""
    name = row.text(0)
    return not name.startswith(POSSIBLE) and name != TEST_STUDENT and bool(name or row.text(number))
