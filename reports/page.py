"""Lays out a Grade on one page: figures as text, all parts in order. No markup here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from grader.records import N_, Audience, Exhibit, Grade, MadeBy, Mark, Message, Student
from reports.exhibits import shown
from reports.languages import translate
from reports.marks import State, Step, badges, edition, next_steps, pending, score, state_words, told, total
from reports.shapes import PictureShown, Shown
from reports.text import NAME_LIMIT, VALUE_LIMIT, clip, known, named, points, say
from reports.thumbnails import embedded

STEPS_AT_ONCE = 3  # more than three things to do next are none


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion. `width` is the share of its points in percent; `earned` is true for all of them."""

    anchor: str
    title: str
    state: State
    state_words: str
    score: str
    width: str
    earned: bool
    reason: Message
    beside: Message | None
    exhibits: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """One next step: the points at stake, its criteria as (anchor, title), and what to do."""

    stake: str
    criteria: tuple[tuple[str, str], ...]
    hints: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Flagged:
    kind: str
    message: Message
    exhibits: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page for one audience; it contains nothing that this audience may not see."""

    audience: Audience
    name: str
    facts: tuple[str, ...]
    badges: tuple[tuple[str, str], ...]  # (class, words)
    total: str
    points: str
    width: str
    adjusted: str  # sum of the adjustments, "" where there are none
    pending: str  # "" where every criterion has its mark
    unusable: bool
    lines: tuple[Line, ...]
    steps: tuple[Advice, ...]
    no_steps: str  # what is said where there are none
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
    grade = edition(grade, audience)
    laid_out = Page(
        audience=audience,
        name=named(grade.student.name),
        facts=_facts(grade),
        badges=badges(grade),
        total=total(grade),
        points=points(grade.points),
        width=_width(grade.total, grade.points),
        adjusted=points(sum(a.points for a in grade.counted), signed=True) if grade.counted else "",
        pending=points(pending(grade)) if grade.unjudged else "",
        unusable=grade.unusable,
        lines=() if grade.unexamined else tuple(_line(mark, audience) for mark in grade.marks),
        steps=tuple(_advice(step) for step in next_steps(grade)),
        no_steps=_no_steps(grade),
        adjustments=tuple(_adjustments(grade)),
        flags=tuple(Flagged(known(f.kind), f.message, _all(f.exhibits)) for f in grade.flags),
        notes=grade.notes,
        made_by=tuple(_made_by(grade)),
        pictures={},
    )
    return replace(laid_out, pictures=embedded(laid_out.exhibits))


def _facts(grade: Grade) -> tuple[str, ...]:
    made_by = grade.made_by
    facts = (
        *_identity(grade.student),
        clip(grade.archive, NAME_LIMIT),
        say("graded {when}", when=moment(made_by.graded_at)) if made_by.graded_at else "",
        clip(say("by cnn-lab-grader {version}", version=made_by.grader), NAME_LIMIT),
    )
    return tuple(fact for fact in facts if fact)


def _identity(student: Student) -> Iterator[str]:
    """Yield number and address, or a text for each member of a group: joined, the last ones would be cut off."""
    if not student.members:
        yield clip(f"{student.platform.capitalize()} {student.identifier}".strip(), NAME_LIMIT)
        yield clip(student.email, NAME_LIMIT)
    for one in student.members:
        yield " · ".join(clip(text, NAME_LIMIT) for text in (one.name, one.identifier, one.email) if text)


def _line(mark: Mark, audience: Audience) -> Line:
    finding = told(mark)
    return Line(
        anchor=_anchor(mark),
        title=known(mark.criterion.title),
        state=finding.state,
        state_words=state_words(finding.state, audience),
        score=score(mark),
        width=_width(mark.points or 0.0, mark.criterion.points),
        earned=mark.points == mark.criterion.points,
        reason=finding.reason,
        beside=finding.beside,
        exhibits=_all(finding.exhibits),
    )


def _advice(step: Step) -> Advice:
    stake = say("points at stake: {points}", points=points(step.points))
    criteria = tuple((_anchor(mark), known(mark.criterion.title)) for mark in step.marks)
    return Advice(stake, criteria, step.hints)


def _no_steps(grade: Grade) -> str:
    if all(mark.points == mark.criterion.points for mark in grade.marks):
        return say("Nothing is left to do: every point was earned.")
    return say("No check gave a hint; the reasons below say where points were lost.")


def _adjustments(grade: Grade) -> list[tuple[str, str]]:
    return [
        (points(a.points, signed=True), say("{reason} ({by}, {on})", reason=a.reason, by=a.by, on=a.on))
        for a in grade.counted
    ]


def _made_by(grade: Grade) -> list[tuple[str, str, str]]:
    entries = [("digest", say("Submission, SHA-256"), clip(grade.digest, VALUE_LIMIT))]
    for field in fields(MadeBy):
        form, name = MADE_BY[field.name]
        if value := getattr(grade.made_by, field.name):  # "" and 0 say that nothing was measured
            text = moment(value) if field.name == "graded_at" else translate(str(value))
            entries.append((form, known(name), clip(text, 10 * VALUE_LIMIT)))
    order = ("text", "command", "digest")  # long ones last, so that the short ones stand in columns
    return sorted(entries, key=lambda entry: order.index(entry[0]))


# One entry for each field of MadeBy, in the order of the fields; a test holds the two together.
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
}


def moment(iso: str) -> str:
    """Format an ISO 8601 time to the minute in UTC; anything else stays unchanged."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return clip(iso, NAME_LIMIT)
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if when.tzinfo else when.strftime("%Y-%m-%d %H:%M")


def _all(exhibits: tuple[Exhibit, ...]) -> tuple[Shown, ...]:
    return tuple(shown(exhibit) for exhibit in exhibits)


def _anchor(mark: Mark) -> str:
    return f"check-{mark.criterion.check}"


def _width(part: float, whole: float) -> str:
    return f"{100 * min(1.0, max(0.0, part / whole)):.2f}" if whole else "0"
