"""Chooses what a student reads first: at most three things to do, and where each sentence is told."""

from __future__ import annotations

from dataclasses import replace

from grader.records import Blocked, Grade, Message
from reports.marks import FILE, MISSING, Step, lost, next_steps, told
from reports.text import points, say

AT_ONCE = 3  # more than three things to do next are none
MOST_SENTENCES = 2  # of one of them; the others stand with their criterion


def to_do(grade: Grade) -> tuple[Step, ...]:
    """List what gains points, most points first, nothing twice. A bare finding is nothing to do."""
    if grade.zero:
        return ()
    if grade.unexamined:
        return next_steps(grade)
    return tuple(_joined(_steps(grade)))


def _unadvised(grade: Grade) -> float:
    """Return the points that were lost without any advice; what a person decided is decided."""
    bare = (m for m in grade.marks if m.points is not None and m.given is None and not told(m).advice)
    return round(sum(map(lost, bare)), 2)


def first_sentences(one: Step) -> tuple[Message, ...]:
    """Return the sentences of one of them that are told at the top."""
    return one.hints[:MOST_SENTENCES]


def beyond(grade: Grade, steps: tuple[Step, ...]) -> str:
    """Say that points were lost elsewhere too, or why there is nothing to do."""
    bare = 0.0 if grade.unexamined else _unadvised(grade)
    rest = points(round(sum(step.points for step in steps[AT_ONCE:]) + bare, 2))
    if rest != "0" and not steps:
        return say("The criteria below say why points were lost.")
    if rest == "1":
        return say("Another point was lost; the criteria below say why.")
    if rest != "0":
        return say("Another {points} of the points were lost; the criteria below say why.", points=rest)
    if steps:
        return ""
    if all(mark.points == mark.criterion.points for mark in grade.marks):
        return say("Nothing is left to do: every criterion has full points.")
    return say("There is nothing for you to do now.") if grade.unjudged else say("There is nothing more to gain here.")


def told_elsewhere(grade: Grade) -> frozenset[Message]:
    """Return the hints that only say "add this file" where a criterion says what it could not look at without it."""
    steps = _steps(grade)
    return frozenset(hint for place, step in enumerate(steps) for hint in _elsewhere(place, step, _absent(steps)))


def _steps(grade: Grade) -> list[Step]:
    return [step for step in next_steps(grade) if step.points > 0]


def _joined(steps: list[Step]) -> list[Step]:
    """Take out of each what another one tells; what is then empty goes with that one."""
    absent, joined = _absent(steps), list(steps)
    for place, step in enumerate(steps):
        elsewhere = _elsewhere(place, step, absent)
        left = tuple(hint for hint in step.hints if hint not in elsewhere)
        joined[place] = replace(joined[place], hints=left)
        if not left:
            at = next(iter(elsewhere.values()))
            points = round(joined[at].points + step.points, 2)
            joined[at] = replace(joined[at], marks=(*joined[at].marks, *step.marks), points=points)
    return sorted((step for step in joined if step.hints), key=lambda step: -step.points)


def _elsewhere(place: int, step: Step, absent: dict[str, int]) -> dict[Message, int]:
    """Return the hints of a step that another one makes needless, with the place of that one."""
    return {hint: at for hint in step.hints if (at := absent.get(_named(hint), place)) != place}


def _absent(steps: list[Step]) -> dict[str, int]:
    """Return the files without which criteria could not be looked at, with the place of the step that says so."""
    return {
        str(value): place
        for place, step in enumerate(steps)
        for mark in step.marks
        if isinstance(mark.finding, Blocked) and mark.finding.code == MISSING
        for name, value in mark.finding.cause.values
        if name in FILE
    }


def _named(hint: Message) -> str:
    """Return the one file that a hint is about; "" if it is about none or several."""
    values = {str(value) for _, value in hint.values}
    return values.pop() if len(values) == 1 else ""
