"""Prepares what readers learn about marks, in any medium: page, terminal, gradebooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never

from grader.records import (
    Audience,
    Blocked,
    Exhibit,
    Finding,
    Grade,
    Judged,
    Listing,
    Manual,
    Mark,
    Message,
    Table,
    Unjudged,
    exhibits_of,
    message,
    with_exhibits,
)
from reports.text import points, say

MISSING = "missing"  # the code of a finding about a file that was not handed in
FILE = ("missing", "file")  # the values in its sentence that name that file

State = Literal["judged", "blocked", "unjudged"]
Result = Literal["earned", "partial", "lost", "waiting"]  # of a criterion; waiting for a mark is not lost


@dataclass(frozen=True, slots=True)
class Told:
    """A mark as a reader sees it, whichever type its finding has. `beside`: what was found, if it does not count.

    `faulty`: the reason is itself a fault to mend.
    """

    state: State
    reason: Message
    hints: tuple[Message, ...]
    exhibits: tuple[Exhibit, ...]
    beside: Message | None = None
    faulty: bool = False

    @property
    def advice(self) -> tuple[Message, ...]:
        """What to do: the hints, after the reason where that names the costliest fault."""
        return (self.reason, *self.hints) if self.faulty else self.hints


def told(mark: Mark) -> Told:
    """Describe a mark: what a person gave, with what was measured beside it, else the finding."""
    finding, given = found(mark.finding), mark.given
    if given is None:
        return finding
    if isinstance(mark.finding, Manual):
        reason = message("{reason} ({by}, {on})", reason=given.reason, by=given.by, on=given.on)
        return Told("judged", reason, (), finding.exhibits)
    reason = message("Set by {by} on {on}: {reason}", by=given.by, on=given.on, reason=given.reason)
    return Told("judged", reason, (), finding.exhibits, _measured(mark, finding.reason))


def _measured(mark: Mark, why: Message) -> Message:
    if mark.measured is None:
        return message("Not measured: {why}", why=why)
    return message("Measured: {points:g} of {of:g}. {why}", points=mark.measured, of=mark.criterion.points, why=why)


def found(finding: Finding) -> Told:
    """Describe a finding; the only place that matches its types. What blocks a check is also its hint."""
    match finding:
        case Judged(verdict=verdict):
            return Told("judged", verdict.message, verdict.hints, verdict.exhibits, faulty=verdict.faulty)
        case Blocked(cause=cause, exhibits=exhibits):
            return Told("blocked", cause, (cause,), exhibits)
        case Unjudged(fault=fault, exhibits=exhibits):
            return Told("unjudged", fault, (), exhibits)
        case Manual(ask=ask, exhibits=exhibits):
            return Told("unjudged", ask, (), exhibits)
        case _:
            assert_never(finding)


def state_words(state: State, audience: Audience) -> str:
    """Say who must act now, addressed to this reader."""
    match state:
        case "judged":
            return say("judged")
        case "blocked":
            return say("blocked: yours to fix") if audience == "student" else say("blocked: the student must act")
        case "unjudged":
            return say("not marked: staff must act, never a zero")
        case _:
            assert_never(state)


def result(mark: Mark) -> Result:
    """Say what became of the points, which is all that a reader of a list wants to know."""
    if mark.points is None:
        return "waiting"
    if mark.points >= mark.criterion.points:
        return "earned"
    return "partial" if mark.points > 0 else "lost"


def result_words(mark: Mark) -> str:
    """Name the result of a criterion."""
    match result(mark):
        case "earned":
            return say("earned")
        case "partial":
            return say("partly earned")
        case "lost":
            return say("not earned")
        case "waiting":
            return say("not marked yet")


def by_hand(mark: Mark) -> bool:
    """Return whether a person has yet to mark this because nothing measures it."""
    return isinstance(mark.finding, Manual) and mark.given is None


def edition(grade: Grade, audience: Audience) -> Grade:
    """Return the grade that this audience may see: for students, without flags, criteria and exhibits for staff.

    Total and points are then those of the remaining criteria: a difference would reveal the others.
    """
    if audience == "staff":
        return grade
    return replace(grade, flags=(), marks=tuple(map(_open, restricted(grade, audience).marks)))


def restricted(grade: Grade, audience: Audience) -> Grade:
    """Return the grade with the criteria of this audience alone, and all flags: they tell what is not final yet."""
    if audience == "staff":
        return grade
    return replace(grade, marks=tuple(mark for mark in grade.marks if mark.criterion.audience == "student"))


def _open(mark: Mark) -> Mark:
    """Return the mark without exhibits for staff."""
    return replace(mark, finding=with_exhibits(mark.finding, _for_students(exhibits_of(mark.finding))))


def _for_students(exhibits: tuple[Exhibit, ...]) -> tuple[Exhibit, ...]:
    return tuple(e for e in exhibits if not (isinstance(e, Table | Listing) and e.audience == "staff"))


def pending(grade: Grade) -> float:
    """Return the points of the criteria that have no mark yet."""
    return round(sum(mark.criterion.points for mark in grade.unjudged), 2)


def total(grade: Grade) -> str:
    """Return the total as a figure; a dash if nothing was marked, because that is not a zero."""
    unmarked = bool(grade.marks) and len(grade.unjudged) == len(grade.marks)
    return points(None if unmarked or grade.unexamined else grade.total)


def score(mark: Mark) -> str:
    """Return the points awarded out of those offered; in words, never as a zero, if nothing was judged."""
    if mark.points is None:
        return say("not marked ({of})", of=points(mark.criterion.points))
    return say("{points} of {of}", points=points(mark.points), of=points(mark.criterion.points))


def badges(grade: Grade, audience: Audience = "staff") -> tuple[tuple[str, str], ...]:
    """Return what must not be overlooked about this grade, as (kind, words), addressed to this reader."""
    staff = audience == "staff"
    all_badges = (
        (grade.unusable, "blocked", say("unusable") if staff else say("could not be opened")),
        (
            grade.needs_human and not grade.unusable,
            "unjudged",
            say("needs a human") if staff else say("not final yet"),
        ),
        (grade.student.late, "late", say("late")),
        (bool(grade.flags), "flagged", say("flags for staff: {count}", count=len(grade.flags))),
    )
    return tuple((kind, text) for holds, kind, text in all_badges if holds)


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next, its criteria, and the points lost on them."""

    hints: tuple[Message, ...]
    marks: tuple[Mark, ...]
    points: float


def next_steps(grade: Grade) -> tuple[Step, ...]:
    """List what to do next, most points at stake first; criteria with the same advice share one step."""
    groups: dict[tuple[Message, ...], list[Mark]] = {}
    for mark in grade.marks:
        if hints := told(mark).advice:
            groups.setdefault(hints, []).append(mark)
    if grade.unexamined:
        return tuple(Step(hints, (), grade.points) for hints in groups)
    steps = (Step(hints, tuple(marks), round(sum(map(lost, marks)), 2)) for hints, marks in groups.items())
    return tuple(sorted(steps, key=lambda step: -step.points))


def lost(mark: Mark) -> float:
    """Return the points that a criterion offers and that were not awarded."""
    return mark.criterion.points - (mark.points or 0.0)
