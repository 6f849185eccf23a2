"""Find the row of a roster that a submission belongs to, where that is certain."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from grader.records import Absent, Attendance, Enrolled, Member, Roster, Student, same

Rows = tuple[Enrolled, ...]

OF_UNIVERSITY = ("", "gradescope")  # where a student's number is the university's
LONGEST_NAME = 200  # characters


class Finder:
    """The rows of a roster, by what identifies them."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        rows = roster.students
        self._platform = _index((row, (row.identifier,)) for row in rows)
        self.by_number = _index((row, (row.number, row.login)) for row in rows)
        self._address = _index((row, (row.email, row.login)) for row in rows)
        self.by_name = _index((row, spellings(row.name)) for row in rows)

    def find(self, student: Student) -> Rows:
        """Return the one row that is certainly this student's; else (): several rows are what it could be.

        A number decides, then an address, then a name; what else is known must not say otherwise.
        """
        ways = (self._by_number(student), self._by_address(student), self._by_name(student))
        found = [rows for rows in ways if rows]
        if not found:
            return ()
        agreed = [row for row in found[0] if all(row in rows for rows in found[1:])]
        if len(found[0]) == 1 and agreed:
            is_other = not (ways[0] or ways[1]) and self._is_other(student, found[0][0])
            return () if is_other else found[0]
        return tuple(dict.fromkeys(row for rows in found for row in rows))

    def _by_number(self, student: Student) -> Rows:
        if student.number:
            return self.by_number.get(same(student.number), ())
        number = same(student.identifier)
        if student.platform == "":  # from a file's name: whatever the instructor asked for
            return self.by_number.get(number) or self._platform.get(number, ())
        if student.platform in OF_UNIVERSITY:
            return self.by_number.get(number, ())
        if student.platform == self._roster.platform:
            return self._platform.get(number, ())
        rows, nameless = self.by_number.get(number, ()), letters(student.name) in ("", letters(number))
        if nameless or not number.isdecimal():
            return rows
        # 12345 on a platform may be any student's at the university
        return tuple(row for row in rows if row in self._by_name(student))

    def _by_address(self, student: Student) -> Rows:
        return self._address.get(same(student.email), ())

    def _by_name(self, student: Student) -> Rows:
        return () if student.guessed else self.by_name.get(letters(student.name), ())

    def _is_other(self, student: Student, row: Enrolled) -> bool:
        """Return whether somebody of the row's name has another number or address than the row."""
        theirs = row.identifier if student.platform == self._roster.platform else ""
        if student.platform in OF_UNIVERSITY:
            theirs = row.number or row.login
        pairs = ((student.identifier, theirs), (student.number, row.number), (student.email, row.email))
        return any(one and other for one, other in pairs)  # equal ones would have decided already


def attendance(roster: Roster, handed_in: Iterable[Student], unread: int = 0) -> Attendance:
    """Compare the roster with the students of the submissions; so many more of those cannot be read.

    Where as many submissions as rows could be of each other, all of these handed in, whoever is who. Where fewer are,
    nobody says who of them is absent.
    """
    find, present, unlisted = Finder(roster).find, set[Enrolled](), list[Student]()
    several = Counter[Rows]()
    for student in handed_in:
        for one in student.each:
            found = find(one)
            if len(found) == 1:
                present.add(found[0])
                continue
            unlisted.append(one)
            several[tuple(sorted(found, key=lambda row: row.line))] += 1
    present.update(row for rows, count in several.items() if count >= len(rows) for row in rows)
    doubtful = {row for rows in several for row in rows} - present
    groups = {row.group for row in present if row.group}
    absent = (row for row in roster.students if row not in present | doubtful)
    return Attendance(
        len(roster.students),
        tuple(Absent(row, roster.student(row), row.group in groups) for row in absent),
        tuple(unlisted),
        unread,
        tuple(roster.student(row) for row in roster.students if row in doubtful),
    )


def member(student: Student, platform: str) -> Member:
    """Return a member of a group, with a number only if the group's platform knows the student by it."""
    identifier = student.identifier if student.platform == platform else ""
    return Member(
        student.name,
        identifier or (student.number if platform in OF_UNIVERSITY else ""),
        student.email,
        student.number,
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
