"""Read Moodle's offline grading worksheet, in any language: columns, rows, and the student of each row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from grader.gradebook.exports.lines import number
from grader.gradebook.exports.matching import Level, Matched, match
from grader.gradebook.files import Stored
from grader.gradebook.tables.columns import find_column, listed, named_column, require_cells
from grader.gradebook.tables.moodle import headings, participant
from grader.gradebook.tables.sheets import Export
from grader.records import Student, message
from grader.records.errors import BadLab


@dataclass(frozen=True, slots=True)
class Moodle:
    """A parsed worksheet. `comments` and `maximum` are None if it has no such column."""

    export: Export
    column: int
    comments: int | None
    maximum: int | None
    students: tuple[int, ...]

    def match(self, stored: Iterable[Stored], absent: Iterable[Student] = ()) -> Matched:
        """Match by participant, then by address, then by university number, then by exact name."""
        return match(stored, absent, self._levels(), self.export, self.students)

    def _levels(self) -> tuple[Level, ...]:
        """Return the ways to find a student's row, the surest first."""
        return (
            Level({row: (self.participant(row),) for row in self.students}, lambda student: _number(student, "moodle")),
            Level({row: self._addresses(row) for row in self.students}, lambda student: (student.email,)),
            Level(self._cells(find_column(self.export, headings("number"))), _of_university),
            Level(self._cells(self._names() or 1), _name),  # in Moodle always the second
        )

    def participant(self, row: int) -> str:
        """Return the participant's number."""
        return participant(self.export.sheet.rows[row].text(0))

    def name(self, row: int) -> str:
        """Return the participant's name; "" if the worksheet is anonymous, or the heading of the names unknown."""
        return self.export.sheet.rows[row].text(self._names())

    def possible(self, row: int) -> str:
        """Return the most points that Moodle accepts, as it writes them; "" if not given."""
        return self.export.sheet.rows[row].text(self.maximum)

    def _names(self) -> int | None:
        return find_column(self.export, headings("name"))

    def _addresses(self, row: int) -> tuple[str, ...]:
        cells = (self.export.sheet.rows[row].text(column) for column in range(1, self.column))
        return tuple(cell for cell in cells if "@" in cell)

    def _cells(self, column: int | None) -> dict[int, tuple[str, ...]]:
        return {row: (self.export.sheet.rows[row].text(column),) for row in self.students}


def read_moodle(export: Export, column: str | None, comments: str | None = None) -> Moodle:
    """Parse the worksheet. Raises BadLab if it is not one, or if its grade column is not clear."""
    rows = export.sheet.rows
    filled = tuple(place for place, row in enumerate(rows) if place and any(field.text.strip() for field in row.fields))
    for place in filled:
        if not participant(rows[place].text(0)):
            sentence = message(
                "{file}, line {line}: every line of a Moodle worksheet begins with a participant and a"
                " number. Use the assignment's 'Download grading worksheet'.",
                file=export.name,
                line=rows[place].line,
            )
            raise BadLab(sentence)
    chosen = _grade(export, column)
    require_cells(export, filled, chosen)
    told = _comments(export, filled, chosen) if comments is None else _named(export, comments)
    if told is not None:
        require_cells(export, filled, told)
    return Moodle(export, chosen, told, _maximum(export, filled, chosen), filled)


def _named(export: Export, name: str) -> int:
    return named_column(export, name, range(1, len(export.sheet.headings)))


def _grade(export: Export, column: str | None) -> int:
    chosen = find_column(export, headings("grade")) if column is None else _named(export, column)
    if chosen is None:
        sentence = message(
            "{file}, line 1: none of these headings is a known name for the grade column: {columns}. Give it"
            " with --column: its heading, or its number (the first column is 1).",
            file=export.name,
            columns=listed(export.sheet.headings[1:]),
        )
        raise BadLab(sentence)
    return chosen


def _maximum(export: Export, students: Iterable[int], grade: int) -> int | None:
    """Return the column of the maximum: Moodle writes it after the grade, and it is the same number for everyone."""
    known = find_column(export, headings("maximum"))
    if known is not None:
        return known
    texts = {export.sheet.rows[row].text(grade + 1) for row in students}
    alike = len(texts) == 1 and (number(texts.pop()) or 0.0) > 0.0
    return grade + 1 if alike else None


def _comments(export: Export, students: Iterable[int], grade: int) -> int | None:
    """Return the column of the comments: the last one, where its heading is unknown, if a cell of it is blank.

    Without comments the last column is a time for everyone, or "-".
    """
    known = find_column(export, headings("comments"))
    last = len(export.sheet.headings) - 1
    if known is not None or last <= grade + 2:
        return known
    texts = {export.sheet.rows[row].text(last) for row in students}
    return last if "" in texts and "-" not in texts else None


def _of_university(student: Student) -> tuple[str, ...]:
    return (*_number(student, "gradescope"), student.number)


def _number(student: Student, platform: str) -> tuple[str, ...]:
    return (student.identifier,) if student.identifier and student.platform in ("", platform) else ()


def _name(student: Student) -> tuple[str, ...]:
    """Return the name where the platform's number is not known; where it is, a row of that name is a namesake's."""
    return () if student.identifier and student.platform == "moodle" else (student.name,)
