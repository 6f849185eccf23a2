"""Give each submission what the roster says about its student: number, name, address, group and deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from grader.batch.inside import inside
from grader.gradebook.roster.matching import OF_UNIVERSITY, Finder, Rows, member
from grader.intake import Archive
from grader.intake.formats import without_suffix
from grader.intake.whose import listed
from grader.records import Enrolled, Member, Roster, Student


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A submission without a row of its own; `rows` are those that it could be.

    `beside` are other submissions that could be of the same row: nothing says which of them counts.
    """

    archive: Archive
    rows: Rows
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The submissions with their students as the roster knows them, and what a person has to look at."""

    archives: tuple[Archive, ...]
    unlisted: tuple[Unlisted, ...] = ()
    unclear: tuple[str, ...] = ()  # groups of which several members handed in: each counts only for that member


def enrol(archives: Sequence[Archive], roster: Roster) -> Enrolment:
    """Look for each submission's row. Without a certain one the submission stays as it is."""
    finder = Finder(roster)
    found = [tuple(_find(finder, one, archive.name) for one in archive.student.each) for archive in archives]
    claimed = [rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else None for rows in found]
    alone, unlisted = _uncontested(archives, claimed)
    by_group = {name: tuple(row for row in roster.students if row.group == name) for name in _groups(roster.students)}
    handed_in = {name: {row for row in alone if row in rows} for name, rows in by_group.items()}
    joint = {name: rows for name, rows in by_group.items() if len(handed_in[name]) == 1 and len(rows) > 1}
    enrolled = []
    for archive, rows, row in zip(archives, found, alone, strict=True):
        if any(len(one) != 1 for one in rows):
            unlisted.append(Unlisted(archive, tuple(each for one in rows if len(one) > 1 for each in one)))
        student = archive.student
        if row is not None:
            student = _known(student, row, roster, joint.get(row.group, ()))
        elif student.members:
            student = _members(student, rows)
        elif not student.known and len(rows[0]) > 1:  # several are called so
            student = replace(student, guessed=True)
        enrolled.append(replace(archive, student=student))
    return Enrolment(tuple(enrolled), tuple(unlisted), tuple(name for name, rows in handed_in.items() if len(rows) > 1))


def _uncontested(
    archives: Sequence[Archive], claimed: Sequence[Enrolled | None]
) -> tuple[list[Enrolled | None], list[Unlisted]]:
    """Return the rows again, but for submissions that only a name ascribes to a student who has another.

    A platform says which of a student's attempts is the last; of ada.zip and lab5_20231234.zip nobody knows.
    """
    alone, unlisted = list(claimed), list[Unlisted]()
    for row in dict.fromkeys(filter(None, claimed)):
        places = [place for place, one in enumerate(claimed) if one == row]
        by_name = [place for place in places if not archives[place].student.known]
        names = {archives[place].student.name for place in by_name}
        if len(names) + (len(by_name) < len(places)) < 2:
            continue
        for place in by_name:
            alone[place] = None
            beside = tuple(archives[other].name for other in places if other != place)
            unlisted.append(Unlisted(archives[place], (row,), beside))
    return alone, unlisted


def _find(finder: Finder, student: Student, archive: str) -> Rows:
    found = finder.find(student)
    if found or student.known:
        return found
    names = dict.fromkeys((student.name, without_suffix(archive)))
    return tuple(dict.fromkeys(row for name in names for row in inside(finder, name)))


def _groups(rows: Sequence[Enrolled]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.group for row in rows if row.group))


def _known(student: Student, row: Enrolled, roster: Roster, group: Rows) -> Student:
    """Return the student of a row, and of the others in the group if the submission is theirs as well."""
    listed = roster.student(row)
    identifier, platform = student.identifier, student.platform
    if not identifier and not platform and listed.identifier:
        identifier, platform = listed.identifier, listed.platform
    elif not identifier and platform in OF_UNIVERSITY:
        identifier = listed.number
    known = replace(
        student,
        name=row.name or student.name,
        identifier=identifier,
        platform=platform,
        email=student.email or listed.email,
        number=listed.number,
        alias="" if student.known else student.name,
        guessed=False,
    )
    if not group:
        return _on_time(known, (row,))
    members = tuple(member(known if one == row else roster.student(one), platform) for one in group)
    return _on_time(_joined(known, members), group)


def _members(student: Student, found: Sequence[Rows]) -> Student:
    """Return a platform's group with the university's numbers of those members who are on the roster."""
    pairs = list(zip(student.members, found, strict=True))
    members = tuple(
        replace(one, number=rows[0].number or rows[0].login) if len(rows) == 1 else one for one, rows in pairs
    )
    return _on_time(_joined(student, members), tuple(rows[0] for rows in found if len(rows) == 1))


def _joined(student: Student, members: tuple[Member, ...]) -> Student:
    return replace(
        student,
        name=listed(one.name for one in members),
        identifier=listed(one.identifier for one in members),
        email=listed(one.email for one in members),
        number=listed(one.number for one in members),
        members=members,
    )


def _on_time(student: Student, rows: Rows) -> Student:
    """Give the deadline of the roster; of a group's several ones the latest."""
    due = max((row.due for row in rows if row.due), key=_by_the_clock, default="")
    extra = max((row.extra_days for row in rows), default=0.0)
    return replace(student, due=due or student.due, own_due=bool(due), extra_days=extra)


def _by_the_clock(due: str) -> datetime:
    return datetime.fromisoformat(due).replace(tzinfo=None)
