"""Define whose a submission is, as far as the platform and the file's name say."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from grader.records.messages import strict

Platform = Literal["", "canvas", "moodle", "gradescope", "blackboard", "brightspace", "ilias", "github"]
COMPARED = 400  # characters of a name, number or address


def same(text: str) -> str:
    """Normalise text for comparison: NFC, one space between words, case folded."""
    return " ".join(unicodedata.normalize("NFC", text[:COMPARED]).casefold().split())


@strict
@dataclass(frozen=True, slots=True)
class Member:
    """One student of a group; "" for what the platform does not tell."""

    name: str
    identifier: str = ""
    email: str = ""
    number: str = ""


@strict
@dataclass(frozen=True, slots=True)
class Student:
    """The student, as far as the file name says. `identifier` is the platform's, "" if there is none.

    A group is one Student: `members` are its students, and the other texts hold theirs joined by commas.
    """

    name: str
    identifier: str = ""
    platform: Platform = ""
    email: str = ""
    late: bool = False
    submitted: str = ""  # when it was handed in, ISO 8601 with time zone, where the platform tells
    due: str = ""  # and when it should have been
    guessed: bool = False  # from a name that identifies nobody, such as submission.zip: it may be somebody else's
    members: tuple[Member, ...] = ()  # of a group; () for one student
    number: str = ""  # the university's, from the roster
    alias: str = ""  # what the archive's name alone said, where the roster says who that is
    own_due: bool = False  # `due` is from the roster: it counts instead of the rubric's deadline
    extra_days: float = 0.0  # granted after the deadline, whichever counts; from the roster

    @property
    def known(self) -> bool:
        """True if the platform says who it is, and not just a name."""
        return bool(self.identifier or self.email)

    def is_certainly(self, other: Student) -> bool:
        """Return whether both are the same person beyond doubt: by number, address, or a name that is not a guess."""
        if self.identifier and other.identifier:
            return (self.platform, self.identifier) == (other.platform, other.identifier)
        if self.known or other.known:
            return (bool(self.email) and self.email == other.email) or self._was(other) or other._was(self)
        return self.name == other.name and not (self.guessed or other.guessed)

    def _was(self, other: Student) -> bool:
        """Return whether the other is this student from before the roster said whose the name is."""
        return bool(self.alias) and self.alias == other.name and not (other.known or other.guessed)

    @property
    def each(self) -> tuple[Student, ...]:
        """The students of a group, one by one; else this student alone."""
        alone = (
            replace(self, name=one.name, identifier=one.identifier, email=one.email, number=one.number, members=())
            for one in self.members
        )
        return tuple(alone) or (self,)
