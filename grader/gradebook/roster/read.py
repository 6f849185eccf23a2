"""Read a roster: a table of one's own, or what Canvas, Moodle, Gradescope or GitHub Classroom export."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from grader.gradebook.roster import times
from grader.gradebook.tables import moodle
from grader.gradebook.tables.canvas import is_canvas, is_student
from grader.gradebook.tables.columns import listed, quoted
from grader.gradebook.tables.sheets import Export, guessed_encoding, read_export
from grader.records import Checked, Enrolled, Message, Roster, message, same
from grader.records.errors import BadLab

HEADINGS = Path(__file__).with_name("headings.toml")
WHO = ("name", "first", "last", "canvas", "moodle", "number", "some_number", "login", "address")
LONGEST = 200  # characters of a cell
UNIQUE = ("identifier", "number", "login", "email")
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)  # 2.02312E+11, which a spreadsheet made of a number
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")


@cache
def headings() -> Mapping[str, tuple[str, ...]]:
    """Return what every language calls a column, by its meaning."""
    names: dict[str, list[str]] = defaultdict(list)
    for language in tomllib.loads(HEADINGS.read_text("utf-8")).values():
        for meaning, called in language.items():
            names[meaning] += called
    names["name"] += moodle.headings("name")
    names["number"] += moodle.headings("number")
    return {meaning: tuple(map(same, called)) for meaning, called in names.items()}


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A roster that was read, and what a person should know about the file."""

    roster: Roster
    lines: tuple[Checked, ...] = ()


def read_roster(path: Path, encoding: str | None = None) -> RosterFile:
    """Read the table. Raises BadLab, with line and column, if it is no roster or a cell cannot be understood."""
    return roster_of(read_export(path, encoding))


def roster_of(export: Export) -> RosterFile:
    """Return the roster in a table. Raises BadLab as above."""
    table = _Table(export, *_form(export))
    if not any(table.columns.get(meaning) is not None for meaning in WHO):
        sentence = message(
            "{file}, line 1: a roster has a column of names, numbers, logins or addresses; the columns are {columns}.",
            file=export.name,
            columns=listed(export.sheet.headings),
        )
        raise BadLab(sentence)
    students, lines = _without_copies([table.student(row) for row in table.rows()], export)
    if not students:
        raise BadLab(message("{file} lists no students. Give a table with a line for each.", file=export.name))
    said = (*guessed_encoding(export), *lines, *_of_one_name(students, export))
    return RosterFile(Roster(export.name, students, table.platform), said)


def _form(export: Export) -> tuple[Literal["", "canvas", "moodle"], dict[str, int | None]]:
    """Return the platform that numbers the students, and each column by its meaning."""
    shown = [same(heading) for heading in export.sheet.headings]

    def column(meaning: str) -> int | None:
        return next((shown.index(name) for name in headings()[meaning] if name in shown), None)

    columns = {meaning: column(meaning) for meaning in (*WHO, "group", "deadline", "extension", "role")}
    if is_canvas(export):
        return "canvas", columns | {"canvas": shown.index("id"), "some_number": None}
    if moodle.is_worksheet(export):
        return "moodle", columns | {"moodle": 0, "some_number": None}
    if columns["canvas"] is not None:
        return "canvas", columns
    return "moodle" if columns["moodle"] is not None else "", columns


@dataclass(frozen=True, slots=True)
class _Table:
    export: Export
    platform: Literal["", "canvas", "moodle"]
    columns: Mapping[str, int | None]

    def rows(self) -> Iterator[int]:
        """Yield the rows of students."""
        staff = headings()["staff"]
        for number, row in enumerate(self.export.sheet.rows):
            blank = not any(field.text.strip() for field in row.fields)
            canvas = is_canvas(self.export) and not is_student(row, self.columns["canvas"] or 0)
            if number and not blank and not canvas and same(self.text(number, "role")) not in staff:
                yield number

    def text(self, row: int, meaning: str) -> str:
        return _visible(self.export.sheet.rows[row].text(self.columns[meaning]))

    def student(self, row: int) -> Enrolled:
        """Return the student of a row. Raises BadLab if it says of nobody who it is."""
        address, number = self.text(row, "address"), self._number(row, "number") or self._number(row, "some_number")
        name = self._name(row)
        if "@" in number:  # GitHub Classroom's identifier is whatever the instructor put there
            address, number = address or number, ""
        elif number and not any(sign.isdigit() for sign in number) and not name:
            name, number = number, ""
        due, extra = self._time(row)
        found = Enrolled(
            self.export.sheet.rows[row].line, _in_order(name), self._identifier(row), number,
            self._number(row, "login"), address, self.text(row, "group"), due, extra,
        )  # fmt: skip
        if not found.shown:
            sentence = message(
                "{file}, line {line}: this line names nobody. Fill in a name, a number or an address, or delete it.",
                file=self.export.name,
                line=found.line,
            )
            raise BadLab(sentence)
        return found

    def _name(self, row: int) -> str:
        if name := self.text(row, "name"):
            return name
        first, last = self.text(row, "first"), self.text(row, "last")
        if _CHINESE.fullmatch(first) and _CHINESE.fullmatch(last):
            return last + first
        return f"{first} {last}".strip()

    def _identifier(self, row: int) -> str:
        if self.platform == "moodle":
            number = self._number(row, "moodle")
            return moodle.participant(number) or number
        return self._number(row, "canvas") if self.platform else ""

    def _number(self, row: int, meaning: str) -> str:
        text = self.text(row, meaning)
        if _ROUNDED.fullmatch(text):
            sentence = message(
                "a spreadsheet has rounded this number. Format the column as text, and export the file again."
            )
            raise self._wrong(row, meaning, sentence)
        return text

    def _time(self, row: int) -> tuple[str, float]:
        """Return the deadline, and the days that are granted after whichever deadline counts."""
        deadline, extension = self.text(row, "deadline").strip("-–"), self.text(row, "extension").strip("-–")
        due = times.due(deadline) if deadline else ""
        if due is None:
            sentence = message("a deadline is a date and a time, such as {example}.", example="2026-03-01 23:59")
            raise self._wrong(row, "deadline", sentence)
        until = times.due(extension) if extension else ""
        if until and due and times.is_before(until, due):
            raise self._wrong(row, "extension", message("the extension ends before the deadline. Correct one of them."))
        if until is not None:
            return until or due, 0.0
        extra = times.days(extension)
        if extra is None:
            sentence = message(
                "an extension is a number of days, or a date and a time such as {example}.", example="2026-03-01 23:59"
            )
            raise self._wrong(row, "extension", sentence)
        return due, extra

    def _wrong(self, row: int, meaning: str, sentence: Message) -> BadLab:
        column, line = self.columns[meaning] or 0, self.export.sheet.rows[row]
        return BadLab(
            message(
                "{file}, line {line}, column {column}, {text}: {sentence}",
                file=self.export.name,
                line=line.line,
                column=quoted(self.export.sheet.headings[column]),
                text=quoted(line.text(column)),
                sentence=sentence,
            )
        )


def _visible(text: str) -> str:
    """Return a cell as one line: NFC, single spaces, no invisible characters, cut where no name is that long."""
    composed = " ".join(unicodedata.normalize("NFC", text[: 2 * LONGEST]).split())
    return "".join(sign for sign in composed if not unicodedata.category(sign).startswith("C"))[:LONGEST]


def _in_order(name: str) -> str:
    """Return Ada Ng for "Ng, Ada"."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma and "," not in first else name


def _without_copies(rows: list[Enrolled], export: Export) -> tuple[tuple[Enrolled, ...], list[Checked]]:
    """Return each student once, and the lines that repeat one.

    Raises BadLab where two lines have one number or address, and are not the same otherwise.
    """
    students: dict[Enrolled, int] = {}
    seen: dict[tuple[str, str], Enrolled] = {}
    lines: list[Checked] = []
    for row in rows:
        plain = replace(row, line=0)
        if plain in students:
            said = message(
                "{file}, lines {first} and {second} are the same student, {student}, who is listed once.",
                file=export.name, first=students[plain], second=row.line, student=row.shown,
            )  # fmt: skip
            lines.append(Checked(message("Roster"), "good", said))
            continue
        students[plain] = row.line
        for meaning in UNIQUE:
            if not (text := same(getattr(row, meaning))):
                continue
            other = seen.setdefault((meaning, text), row)
            if other is not row:
                sentence = message(
                    "{file}, lines {first} and {second}: {one} and {other} both have {text}, so that nothing tells"
                    " their submissions apart. Correct one of the lines, or delete it.",
                    file=export.name, first=other.line, second=row.line, one=other.shown, other=row.shown,
                    text=quoted(getattr(row, meaning)),
                )  # fmt: skip
                raise BadLab(sentence)
    return tuple(replace(plain, line=line) for plain, line in students.items()), lines


def _of_one_name(students: tuple[Enrolled, ...], export: Export) -> Iterator[Checked]:
    names: dict[str, list[Enrolled]] = defaultdict(list)
    for student in students:
        names[same(student.name)].append(student)
    for name, alike in names.items():
        if name and len(alike) > 1:
            said = message(
                "{file}, lines {lines}: all are called {name}. Only a number or an address tells their submissions"
                " apart.",
                file=export.name, lines=", ".join(str(one.line) for one in alike), name=alike[0].name,
            )  # fmt: skip
            yield Checked(message("Roster"), "good", said)
