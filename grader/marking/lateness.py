"""Computes the adjustment for lateness from the rubric's `[late]` table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from zoneinfo import ZoneInfo

from grader.marking.check import BadLimit
from grader.marking.days import days_begun, named_zone
from grader.records import Adjustment, Message, Scalar, Student, joined, message

FROM_PLATFORM = "from the platform"
LATE_POLICY = message("late policy")
_EXAMPLE = "2026-03-01T23:59:00+08:00"


@dataclass(frozen=True, slots=True)
class LatePolicy:
    """The table `[late]`. Days are counted from the deadline plus the grace period; a started day counts in full.

    `deadline` is an ISO date and time with its offset from UTC, or "from the platform". `time_zone` names the zone on
    whose calendar days are counted. `cap` is in the unit of the rate: points, or percent of the points that the rubric
    offers.
    """

    deadline: str
    points_per_day: float | None = None
    percent_per_day: float | None = None
    grace_hours: float = 0.0
    cap: float | None = None
    time_zone: str = ""

    def __post_init__(self) -> None:
        if self.deadline != FROM_PLATFORM and moment(self.deadline) is None:
            sentence = message(
                'deadline must be "{name}", or a date and time with a time zone, such as {example}',
                name=FROM_PLATFORM,
                example=_EXAMPLE,
            )
            raise BadLimit(sentence)
        if self.time_zone and named_zone(self.time_zone) is None:
            raise BadLimit(message("time_zone must be the name of a zone, such as {example}", example="Europe/Berlin"))
        if (self.points_per_day is None) == (self.percent_per_day is None):
            raise BadLimit(message("set exactly one of points_per_day and percent_per_day"))
        for name, value in (("the rate", self.rate), ("grace_hours", self.grace_hours), ("cap", self.cap or 0.0)):
            if not 0.0 <= value <= 10_000.0:
                raise BadLimit(message("{name} must be between 0 and 10000", name=name))

    @property
    def rate(self) -> float:
        """Points or percent per day."""
        return self.points_per_day if self.points_per_day is not None else self.percent_per_day or 0.0


def moment(text: str, zone: ZoneInfo | None = None) -> datetime | None:
    """Parse an ISO 8601 time, on the clock of the zone if it has no offset from UTC.

    None if it is invalid, or has neither and could be any of 26 hours.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    return found if found.tzinfo and MINYEAR < found.year < MAXYEAR else None  # the rest has no time in other zones


def lateness(student: Student, policy: LatePolicy, offered: float, on: str) -> Adjustment | None:
    """Return the adjustment of `offered` points; zero and open for a person to decide if the time is not known."""
    zone = named_zone(policy.time_zone) if policy.time_zone else None
    due = _due(student, policy, zone)
    handed_in = moment(student.submitted)
    if due is None or handed_in is None:
        said = _not_known(student, handed_in)
        return Adjustment(0.0, said, LATE_POLICY, on, "lateness", open=True) if said else None
    days = days_begun(due + timedelta(hours=policy.grace_hours), handed_in, zone, student.extra_days)
    taken = _taken(policy, days, offered)
    if not taken:
        return None
    return Adjustment(-taken, _reason(student, policy, handed_in - due, (days, offered)), LATE_POLICY, on, "lateness")


def _due(student: Student, policy: LatePolicy, zone: ZoneInfo | None) -> datetime | None:
    """Return the deadline that counts for this student: of the roster, else as the rubric says."""
    if student.own_due:
        return moment(student.due, zone)
    return moment(student.due if policy.deadline == FROM_PLATFORM else policy.deadline)


def _not_known(student: Student, handed_in: datetime | None) -> Message | None:
    """Return why a person decides; None if nothing says that the submission is late."""
    if handed_in and student.own_due:
        return message(
            "the deadline on the roster, {due}, has no time zone, and neither has the rubric: no points were deducted,"
            " and a person decides",
            due=student.due,
        )
    if student.late and (student.own_due or student.extra_days):
        return message(
            "handed in late for the platform, but the roster gives this student more time, and it is not known when it"
            " was handed in: no points were deducted, and a person decides"
        )
    if student.late:
        return message("handed in late, but it is not known by how much: no points were deducted, and a person decides")
    return None


def _reason(student: Student, policy: LatePolicy, late: timedelta, price: tuple[int, float]) -> Message:
    """Say how late it is and what that costs: `price` is the days begun and the points offered."""
    days, offered = price
    allowed: list[Message] = []
    if student.extra_days:
        allowed.append(message("extension of {days}", days=_days(student.extra_days)))
    if policy.grace_hours:
        allowed.append(message("{grace:g} h of grace", grace=policy.grace_hours))
    if policy.time_zone:
        allowed.append(message("calendar of {zone}", zone=policy.time_zone))
    values: dict[str, Scalar | Message] = {"late": _span(late), "days": _days(days), "rate": _rate(policy, offered)}
    if not allowed:
        return message("{late} late: {days} x {rate}", **values)
    return message(
        "{late} after the deadline ({allowed}): {days} x {rate}", allowed=joined("{first}, {second}", allowed), **values
    )


def _taken(policy: LatePolicy, days: int, offered: float) -> float:
    most = math.inf if policy.cap is None else policy.cap
    units = max(0.0, min(days * policy.rate, most))
    return round(units if policy.percent_per_day is None else offered * units / 100.0, 2)


def _rate(policy: LatePolicy, offered: float) -> Message:
    if policy.percent_per_day is None:
        rate = message("1 point") if policy.rate == 1 else message("{rate:g} points", rate=policy.rate)
        return rate if policy.cap is None else message("{rate}, {cap:g} at most", rate=rate, cap=policy.cap)
    rate = message("{rate:g} % of {offered:g} points", rate=policy.rate, offered=offered)
    return rate if policy.cap is None else message("{rate}, {cap:g} % at most", rate=rate, cap=policy.cap)


def _days(count: float) -> Message:
    return message("1 day") if count == 1 else message("{count:g} days", count=count)


def _span(late: timedelta) -> Scalar | Message:
    """Word a time by its two largest parts, leaving out those that are zero: 1 day 10 h."""
    hours, rest = divmod(late.seconds, 3600)
    parts = [_days(late.days)] if late.days else []
    parts += [message("{hours} h", hours=hours)] if hours else []
    parts += [message("{minutes} min", minutes=rest // 60)] if rest >= 60 else []
    parts += [message("{seconds} s", seconds=rest % 60)] if rest % 60 else []
    return joined("{first} {second}", parts[:2] or [message("{seconds} s", seconds=0)])
