"""Read a Canvas gradebook export: find the column, the rows, and the student of each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grader.gradebook.exports.matching import Level, Matched, match
from grader.gradebook.files import Stored
from grader.gradebook.tables.canvas import POSSIBLE, is_canvas, is_student
from grader.gradebook.tables.columns import find_column, listed, named_column, require_cells
from grader.gradebook.tables.sheets import Export
from grader.records import Student, message
from grader.records.errors import BadLab

READ_ONLY = "(read only)"
# Columns that Canvas computes itself, for assignment groups and for the course.
WORKED_OUT = ("Current Score", "Final Score", "Current Points", "Final Points", "Current Grade", "Final Grade")


@dataclass(frozen=True, slots=True)
class Canvas:
    """A parsed Canvas export."""

    export: Export
    column: int
    students: tuple[int, ...]
    possible: str  # points possible, as Canvas writes them; "" if not given

    def match(self, stored: Iterable[Stored], absent: Iterable[Student] = ()) -> Matched:
        """Match by Canvas id, then by university number or login, then by exact name."""
        return match(stored, absent, self._levels(), self.export, self.students)

    def _levels(self) -> tuple[Level, ...]:
        """Return the ways to find a student's row, the surest first."""
        names = {row: self._names(row) for row in self.students}
        return (
            Level(self._cells("ID"), lambda student: _number(student, "canvas")),
            Level(self._cells("SIS User ID"), _of_university),
            Level(self._cells("SIS Login ID"), lambda student: (*_of_university(student), student.email)),
            Level(names, _name),
        )

    def _names(self, row: int) -> tuple[str, ...]:
        """Return a name in both orders: Canvas sorts by "Ng, Ada", and people are called Ada Ng."""
        first_cell, second_cell = (self.export.sheet.rows[row].text(column) for column in (0, 1))
        if self.export.sheet.headings[0] != "Student":
            return (f"{second_cell} {first_cell}", f"{first_cell}, {second_cell}")
        last, comma, first = first_cell.partition(", ")
        return (first_cell, f"{first} {last}") if comma else (first_cell,)

    def _cells(self, heading: str) -> Mapping[int, tuple[str, ...]]:
        column = find_column(self.export, (heading,))
        return {row: (self.export.sheet.rows[row].text(column),) for row in self.students}


def read_canvas(export: Export, column: str | None) -> Canvas:
    """Parse the export. Raises BadLab if it is not from Canvas, or if the assignment's column is not clear."""
    headings = export.sheet.headings
    if not is_canvas(export):
        sentence = message(
            "{file}, line 1: a Canvas gradebook begins with Student, ID and Section. Export it under Grades.",
            file=export.name,
        )
        raise BadLab(sentence)
    rows = export.sheet.rows
    possible = next((row for row in rows[1:] if row.text(0).startswith(POSSIBLE)), None)
    offered = [
        place
        for place, heading in enumerate(headings)
        if place > headings.index("Section")
        and not heading.endswith(WORKED_OUT)
        and not (possible and possible.text(place) == READ_ONLY)
    ]
    if column is None:
        sentence = message(
            "--column is missing: give the assignment's column in {file}. The columns are {columns}.",
            file=export.name,
            columns=listed([headings[place] for place in offered]),
        )
        raise BadLab(sentence)
    chosen = named_column(export, column, offered)
    students = tuple(number for number, row in enumerate(rows) if number and is_student(row, headings.index("ID")))
    require_cells(export, students, chosen)
    return Canvas(export, chosen, students, possible.text(chosen) if possible else "")


def _of_university(student: Student) -> tuple[str, ...]:
    return (*_number(student, "gradescope"), student.number)


def _number(student: Student, platform: str) -> tuple[str, ...]:
    """Return the number if it belongs to that platform: 12345 on Canvas is not the university's 12345."""
    return (student.identifier,) if student.identifier and student.platform in ("", platform) else ()


def _name(student: Student) -> tuple[str, ...]:
    """Return the name where the platform's number is not known; where it is, a row of that name is a namesake's."""
    return () if student.identifier and student.platform == "canvas" else (student.name,)
