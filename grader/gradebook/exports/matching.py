"""Match grades with the rows of an export, and report those that cannot be matched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.disk.names import visible
from grader.gradebook.files import Stored
from grader.gradebook.tables.sheets import Export
from grader.records import Checked, Student, message, same

Keys = Callable[[Student], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Level:
    """One way to identify a row: the value in each row, and the value that a student would have there."""

    cells: Mapping[int, Sequence[str]]
    keys: Keys


@dataclass(frozen=True, slots=True)
class Matched:
    """Grades by row, one per row, and what a person has to do by hand."""

    grades: Mapping[int, Stored]
    lines: tuple[Checked, ...]
    rows_without: tuple[int, ...]
    absent: frozenset[int] = frozenset()  # of these, the rows of students who are known to have handed in nothing


def match(
    stored: Iterable[Stored], absent: Iterable[Student], levels: Sequence[Level], export: Export, rows: Sequence[int]
) -> Matched:
    """Look for each student level by level; the first level that finds the student decides."""
    find = finder(levels)
    claims: dict[int, list[Stored]] = defaultdict(list)
    lines: list[Checked] = []
    for one in stored:
        for student in one.grade.student.each:
            match find(student):
                case ():
                    lines.append(_no_row(student, one))
                case (row,):
                    claims[row].append(one)
                case several:
                    lines.append(_several_rows(student, one, several, export))
    doubled = {row: claimed for row, claimed in claims.items() if len(claimed) > 1}
    lines += [_several_grades(claimed, row, export) for row, claimed in doubled.items()]
    grades = {row: claimed[0] for row, claimed in claims.items() if row not in doubled}
    nothing = (found[0] for student in absent if len(found := find(student)) == 1)
    return Matched(grades, tuple(lines), tuple(row for row in rows if row not in claims), frozenset(nothing))


def _index(cells: Mapping[int, Sequence[str]]) -> dict[str, tuple[int, ...]]:
    index: dict[str, dict[int, None]] = defaultdict(dict)
    for row, texts in cells.items():
        for text in filter(None, map(same, texts)):
            index[text][row] = None
    return {text: tuple(rows) for text, rows in index.items()}


def finder(levels: Sequence[Level]) -> Callable[[Student], tuple[int, ...]]:
    """Return what finds the rows of a student: those of the first level with any."""
    indices = [(_index(level.cells), level.keys) for level in levels]

    def find(student: Student) -> tuple[int, ...]:
        for index, keys in indices:
            wanted = [same(key) for key in keys(student)]
            if found := tuple(dict.fromkeys(row for key in wanted for row in index.get(key, ()))):
                return found
        return ()

    return find


def _who(student: Student) -> str:
    """Name a student for a sentence."""
    return f"{visible(student.name)} ({visible(student.identifier)})" if student.identifier else visible(student.name)


def _no_row(student: Student, one: Stored) -> Checked:
    said = message(
        "{student}, {total:g} points ({archive}). Enter them by hand, or look for the name that the gradebook uses.",
        student=_who(student),
        total=one.grade.total,
        archive=visible(one.grade.archive),
    )
    return Checked(message("No row for"), "worse", said)


def _several_rows(student: Student, one: Stored, rows: Iterable[int], export: Export) -> Checked:
    places = ", ".join(str(export.sheet.rows[row].line) for row in rows)
    said = message(
        "{file}, lines {lines}: each could be {student}, {total:g} points. None was filled; enter the points by hand.",
        file=export.name,
        lines=places,
        student=_who(student),
        total=one.grade.total,
    )
    return Checked(message("Several rows"), "worse", said)


def _several_grades(claimed: Iterable[Stored], row: int, export: Export) -> Checked:
    claims = ", ".join(f"{visible(one.grade.archive)} ({one.grade.total:g})" for one in claimed)
    said = message(
        "{file}, line {line}: {grades} are all for this row. It was left unchanged; enter the one that counts.",
        file=export.name,
        line=export.sheet.rows[row].line,
        grades=claims,
    )
    return Checked(message("Several grades"), "worse", said)
