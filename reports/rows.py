"""Lays out one row of the class table for each submission. No markup here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.records import Criterion, Grade, Mark
from reports.marks import badges, result, told, total
from reports.text import NAME_LIMIT, clip, known, named, percent, points, say

STATES = ("unusable", "human", "late", "flagged", "settled")  # what rows can be filtered by, beside kinds of fault


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell: its text, the number it is sorted by ("" if none or if the text is that number), its CSS class."""

    text: str
    sort: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One submission; `tokens` say which filters keep it."""

    name: str
    href: str
    identifier: str
    total: Figure
    figures: tuple[Figure, ...]
    badges: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    tokens: tuple[str, ...]


def row(grade: Grade, href: str, criteria: Sequence[Criterion], others: Iterable[str] = ()) -> Row:
    """Lay out a grade with the link to its page; `others` are further tokens."""
    marks = {mark.criterion.check: mark for mark in grade.marks}
    accuracy = "" if grade.accuracy is None else f"{grade.accuracy:.6f}"
    open_ = undecided(grade) or len(grade.unjudged) == len(grade.marks)
    whole = "–" if undecided(grade) else total(grade)
    measured = Figure("–" if grade.accuracy is None else percent(grade.accuracy, 1), accuracy)
    return Row(
        name=named(grade.student.name),
        href=href,
        identifier=clip(grade.student.identifier, NAME_LIMIT),
        total=Figure(whole, "" if open_ else _number(whole)),
        figures=(measured, *(_figure(marks.get(criterion.check), undecided(grade)) for criterion in criteria)),
        badges=tuple(pair for pair in badges(grade) if pair[0] != "flagged"),
        flags=tuple(dict.fromkeys(known(flag.kind, NAME_LIMIT) for flag in grade.flags)),
        tokens=(*_states(grade), *others),
    )


def state_words(state: str) -> str:
    """Name a state on its filter."""
    return {
        "unusable": say("unusable"),
        "human": say("needs a human"),
        "late": say("late"),
        "flagged": say("with flags"),
        "settled": say("nothing to look at"),
    }[state]


def undecided(grade: Grade) -> bool:
    """Return whether an archive could not be opened, and nobody has decided what that means."""
    return grade.unusable and grade.needs_human


def _states(grade: Grade) -> Iterator[str]:
    if grade.unusable:
        yield "unusable"
    if grade.needs_human:
        yield "human"
    if grade.student.late:
        yield "late"
    if grade.flags:
        yield "flagged"
    if not (grade.unusable or grade.needs_human or grade.flags):
        yield "settled"


def _figure(mark: Mark | None, undecided: bool) -> Figure:
    if mark is None:
        return Figure("", "")
    if undecided and mark.given is None:  # nothing was looked at: that is no zero
        return Figure("–", "", told(mark).state)
    shown = points(mark.points)
    return Figure(shown, "" if mark.points is None else _number(shown), result(mark))


def _number(shown: str) -> str:
    """Return shown points as a script reads them."""
    return shown.replace("\N{MINUS SIGN}", "-")
