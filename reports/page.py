"""Lays out a Grade on one page: figures as text, all parts in order. No markup here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from grader.records import N_, Audience, Exhibit, Grade, MadeBy, Mark, Message, Unjudged, message
from reports.advice import AT_ONCE, beyond, first_sentences, to_do, told_elsewhere
from reports.exhibits import shown
from reports.head import facts, moment
from reports.languages import translate
from reports.marks import Result, Step, badges, by_hand, edition, pending, restricted, result, result_words, told, total
from reports.measured import lab_title
from reports.shapes import PictureShown, Shown
from reports.text import VALUE_LIMIT, clip, known, named, points, say, titled
from reports.thumbnails import embedded, pooled

FOR_STUDENTS = ("grader", "rubric", "dataset", "graded_at")  # of what made a grade; the rest is for repeating it


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion. `width` is the share of its points in percent; `told_at` the number of what says the reason."""

    anchor: str
    title: str
    result: Result
    result_words: str
    score: str
    width: str
    reason: Message | None  # None where it is told at the top, or by another line
    told_at: int
    told_by: tuple[str, str]  # of that line: anchor and title, "" where there is none
    hints: tuple[Message, ...]  # that are not told at the top
    beside: Message | None
    exhibits: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do: the points that it may gain, its criteria as (anchor, title), and what to do."""

    stake: str
    criteria: tuple[tuple[str, str], ...]
    sentences: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Flagged:
    kind: str
    message: Message
    exhibits: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page for one audience; it contains nothing that this audience may not see."""

    audience: Audience
    lab: str  # its title
    name: str
    facts: tuple[str, ...]
    badges: tuple[tuple[str, str], ...]  # (class, words)
    total: str
    of: str
    points: str
    width: str
    adjusted: str  # sum of the adjustments, "" where it is 0
    for_staff: tuple[tuple[str, str, str], ...]  # (kind, anchor, words): flags, and what is still to be marked
    open: tuple[tuple[str, str], ...]  # (what, why) is not final
    unusable: bool
    lines: tuple[Line, ...]
    steps: tuple[Advice, ...]
    beyond: str  # what is said of points lost elsewhere, or where there is nothing to do
    adjustments: tuple[tuple[str, str], ...]
    flags: tuple[Flagged, ...]
    notes: tuple[Message, ...]
    made_by: tuple[tuple[str, str, str], ...]  # (form, name, value); form is "text", "digest" or "command"
    pictures: dict[str, PictureShown]  # by id, each embedded once

    @property
    def exhibits(self) -> tuple[Shown, ...]:
        """All exhibits in the order of the page."""
        lines = [exhibit for line in self.lines for exhibit in line.exhibits]
        return (*lines, *(exhibit for flag in self.flags for exhibit in flag.exhibits))


def page(grade: Grade, audience: Audience) -> Page:
    """Lay out the edition of the grade that `audience` may see."""
    whole = restricted(grade, audience)  # with its flags, which are not shown to students but keep a grade open
    grade = edition(grade, audience)
    steps = to_do(grade)
    laid_out = Page(
        audience=audience,
        lab=lab_title(grade.made_by),
        name=named(grade.student.name),
        facts=facts(grade),
        badges=tuple(badge for badge in badges(whole, audience) if badge[0] != "flagged"),
        total=total(grade),
        of=_of(grade),
        points=points(grade.points),
        width=_width(grade.total, grade.points - pending(grade)),
        adjusted=_adjusted(grade),
        for_staff=tuple(_for_staff(grade)) if audience == "staff" else (),
        open=tuple(_open(whole, audience)),
        unusable=grade.unusable,
        lines=() if grade.unexamined else tuple(_lines(grade, audience, steps[:AT_ONCE])),
        steps=tuple(map(_advice, steps[:AT_ONCE])),
        beyond=beyond(grade, steps),
        adjustments=tuple(_adjustments(grade)),
        flags=tuple(Flagged(known(f.kind), f.message, _all(f.exhibits)) for f in grade.flags),
        notes=grade.notes,
        made_by=tuple(_made_by(grade, audience)),
        pictures={},
    )
    return replace(laid_out, pictures=embedded(laid_out.exhibits))


def _of(grade: Grade) -> str:
    """Say out of how many points: of those marked so far, as long as some are not."""
    if not grade.unjudged or grade.unexamined:
        return say("of {points} points", points=points(grade.points))
    marked = round(grade.points - pending(grade), 2)
    if not marked:
        return say("of {points} points, none marked so far", points=points(grade.points))
    return say("of {marked} points marked so far ({points} in all)", marked=points(marked), points=points(grade.points))


def _for_staff(grade: Grade) -> Iterator[tuple[str, str, str]]:
    """Yield what staff must look at, with where it stands on the page."""
    for number, flag in enumerate(grade.flags, start=1):
        yield "flagged", f"flag-{number}", say("flag: {kind}", kind=known(flag.kind))
    for mark in () if grade.unexamined else grade.open:
        title, most = titled(mark.criterion), _counted(mark.criterion.points)
        yield "unjudged", _anchor(mark), say("to be marked: {title} ({points})", title=title, points=most)


def _open(grade: Grade, audience: Audience) -> Iterator[tuple[str, str]]:
    """Yield why this mark is not final, to whom it concerns."""
    if grade.unexamined:
        return
    hand = round(sum(mark.criterion.points for mark in grade.unjudged if by_hand(mark)), 2)
    if hand:
        why = say("It is not a zero, and the total leaves it out so far.")
        yield say("Still to be marked by a person ({points}).", points=_counted(hand)), why
    if rest := round(pending(grade) - hand, 2):
        why = (
            say("The grader could not do it, for the reasons given below. That is never a zero.")
            if audience == "staff"
            else say("The grader could not do it, and that is not your fault. A person will: you need not do anything.")
        )
        yield say("Not marked yet: {points}.", points=_counted(rest)), why
    if any(mark.points is not None for mark in grade.open):
        yield say("Not final: a person has yet to confirm the points."), ""


def _counted(value: float) -> Message:
    shown = points(value)
    return message("1 point") if shown == "1" else message("{points} points", points=shown)


def _lines(grade: Grade, audience: Audience, steps: tuple[Step, ...]) -> Iterator[Line]:
    """Yield the criteria. A sentence that is told at the top, or by a line before, is only pointed to."""
    at_top = {said: number for number, step in enumerate(steps, start=1) for said in first_sentences(step)}
    elsewhere = {*at_top, *told_elsewhere(grade)}
    at_line: dict[Message, tuple[str, str]] = {}
    for mark in grade.marks:
        line = _line(mark, audience)
        said = line.reason
        hints = tuple(hint for hint in line.hints if hint not in elsewhere and hint != said)
        number = at_top.get(said, 0) if said else 0
        before = at_line.get(said, ("", "")) if said else ("", "")
        if said and not number:
            at_line.setdefault(said, (line.anchor, line.title))
        shown = None if number or before[0] else said
        yield replace(line, reason=shown, told_at=number, told_by=before, hints=hints)


def _line(mark: Mark, audience: Audience) -> Line:
    finding = told(mark)
    ours = audience == "student" and mark.points is None  # what a person must do now is no concern of the student's
    return Line(
        anchor=_anchor(mark),
        title=titled(mark.criterion),
        result=result(mark),
        result_words=result_words(mark),
        score=_score(mark),
        width=_width(mark.points or 0.0, mark.criterion.points),
        reason=_waiting(mark) if ours else finding.reason,
        told_at=0,
        told_by=("", ""),
        hints=finding.hints,
        beside=None if audience == "student" and isinstance(mark.finding, Unjudged) else finding.beside,
        exhibits=() if ours else _all(finding.exhibits),
    )


def _score(mark: Mark) -> str:
    return say("{points} of {of}", points=points(mark.points), of=points(mark.criterion.points))


def _waiting(mark: Mark) -> Message:
    if by_hand(mark):
        return message("Still to be marked by a person ({points}).", points=_counted(mark.criterion.points))
    return message("A person will mark this: the grader could not, and that is not your fault.")


def _advice(step: Step) -> Advice:
    shown = points(step.points)
    stake = say("up to 1 point") if shown == "1" else say("up to {points} points", points=shown)
    criteria = tuple((_anchor(mark), titled(mark.criterion)) for mark in step.marks)
    return Advice(stake, criteria, first_sentences(step))


def _adjusted(grade: Grade) -> str:
    change = round(sum(one.points for one in grade.counted), 2)
    return points(change, signed=True) if change else ""


def _adjustments(grade: Grade) -> list[tuple[str, str]]:
    return [
        (points(a.points, signed=True), say("{reason} ({by}, {on})", reason=a.reason, by=a.by, on=a.on))
        for a in grade.counted
    ]


def _made_by(grade: Grade, audience: Audience) -> list[tuple[str, str, str]]:
    entries = [("digest", say("Submission, SHA-256"), clip(grade.digest, VALUE_LIMIT))]
    titled = replace(grade.made_by, lab=lab_title(grade.made_by))
    for field in fields(MadeBy):
        if field.name not in MADE_BY or (audience == "student" and field.name not in FOR_STUDENTS):
            continue
        form, name = MADE_BY[field.name]
        if value := getattr(titled, field.name):  # "" and 0 say that nothing was measured
            text = moment(value) if field.name == "graded_at" else translate(str(value))
            entries.append((form, known(name), clip(text, 10 * VALUE_LIMIT)))
    order = ("text", "command", "digest")  # long ones last, so that the short ones stand in columns
    return sorted(entries, key=lambda entry: order.index(entry[0]))


# One entry for each field of MadeBy, in the order of the fields, but for the titles in other languages: a test holds
# the two together.
MADE_BY = {
    "grader": ("text", N_("Grader")),
    "python": ("text", N_("Python")),
    "torch": ("text", N_("torch")),
    "rubric": ("digest", N_("Rubric, SHA-256")),
    "dataset": ("text", N_("Image set")),
    "dataset_digest": ("digest", N_("Image set, SHA-256")),
    "device": ("text", N_("Device")),
    "device_name": ("text", N_("Device name")),
    "precision": ("text", N_("Precision")),
    "batch_size": ("text", N_("Batch size")),
    "logits_digest": ("digest", N_("Logits, SHA-256")),
    "sandbox": ("text", N_("Sandbox")),
    "command": ("command", N_("Command")),
    "graded_at": ("text", N_("Graded at")),
    "lab": ("text", N_("Lab")),
}


def _all(exhibits: tuple[Exhibit, ...]) -> tuple[Shown, ...]:
    return tuple(shown(exhibit) for exhibit in pooled(exhibits))


def _anchor(mark: Mark) -> str:
    return f"check-{mark.criterion.check}"


def _width(part: float, whole: float) -> str:
    return f"{100 * min(1.0, max(0.0, part / whole)):.2f}" if whole else "0"
