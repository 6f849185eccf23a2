"""Keep what people decided about a student when the student is graded again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from grader.records import N_, Adjustment, Flag, Given, Grade, Manual, Mark, message

LEFT_ASIDE = N_("decision left aside")


def carry_over(old: Grade, new: Grade) -> Grade:
    """Return `new` with the adjustments and the marks that people gave to `old`.

    A mark by hand counts for the submission that it was given for. For any other it is kept, and a person decides.
    A mark whose criterion is gone is reported to staff in a flag.
    """
    before = {mark.criterion.check: mark.finding for mark in old.marks if isinstance(mark.finding, Manual)}
    marks = tuple(_kept(mark, before.get(mark.criterion.check), hand_in(new)) for mark in new.marks)
    flags = (*new.flags, *(flag for flag in old.flags if flag.kind == LEFT_ASIDE), *_left_aside(before, new))
    people = tuple(one for one in old.adjustments if one.by_person)
    return with_adjustments(replace(new, marks=marks, flags=tuple(dict.fromkeys(flags))), people)


def with_adjustments(grade: Grade, people: tuple[Adjustment, ...]) -> Grade:
    """Return the grade with people's adjustments. Their decision about lateness replaces the late policy."""
    decided = any(one.about == "lateness" for one in people)
    ours = () if decided else tuple(one for one in grade.adjustments if not one.by_person)
    return replace(grade, adjustments=(*ours, *people))


def hand_in(grade: Grade) -> str:
    """Identify one submission of a student: by its digest, or by its name if it could not even be read."""
    return grade.digest or grade.archive


def give(mark: Mark, given: Given) -> Mark:
    """Return the mark with what a person gave; earlier values are kept with it."""
    assert isinstance(mark.finding, Manual)
    return replace(mark, finding=replace(mark.finding, given=given, earlier=_history(mark.finding)))


def _history(finding: Manual) -> tuple[Given, ...]:
    return finding.earlier if finding.given is None else (*finding.earlier, finding.given)


def _kept(mark: Mark, before: Manual | None, looked_at: str) -> Mark:
    finding = mark.finding
    if before is None or not isinstance(finding, Manual) or not (history := _history(before)):
        return mark
    counts = next((given for given in reversed(history) if given.hand_in == looked_at), None)
    if counts is not None:
        earlier = tuple(given for given in history if given is not counts)
        return replace(mark, finding=replace(finding, given=counts, earlier=earlier))
    ask = message(
        "An earlier submission got {points:g} of {of:g} here. {ask}",
        points=history[-1].points,
        of=history[-1].of,
        ask=finding.ask,
    )
    return replace(mark, finding=replace(finding, ask=ask, earlier=history))


def _left_aside(before: dict[str, Manual], new: Grade) -> Iterator[Flag]:
    there = {mark.criterion.check for mark in new.marks if isinstance(mark.finding, Manual)}
    for check, finding in before.items():
        given = finding.given
        if given is not None and check not in there:
            said = message(
                "{by} gave {points:g} of {of:g} for {check} on {on} ({reason}); this grade has no such criterion.",
                by=given.by,
                points=given.points,
                of=given.of,
                check=check,
                on=given.on,
                reason=given.reason,
            )
            yield Flag(LEFT_ASIDE, said)
