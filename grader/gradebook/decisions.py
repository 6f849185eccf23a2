"""Keep what people decided about a student when the student is graded again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from grader.records import N_, Adjustment, Flag, Given, Grade, Manual, Mark, message

LEFT_ASIDE = N_("decision left aside")
EARLIER = N_("marked by hand before")


def carry_over(old: Grade, new: Grade) -> Grade:
    """Return `new` with the adjustments and the marks that people gave to `old`.

    A mark by hand counts for the submission that it was given for. For any other it is kept, and a person decides:
    where nothing is measured the criterion waits for one, elsewhere a flag tells staff, as it does of a mark whose
    criterion is gone.
    """
    before = {mark.criterion.check: mark for mark in old.marks}
    marks = tuple(_kept(mark, before.get(mark.criterion.check), new.hand_in) for mark in new.marks)
    flags = (*new.flags, *(flag for flag in old.flags if flag.kind == LEFT_ASIDE), *_left_aside(before, new))
    people = tuple(replace(one, hand_in=one.hand_in or old.hand_in) for one in old.adjustments if one.by_person)
    kept = replace(new, marks=marks, flags=tuple(dict.fromkeys(flags)))
    return with_reminders(with_adjustments(kept, people))


def with_reminders(grade: Grade) -> Grade:
    """Return the grade with a flag for each decision that is about an earlier submission, until there is a new one."""
    others = tuple(flag for flag in grade.flags if flag.kind != EARLIER)
    return replace(grade, flags=(*others, *_reminders(grade)))


def _reminders(grade: Grade) -> Iterator[Flag]:
    for mark in grade.marks:
        if mark.earlier and mark.given is None and not isinstance(mark.finding, Manual):
            last = mark.earlier[-1]
            said = message(
                "{by} gave {points:g} of {of:g} for {check} on {on} ({reason}), but for an earlier submission. For"
                " this one the measured points count, until a person decides.",
                by=last.by,
                points=last.points,
                of=last.of,
                check=mark.criterion.check,
                on=last.on,
                reason=last.reason,
            )
            yield Flag(EARLIER, said)
    if any(one.by_person for one in grade.counted):
        return
    for one in grade.adjustments:
        if one.by_person and one not in grade.counted:
            said = message(
                "{by} changed the total by {points:+g} points on {on} ({reason}), but for an earlier submission. For"
                " this one that does not count, until a person decides.",
                by=one.by,
                points=one.points,
                on=one.on,
                reason=one.reason,
            )
            yield Flag(EARLIER, said)


def with_adjustments(grade: Grade, people: tuple[Adjustment, ...]) -> Grade:
    """Return the grade with people's adjustments. Their decision about lateness replaces the late policy."""
    decided = any(one.about == "lateness" and one.hand_in in ("", grade.hand_in) for one in people)
    ours = () if decided else tuple(one for one in grade.adjustments if not one.by_person)
    return replace(grade, adjustments=(*ours, *people))


def give(mark: Mark, given: Given) -> Mark:
    """Return the mark with what a person gave; earlier values are kept with it."""
    return replace(mark, given=given, earlier=_history(mark))


def _history(mark: Mark) -> tuple[Given, ...]:
    return mark.earlier if mark.given is None else (*mark.earlier, mark.given)


def _kept(mark: Mark, before: Mark | None, looked_at: str) -> Mark:
    if before is None or not (history := _history(before)):
        return mark
    counts = next((given for given in reversed(history) if given.hand_in == looked_at), None)
    if counts is not None:
        return replace(mark, given=counts, earlier=tuple(given for given in history if given is not counts))
    if not isinstance(mark.finding, Manual):
        return replace(mark, earlier=history)
    ask = message(
        "An earlier submission got {points:g} of {of:g} here. {ask}",
        points=history[-1].points,
        of=history[-1].of,
        ask=mark.finding.ask,
    )
    return replace(mark, finding=replace(mark.finding, ask=ask), earlier=history)


def _left_aside(before: dict[str, Mark], new: Grade) -> Iterator[Flag]:
    there = {mark.criterion.check for mark in new.marks}
    for check, mark in before.items():
        given = mark.given
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
