"""Lays out who on the roster handed in nothing, and which submissions are nobody's on it. No markup here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.records import Absent, Attendance
from reports.text import NAME_LIMIT, clip, figure, known, named, say


@dataclass(frozen=True, slots=True)
class Absentees:
    """Who is on the roster and handed in nothing; of the class page, in no figure."""

    names: tuple[tuple[str, str, str], ...]  # name, number, group
    unlisted: tuple[str, ...]  # submissions that match no row


def attended(attendance: Attendance | None) -> Iterator[tuple[str, str]]:
    if attendance is not None:
        yield say("On the roster"), figure(attendance.enrolled)
        yield say("Nothing submitted"), figure(len(attendance.absent))


def absentees(attendance: Attendance) -> Absentees | None:
    absent = tuple(
        (
            named(one.student.name),
            clip(one.row.number or one.row.login or one.row.identifier or one.row.email, NAME_LIMIT),
            _group(one),
        )
        for one in attendance.absent
    )
    unlisted = tuple(named(student.name) for student in attendance.unlisted)
    return Absentees(absent, unlisted) if absent or unlisted else None


def _group(absent: Absent) -> str:
    if not absent.row.group:
        return ""
    name = known(absent.row.group, NAME_LIMIT)
    return say("{group} (others of it handed in)", group=name) if absent.group_handed_in else name
