"""Find the row of a roster that a submission belongs to, where that is certain."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from grader.intake.formats import without_suffix
from grader.intake.whose import LONGEST_NAME, identifies
from grader.records import Absent, Attendance, Enrolled, Roster, Student, same

Rows = tuple[Enrolled, ...]

OF_UNIVERSITY = ("", "gradescope")  # where a student's number is the university's
SHORTEST_NUMBER = 5  # digits of a number that is looked for inside a name
_WORDS = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[^\W\d_]+|\d+")


class Finder:
    """The rows of a roster, by what identifies them."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        rows = roster.students
        self._platform = _index((row, (row.identifier,)) for row in rows)
        self._number = _index((row, (row.number, row.login)) for row in rows)
        self._login = _index((row, (row.login,)) for row in rows)
        self._address = _index((row, (row.email, row.login)) for row in rows)
        self._name = _index((row, spellings(row.name)) for row in rows)

    def find(self, student: Student, archive: str = "") -> Rows:
        """Return the one row that is certainly this student's; else (): several rows are what it could be.

        A number decides, then an address, then a name; what else is known must not say otherwise. `archive` is the
        name of what was handed in: a number or name inside it counts where nothing better is known.
        """
        ways = (self._by_number(student), self._by_address(student), self._by_name(student))
        found = [rows for rows in ways if rows]
        if not found:
            return () if student.known else self._inside(student, archive)
        agreed = [row for row in found[0] if all(row in rows for rows in found[1:])]
        if len(found[0]) == 1 and agreed:
            is_other = not (ways[0] or ways[1]) and self._is_other(student, found[0][0])
            return () if is_other else found[0]
        return tuple(dict.fromkeys(row for rows in found for row in rows))

    def _by_number(self, student: Student) -> Rows:
        if student.number:
            return self._number.get(same(student.number), ())
        number = same(student.identifier)
        if student.platform in OF_UNIVERSITY:
            return self._number.get(number, ())
        if student.platform == self._roster.platform:
            return self._platform.get(number, ())
        # 12345 on a platform is not the university's 12345; a login is a word
        return () if number.isdecimal() else self._login.get(number, ())

    def _by_address(self, student: Student) -> Rows:
        return self._address.get(same(student.email), ())

    def _by_name(self, student: Student) -> Rows:
        return () if student.guessed else self._name.get(letters(student.name), ())

    def _is_other(self, student: Student, row: Enrolled) -> bool:
        """Return whether somebody of the row's name has another number or address than the row."""
        theirs = row.identifier if student.platform == self._roster.platform else ""
        if student.platform in OF_UNIVERSITY:
            theirs = row.number or row.login
        pairs = ((student.identifier, theirs), (student.number, row.number), (student.email, row.email))
        return any(one and other for one, other in pairs)  # equal ones would have decided already

    def _inside(self, student: Student, archive: str) -> Rows:
        """Return the rows whose number or name is part of a name, such as lab5_20231234.zip."""
        found: dict[Enrolled, None] = {}
        for name in {student.name: None, without_suffix(archive): None}:
            words = _WORDS.findall(unicodedata.normalize("NFKC", name)[:LONGEST_NAME])
            found |= dict.fromkeys((*self._numbers_in(words), *self._names_in(words)))
        return tuple(found)

    def _numbers_in(self, words: Sequence[str]) -> Iterator[Enrolled]:
        for place, word in enumerate(words):
            rows = self._number.get(same(word), ()) if _is_number(word) else ()
            rest = (*words[:place], *words[place + 1 :])
            yield from (row for row in rows if not _is_of_another(rest, row))

    def _names_in(self, words: Sequence[str]) -> Iterator[Enrolled]:
        """Yield the rows whose whole name stands there, beside words that say nothing about a person."""
        parts = [part for word in words for part in _PARTS.findall(word)]
        for start in range(len(parts)):
            for end in range(start + 1, min(len(parts), start + 8) + 1):
                rows = self._name.get(letters("".join(parts[start:end])), ())
                if rows and not identifies(" ".join((*parts[:start], "_", *parts[end:]))):
                    yield from rows


def attendance(roster: Roster, handed_in: Iterable[tuple[Student, str]]) -> Attendance:
    """Compare the roster with the submissions: their students, and the names of the archives."""
    find, present, unlisted = Finder(roster).find, set[Enrolled](), list[Student]()
    for student, archive in handed_in:
        for one in student.each:
            found = find(one, archive)
            if len(found) == 1:
                present.add(found[0])
            else:
                unlisted.append(one)
    groups = {row.group for row in present if row.group}
    absent = (row for row in roster.students if row not in present)
    return Attendance(
        len(roster.students),
        tuple(Absent(row, roster.student(row), row.group in groups) for row in absent),
        tuple(unlisted),
    )


def letters(name: str) -> str:
    """Return what remains of a name in a file's name: its letters and digits, without case and accents."""
    plain = unicodedata.normalize("NFKD", name[:LONGEST_NAME]).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def spellings(name: str) -> tuple[str, ...]:
    """Return the letters of a name in every order of first and last names: Ada Ng, Ng Ada."""
    words = name.replace(",", " ").split()[:8]
    return tuple(dict.fromkeys(letters("".join((*words[at:], *words[:at]))) for at in range(len(words))))


def _index(rows: Iterable[tuple[Enrolled, Iterable[str]]]) -> dict[str, Rows]:
    index: dict[str, dict[Enrolled, None]] = defaultdict(dict)
    for row, texts in rows:
        for text in filter(None, map(same, texts)):
            index[text][row] = None
    return {text: tuple(found) for text, found in index.items()}


def _is_number(word: str) -> bool:
    """Return whether a word can only be somebody's number or login: it is not a date, a year or a generic word."""
    if not word.isdecimal():
        return identifies(word)
    return len(word) >= SHORTEST_NUMBER and not _is_date(word)


def _is_date(digits: str) -> bool:
    if len(digits) == 6:
        digits = f"20{digits}"
    if len(digits) != 8 or not 1990 <= int(digits[:4]) <= 2099:
        return False
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _is_of_another(words: Sequence[str], row: Enrolled) -> bool:
    """Return whether the words beside a number name a person, and not that of the row as far as its script tells."""
    own = {letters(part) for part in row.name.split()}
    rest = " ".join(word for word in words if letters(word) not in own)
    romanised = rest.isascii() and not any(sign.isascii() and sign.isalpha() for sign in row.name)  # zhangwei is 张伟
    return identifies(rest) and not romanised
