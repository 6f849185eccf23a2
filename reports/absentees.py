"""Lays out who on the roster handed in nothing, and which submissions are nobody's on it. No markup here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.records import Absent, Attendance
from reports.text import NAME_LIMIT, clip, known, named, say


@dataclass(frozen=True, slots=True)
class Absentees:
    """Who is on the roster and handed in nothing, and whose submissions are not on it."""

    names: tuple[tuple[str, str, str], ...]  # name, number, group
    unlisted: tuple[str, ...]  # submissions that match no row
    unread: int  # grades of which nobody knows whose they are


def attended(attendance: Attendance | None) -> Iterator[tuple[str, str]]:
    """Yield how many handed in nothing; a number names nobody."""
    if attendance is not None:
        absent, enrolled = len(attendance.absent), attendance.enrolled
        yield say("Nothing submitted"), say("{k:,} of {n:,}", k=absent, n=enrolled)


def absentees(attendance: Attendance) -> Absentees | None:
    """Return the lists for staff; None if the roster and the submissions are of the same people."""
    absent = tuple(
        (
            named(one.student.name),
            clip(one.row.number or one.row.login or one.row.identifier or one.row.email, NAME_LIMIT),
            _group(one),
        )
        for one in attendance.absent
    )
    unlisted = tuple(named(student.name) for student in attendance.unlisted)
    return Absentees(absent, unlisted, attendance.unread) if absent or unlisted else None


def _group(absent: Absent) -> str:
    if not absent.row.group:
        return ""
    name = known(absent.row.group, NAME_LIMIT)
    return say("{group} (others of it handed in)", group=name) if absent.group_handed_in else name
