"""Give every member of a group the grade that one of them handed in for: from a roster, such as Canvas's of groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grader.gradebook.exports.lines import group_counts, group_unclear
from grader.gradebook.files import Stored
from grader.gradebook.roster.matching import Finder, Rows, member
from grader.gradebook.roster.read import roster_of
from grader.gradebook.tables.columns import listed
from grader.gradebook.tables.sheets import Export, read_export
from grader.records import Checked, Enrolled, Roster, message
from grader.records.errors import BadLab


def with_groups(
    stored: Sequence[Stored], table: Path, encoding: str | None = None
) -> tuple[tuple[Stored, ...], tuple[Checked, ...]]:
    """Return the grades with the members of their groups. Raises BadLab for a file that is not a table of groups.

    Whoever handed in alone keeps that grade. Where two members did, nobody else gets either.
    """
    export = _opened(table, encoding)
    read = roster_of(export)
    by_name = _groups(read.roster)
    if not by_name:
        sentence = message(
            "{file}, line 1: a table of groups has a column 'group' and one of name, number or email; the columns are"
            " {columns}.",
            file=export.name,
            columns=listed(export.sheet.headings),
        )
        raise BadLab(sentence)
    find = Finder(read.roster).find
    by_row: dict[Enrolled, list[Stored]] = defaultdict(list)
    for one in stored:
        found = () if one.grade.student.members else find(one.grade.student)
        if len(found) == 1:
            by_row[found[0]].append(one)
    lines = list(read.lines)
    changed: dict[Path, Stored] = {}
    for name, rows in by_name.items():
        handed_in = [one for row in rows for one in by_row.get(row, ())]
        if len(handed_in) == 1 and len(rows) > 1:
            (one,) = handed_in
            changed[one.path] = _shared(one, read.roster, rows)
            lines.append(group_counts(name, one, len(rows)))
        elif any(row not in by_row for row in rows) and handed_in:
            lines.append(group_unclear(name, handed_in))
    return tuple(changed.get(one.path, one) for one in stored), tuple(lines)


def _groups(roster: Roster) -> dict[str, Rows]:
    """Return the rows of each group; whoever is in none is left out."""
    groups: dict[str, Rows] = {}
    for row in roster.students:
        if row.group:
            groups[row.group] = (*groups.get(row.group, ()), row)
    return groups


def _opened(table: Path, encoding: str | None) -> Export:
    """Read the table in this encoding, unless it is UTF: the encoding may be that of the gradebook alone."""
    try:
        export = read_export(table)
    except BadLab:
        if encoding is None:
            raise
        return read_export(table, encoding)
    return read_export(table, encoding) if export.guessed and encoding else export


def _shared(one: Stored, roster: Roster, rows: Rows) -> Stored:
    student = one.grade.student
    members = tuple(member(roster.student(row), student.platform) for row in rows)
    return replace(one, grade=replace(one.grade, student=replace(student, members=members)))
