"""Give every member of a group the grade that one of them handed in for: from a table of groups, such as Canvas's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.disk.names import visible
from grader.gradebook.exports.columns import find_column, listed
from grader.gradebook.exports.lines import group_counts, group_unclear
from grader.gradebook.exports.matching import Level, finder
from grader.gradebook.exports.sheets import Export, guessed_encoding, read_export
from grader.gradebook.files import Stored
from grader.records import Checked, Member, Student, message
from grader.records.errors import BadLab

# Headings by meaning; the first of each is that of Canvas's "Download Course Roster CSV" under People, Groups.
HEADINGS = {
    "group": ("group_name", "group", "group name", "team", "组", "小组", "组名", "分组"),
    "name": ("name", "student", "student name", "full name", "姓名", "学生"),
    "canvas": ("canvas_user_id",),
    "number": ("user_id", "identifier", "number", "student id", "student number", "sid", "id", "学号"),
    "address": ("login_id", "email", "email address", "邮箱", "电子邮件"),
}


@dataclass(frozen=True, slots=True)
class _Groups:
    """The table: the name of each row's group, and what else identifies the row's student."""

    export: Export
    columns: Mapping[str, int | None]

    def text(self, row: int, meaning: str) -> str:
        return self.export.sheet.rows[row].text(self.columns[meaning])

    def rows(self) -> dict[str, list[int]]:
        """Return the rows of each group; whoever is in none is left out."""
        groups: dict[str, list[int]] = defaultdict(list)
        for row in range(1, len(self.export.sheet.rows)):
            if name := self.text(row, "group"):
                groups[name].append(row)
        return groups

    def number(self, row: int, platform: str) -> str:
        """Return the number that this platform knows the student by, or "": a participant of Moodle is not in here."""
        canvas, university = self.text(row, "canvas"), self.text(row, "number")
        return {"canvas": canvas, "gradescope": university, "moodle": ""}.get(platform, canvas or university)

    def member(self, row: int, platform: str) -> Member:
        name, number, address = self.text(row, "name"), self.number(row, platform), self.text(row, "address")
        return Member(visible(name or address or number), number, address)

    def levels(self, rows: Sequence[int]) -> tuple[Level, ...]:
        cells = {meaning: {row: (self.text(row, meaning),) for row in rows} for meaning in HEADINGS}
        return (
            Level(cells["canvas"], lambda student: _numbers(student, "canvas")),
            Level(cells["number"], lambda student: _numbers(student, "gradescope")),
            Level(cells["address"], lambda student: (student.email,)),
            Level(cells["name"], lambda student: (student.name,)),
        )


def with_groups(
    stored: Sequence[Stored], table: Path, encoding: str | None = None
) -> tuple[tuple[Stored, ...], tuple[Checked, ...]]:
    """Return the grades with the members of their groups. Raises BadLab for a file that is not a table of groups.

    Whoever handed in alone keeps that grade. Where two members did, nobody else gets either.
    """
    groups = _read(_opened(table, encoding))
    by_name = groups.rows()
    find = finder(groups.levels([row for rows in by_name.values() for row in rows]))
    by_row: dict[int, list[Stored]] = defaultdict(list)
    for one in stored:
        found = () if one.grade.student.members else find(one.grade.student)
        if len(found) == 1:
            by_row[found[0]].append(one)
    lines = list(guessed_encoding(groups.export))
    changed: dict[Path, Stored] = {}
    for name, rows in by_name.items():
        handed_in = [one for row in rows for one in by_row.get(row, ())]
        if len(handed_in) == 1 and len(rows) > 1:
            (one,) = handed_in
            changed[one.path] = _shared(one, groups, rows)
            lines.append(group_counts(name, one, len(rows)))
        elif any(row not in by_row for row in rows) and handed_in:
            lines.append(group_unclear(name, handed_in))
    return tuple(changed.get(one.path, one) for one in stored), tuple(lines)


def _opened(table: Path, encoding: str | None) -> Export:
    """Read the table in this encoding, unless it is UTF: the encoding may be that of the gradebook alone."""
    try:
        export = read_export(table)
    except BadLab:
        if encoding is None:
            raise
        return read_export(table, encoding)
    return read_export(table, encoding) if export.guessed and encoding else export


def _read(export: Export) -> _Groups:
    columns = {meaning: find_column(export, headings) for meaning, headings in HEADINGS.items()}
    known = [meaning for meaning in HEADINGS if columns[meaning] is not None]
    if "group" not in known or len(known) < 2:
        sentence = message(
            "{file}, line 1: a table of groups has a column 'group' and one of name, number or email; the columns are"
            " {columns}.",
            file=export.name,
            columns=listed(export.sheet.headings),
        )
        raise BadLab(sentence)
    return _Groups(export, columns)


def _shared(one: Stored, groups: _Groups, rows: Iterable[int]) -> Stored:
    student = one.grade.student
    members = tuple(groups.member(row, student.platform) for row in rows)
    return replace(one, grade=replace(one.grade, student=replace(student, members=members)))


def _numbers(student: Student, platform: str) -> tuple[str, ...]:
    return (student.identifier,) if student.identifier and student.platform in ("", platform) else ()
