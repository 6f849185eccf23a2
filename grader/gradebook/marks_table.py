"""Read decisions from a table (student, criterion, points, reason), such as `marks_template.py` writes.

Each row is applied or reported, with its line number.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.disk.names import visible
from grader.gradebook.adjust import Decision, Roll, decided, find
from grader.gradebook.files import Changed, read_stored, save
from grader.gradebook.lock import held
from grader.gradebook.tables.sheets import Export, guessed_encoding
from grader.records import Checked, Grade, Message, message, same
from grader.records.errors import BadLab
from reports.gradebooks.open_marks import submission
from reports.gradebooks.sheet import Row

# Headings by meaning, in normalised form.
HEADINGS = {
    "student": ("student", "name", "学生", "姓名"),
    "criterion": ("criterion", "评分项"),
    "points": ("points", "分数", "得分"),
    "reason": ("reason", "理由"),
}
READ_ONLY = ("maximum", "found", "submission")  # what our own template says beside them
_POINTS = re.compile(r"[-+−]?[0-9]{1,6}(?:[.,][0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of reading a table: the grades that changed, and what a person should know, line by line."""

    changed: tuple[Changed, ...]
    lines: tuple[Checked, ...]
    refusals: tuple[BadLab, ...]

    @property
    def whole(self) -> bool:
        """Return whether every row was applied."""
        return not self.refusals and all(line.state == "good" for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row that names a student and points."""

    line: int
    path: Path
    decision: Decision


def adjust_from(folder: Path, export: Export, by: str, on: str) -> Taken:
    """Store every decision of a table, or none if the disk is full.

    Raises BadLab for a file that is not such a table.
    """
    columns = _columns(export)
    with held(folder):
        return _taken(folder, export, columns, by, on)


def _taken(folder: Path, export: Export, columns: Mapping[str, int], by: str, on: str) -> Taken:
    stored, refusals = read_stored(folder)
    roll = Roll(stored, folder)
    lines: list[Checked] = [*guessed_encoding(export), *_unknown_headings(export, columns)]
    entries: list[_Entry] = []
    skipped = 0
    for row in export.sheet.rows[1:]:
        if not (row.text(columns["points"]) or row.text(columns["reason"])):
            skipped += any(field.text.strip() for field in row.fields)
        else:
            try:
                entries.append(_entry(row, columns, roll, by, on))
            except BadLab as error:
                lines.append(_told(export, row.line, error.message))
    if skipped:
        said = message("without points and reason, skipped: {count}", count=skipped)
        lines.append(Checked(message("Rows"), "good", said))
    before = {one.path: one.grade for one in stored}
    after = dict(before)
    for entry in _once(entries, export, lines):
        grade = after[entry.path]
        if _is_there(grade, entry.decision):
            sentence = message(
                "{student} already has this; it was not applied a second time.", student=visible(grade.student.name)
            )
            lines.append(_told(export, entry.line, sentence, "good"))
            continue
        try:
            after[entry.path] = decided(grade, entry.decision)
        except BadLab as error:
            lines.append(_told(export, entry.line, error.message))
    changed = tuple(Changed(path, before[path], grade) for path, grade in after.items() if grade != before[path])
    save(changed)
    return Taken(changed, tuple(lines), refusals)


def _columns(export: Export) -> dict[str, int]:
    headings = [same(heading) for heading in export.sheet.headings]
    columns: dict[str, int] = {}
    for meaning, forms in HEADINGS.items():
        found = [place for place, heading in enumerate(headings) if heading in forms]
        if len(found) > 1:
            sentence = message(
                "{file}, line 1: the heading '{heading}' appears twice. Rename one of the columns.",
                file=export.name,
                heading=meaning,
            )
            raise BadLab(sentence)
        if found:
            columns[meaning] = found[0]
    missing = [meaning for meaning in HEADINGS if meaning not in columns]
    if not missing:
        return {**columns, **{name: headings.index(name) for name in READ_ONLY if name in headings}}
    near = difflib.get_close_matches(missing[0], headings, n=1)
    if near:
        sentence = message(
            "{file}, line 1: there is no column '{missing}'. If you meant '{near}', rename it to '{missing}'.",
            file=export.name,
            missing=missing[0],
            near=visible(near[0]),
        )
        raise BadLab(sentence)
    sentence = message(
        "{file}, line 1: there is no column '{missing}'. The headings are student, criterion, points, reason.",
        file=export.name,
        missing=missing[0],
    )
    raise BadLab(sentence)


def _unknown_headings(export: Export, columns: Mapping[str, int]) -> Iterator[Checked]:
    others = [text for place, text in enumerate(export.sheet.headings) if place not in columns.values() and text]
    if others:
        said = message("{file}, line 1: ignored: {names}.", file=export.name, names=visible(", ".join(others)))
        yield Checked(message("Columns"), "good", said)


def _entry(row: Row, columns: Mapping[str, int], roll: Roll, by: str, on: str) -> _Entry:
    student, criterion, points, reason = (row.text(columns[meaning]) for meaning in HEADINGS)
    if not student:
        raise BadLab(message("This row has no student."))
    one = find(roll, student)
    looked_at = row.text(columns.get("submission"))
    if looked_at and looked_at != submission(one.grade):
        sentence = message(
            "{student} has handed in something else since this table was written. Look at the new submission, and"
            " write the table again.",
            student=visible(student),
        )
        raise BadLab(sentence)
    if not points:
        raise BadLab(message("There are no points yet for {student}.", student=visible(student)))
    if not _POINTS.fullmatch(points):
        raise BadLab(
            message("'{points}' is not a number of points. Write a number such as 4.5.", points=visible(points))
        )
    value = float(points.replace(",", ".").replace("−", "-"))
    return _Entry(row.line, one.path, Decision(value, reason, by, on, criterion))


def _once(entries: list[_Entry], export: Export, lines: list[Checked]) -> Iterator[_Entry]:
    """Yield the rows that no other row contradicts; of two rows for one criterion of a student, neither."""
    groups: dict[tuple[Path, str], list[_Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.path, entry.decision.criterion].append(entry)
    for (_, criterion), group in groups.items():
        if not criterion or len(group) == 1:
            yield from group
            continue
        numbers = ", ".join(str(entry.line) for entry in group)
        sentence = message(
            "lines {numbers} all mark {criterion} for one student. None was applied; keep only one of them.",
            numbers=numbers,
            criterion=visible(criterion),
        )
        lines.append(_told(export, group[0].line, sentence))


def _is_there(grade: Grade, decision: Decision) -> bool:
    """Return whether the table was applied before: its adjustments would then count twice."""
    wanted = (round(decision.points, 2), decision.reason)
    if not decision.criterion:
        return any((one.points, one.reason) == wanted for one in grade.counted)
    given = [mark.given for mark in grade.marks if mark.criterion.check == decision.criterion and mark.given]
    return any((one.points, one.reason) == wanted for one in given)


def _told(export: Export, line: int, said: Message, state: str = "worse") -> Checked:
    subject = message("{file}, line {line}", file=export.name, line=line)
    return Checked(subject, "good" if state == "good" else "worse", said)
