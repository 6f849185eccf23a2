"""Define the class as the university knows it: who is enrolled, and who of them has handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from grader.records.messages import strict
from grader.records.students import Student


@strict
@dataclass(frozen=True, slots=True)
class Enrolled:
    """One row of a roster; "" for what it does not tell.

    `due` is ISO 8601. Without an offset from UTC it is on the clock of the rubric's time zone.
    """

    line: int  # of the file, from 1
    name: str = ""
    identifier: str = ""  # the platform's number
    number: str = ""  # the university's
    login: str = ""
    email: str = ""
    group: str = ""  # those of a group hand in together
    due: str = ""
    extra_days: float = 0.0  # granted after the deadline, whichever counts

    def __post_init__(self) -> None:
        if self.due:
            datetime.fromisoformat(self.due)  # raises ValueError
        if not 0.0 <= self.extra_days <= 1000.0:
            raise ValueError(f"{self.extra_days} days cannot be granted")

    @property
    def shown(self) -> str:
        """What a person calls this student."""
        return next(self.known, "")

    @property
    def known(self) -> Iterator[str]:
        """Yield what the row says about who it is."""
        yield from filter(None, (self.name, self.number, self.login, self.email, self.identifier))


@strict
@dataclass(frozen=True, slots=True)
class Roster:
    """Everyone in the class, in the order of the file. `identifier` is a number of `platform`."""

    source: str  # the file's name
    students: tuple[Enrolled, ...]
    platform: Literal["", "canvas", "moodle"] = ""
    schema: Literal["roster/1"] = field(default="roster/1")

    def student(self, row: Enrolled) -> Student:
        """Return the student of a row, as one who has handed in nothing."""
        address = row.email or (row.login if "@" in row.login else "")
        return Student(row.name or row.shown, row.identifier, self.platform, address, number=row.number or row.login)


@dataclass(frozen=True, slots=True)
class Absent:
    """Someone on the roster without a submission; `group_handed_in` if others of the same group have one each."""

    row: Enrolled
    student: Student
    group_handed_in: bool = False


@dataclass(frozen=True, slots=True)
class Attendance:
    """The roster beside the submissions: who is on one side only."""

    enrolled: int
    absent: tuple[Absent, ...]
    unlisted: tuple[Student, ...]  # whose submissions match no row for certain
    unread: int = 0  # stored grades that cannot be read, whoever's they are
    unclear: tuple[Student, ...] = ()  # of rows that one of those submissions may belong to, though not to all
