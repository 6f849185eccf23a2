"""Lays out many Grades on one page: what to act on, how the class did, where points were lost. No markup here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from grader.records import Attendance, Audience, Criterion, Grade, Mark, Message, Unjudged, message
from reports.absentees import Absentees, absentees, attended
from reports.charts.histogram import Histogram, binned, histogram
from reports.marks import badges, edition, told, total
from reports.shapes import TableShown
from reports.text import NAME_LIMIT, VALUE_LIMIT, clip, figure, known, named, outline, percent, points, say, words

LEADERS = 10
PSEUDONYM = 6  # digits of the submission's SHA-256, which only its own page prints
MOST_REASONS = 3
TROUBLES_AT_ONCE = 30  # the others are folded away: in a large class they would push everything else off the screen
ROWS_AT_ONCE = 200  # of the table, until a person asks for all: a browser takes seconds to lay out thousands


@dataclass(frozen=True, slots=True)
class HistogramShown:
    title: str
    x_label: str
    unit: str
    described: str
    middle: str
    chart: Histogram
    data: TableShown


@dataclass(frozen=True, slots=True)
class Trouble:
    """A submission that a person must look at, and why."""

    name: str
    href: str
    badges: tuple[tuple[str, str], ...]
    reasons: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """A criterion, how many students lost points on it, and the most common reason."""

    title: str
    key: str
    lost: str
    width: str  # share of the students who lost points, percent
    earned: str  # mean share of its points
    cause: str  # "" where there is none
    caused: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell: its text, the number it is sorted by ("" if none), its CSS class ("" where it says nothing)."""

    text: str
    sort: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    href: str
    identifier: str
    figures: tuple[Figure, ...]
    badges: tuple[tuple[str, str], ...]
    flags: str
    needs_human: bool


@dataclass(frozen=True, slots=True)
class Leader:
    rank: int
    name: str
    accuracy: str
    total: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The page of a class for one audience; it contains nothing that this audience may not see."""

    audience: Audience
    facts: tuple[tuple[str, str], ...]
    troubles: tuple[Trouble, ...]
    histograms: tuple[HistogramShown, ...]
    missed: tuple[Missed, ...]
    columns: tuple[tuple[str, str], ...]  # key, title
    rows: tuple[Row, ...]
    leaders: tuple[Leader, ...]
    pseudonyms: bool
    absentees: Absentees | None = None  # for staff, with names only


def overview(
    submissions: Iterable[tuple[Grade, str]],
    audience: Audience,
    pseudonyms: bool,
    attendance: Attendance | None = None,
) -> Overview:
    """Lay out (grade, link to its page) in the given order, and who on the roster has no grade."""
    entries = [(edition(grade, audience), href) for grade, href in submissions]
    grades = [grade for grade, _ in entries]
    criteria = tuple({mark.criterion.check: mark.criterion for grade in grades for mark in grade.marks}.values())
    staff = audience == "staff"
    pseudonyms = pseudonyms or not staff
    return Overview(
        audience=audience,
        facts=(*_facts(grades, staff), *attended(attendance)),
        troubles=tuple(_trouble(*entry) for entry in entries if staff and _troubled(entry[0])),
        histograms=tuple(_histograms(grades)),
        missed=tuple(_missed(grades, criteria, staff)),
        columns=tuple((_key(c), known(c.title)) for c in criteria),
        rows=tuple(_row(*entry, criteria) for entry in entries if staff),
        leaders=tuple(_leaders(grades, pseudonyms)),
        pseudonyms=pseudonyms,
        absentees=None if attendance is None or pseudonyms else absentees(attendance),
    )


def _facts(grades: Sequence[Grade], staff: bool) -> Iterable[tuple[str, str]]:
    yield say("Submissions"), figure(len(grades))
    if totals := _totals(grades):
        yield say("Median total"), say("{points} of {of}", points=points(median(totals)), of=points(_most(grades)))
        yield say("Mean total"), points(mean(totals))
    if len(totals) < len(grades):
        yield say("In these figures"), say("{k:,} of {n:,}", k=len(totals), n=len(grades))
    if accuracies := _accuracies(grades):
        yield say("Median accuracy"), percent(median(accuracies), 100)
    if staff:
        yield say("Need a human"), figure(sum(grade.needs_human for grade in grades))
        yield say("Could not be used"), figure(sum(grade.unusable for grade in grades))
        yield say("Late"), figure(sum(grade.student.late for grade in grades))


def _totals(grades: Sequence[Grade]) -> list[float]:
    """Return the totals that can be compared: what could not be opened or judged is not a zero."""
    return [grade.total for grade in grades if not (_undecided(grade) or _unjudged(grade))]


def _undecided(grade: Grade) -> bool:
    return grade.unusable and grade.needs_human


def _unjudged(grade: Grade) -> bool:
    """Return whether something could not be judged; marks by hand that are still missing are missing for everybody."""
    return any(isinstance(mark.finding, Unjudged) and mark.given is None for mark in grade.marks)


def _accuracies(grades: Sequence[Grade]) -> list[float]:
    return [100 * grade.accuracy for grade in grades if grade.accuracy is not None]


def _most(grades: Sequence[Grade]) -> float:
    return max(grade.points for grade in grades)


def _troubled(grade: Grade) -> bool:
    return grade.needs_human or grade.unusable


def _trouble(grade: Grade, href: str) -> Trouble:
    undecided = [message("{reason}", reason=one.reason) for one in grade.counted if one.open]
    reasons = dict.fromkeys((*(reason for mark in grade.open for reason in _why_open(grade, mark)), *undecided))
    shown = tuple(pair for pair in badges(grade) if pair[0] in {"blocked", "unjudged"})
    return Trouble(named(grade.student.name), href, shown, tuple(reasons)[:MOST_REASONS])


def _why_open(grade: Grade, mark: Mark) -> tuple[Message, ...]:
    """Say why a person must decide: in the words of the flags that ask for it, else in those of the finding."""
    return tuple(flag.message for flag in grade.asking(mark.criterion.check)) or (told(mark).reason,)


# --- how the class did -----------------------------------------------------------------------------------------


def _histograms(grades: Sequence[Grade]) -> Iterable[HistogramShown]:
    if totals := _totals(grades):
        title, label = say("Totals"), say("points")
        yield _histogram(title, label, "", totals, (0.0, max(_most(grades), *totals, 1.0)))
    if accuracies := _accuracies(grades):
        title, label = say("Accuracies"), say("test accuracy")
        yield _histogram(title, label, "%", accuracies, (min(accuracies), max(accuracies)))


def _histogram(title: str, label: str, unit: str, values: list[float], ends: tuple[float, float]) -> HistogramShown:
    bins, middle = binned(values, *ends), median(values)
    rows = tuple((f"{figure(b.low)} – {figure(b.high)}{unit}", figure(b.count)) for b in bins)
    said = say("median {value}", value=f"{figure(round(middle, 2))}{unit}")
    described = say(
        "{n:,} values from {low} to {high}; {median}",
        n=len(values), low=f"{figure(round(min(values), 2))}{unit}", high=f"{figure(round(max(values), 2))}{unit}",
        median=said,
    )  # fmt: skip
    columns = ((label, True), (say("submissions"), True))
    data = TableShown(title, columns, rows, 0, long=False)
    return HistogramShown(title, label, unit, described, said, histogram(bins, middle), data)


def _missed(grades: Sequence[Grade], criteria: Sequence[Criterion], staff: bool) -> list[Missed]:
    """Return the criteria on which students lost points, the most students first."""
    found = []
    for criterion in criteria:
        opened = [grade for grade in grades if not _undecided(grade)]
        marks = [mark for grade in opened for mark in grade.marks if mark.criterion.check == criterion.check]
        judged = [mark for mark in marks if mark.points is not None]
        losers = [mark for mark in judged if (mark.points or 0.0) < mark.criterion.points]
        if losers:
            found.append((len(losers), _missing(criterion, judged, losers, staff)))
    return [missed for _, missed in sorted(found, key=lambda pair: -pair[0])]


def _missing(criterion: Criterion, judged: Sequence[Mark], losers: Sequence[Mark], staff: bool) -> Missed:
    causes = [_cause(mark) for mark in losers]
    text, count = Counter(cause.text for cause in causes).most_common(1)[0]
    said = Counter(cause for cause in causes if cause.text == text)
    example = said.most_common(1)[0][0]
    of_nobody = staff or (len(said) == 1 and count > 1)  # what all of several were told is about none of them
    shares = [(mark.points or 0.0) / mark.criterion.points for mark in judged if mark.criterion.points]
    return Missed(
        title=known(criterion.title),
        key=_key(criterion),
        lost=say("{k:,} of {n:,}", k=len(losers), n=len(judged)),
        width=f"{100 * len(losers) / len(judged):.2f}",
        earned=percent(mean(shares), 1) if shares else "–",
        cause=clip(words(example) if of_nobody else outline(example), VALUE_LIMIT),
        caused=say("given to {k:,} of them", k=count),
    )


def _cause(mark: Mark) -> Message:
    """Return the first hint that the student got, else the reason."""
    finding = told(mark)
    return finding.hints[0] if finding.hints else finding.reason


# --- one by one ------------------------------------------------------------------------------------------------


def _row(grade: Grade, href: str, criteria: Sequence[Criterion]) -> Row:
    marks = {mark.criterion.check: mark for mark in grade.marks}
    accuracy = "" if grade.accuracy is None else f"{grade.accuracy:.6f}"
    open_ = _undecided(grade) or len(grade.unjudged) == len(grade.marks)
    shown = "–" if _undecided(grade) else total(grade)
    whole = Figure(shown, "" if open_ else shown)
    measured = Figure("–" if grade.accuracy is None else percent(grade.accuracy, 1), accuracy)
    return Row(
        name=named(grade.student.name),
        href=href,
        identifier=clip(grade.student.identifier, NAME_LIMIT),
        figures=(whole, measured, *(_figure(marks.get(criterion.check), _undecided(grade)) for criterion in criteria)),
        badges=tuple(pair for pair in badges(grade) if pair[0] != "flagged"),
        flags=say(", ").join(dict.fromkeys(known(flag.kind, NAME_LIMIT) for flag in grade.flags)),
        needs_human=grade.needs_human,
    )


def _figure(mark: Mark | None, undecided: bool) -> Figure:
    if mark is None:
        return Figure("", "")
    if undecided and mark.given is None:  # nothing was looked at: that is no zero
        return Figure("–", "", told(mark).state)
    shown, state = points(mark.points), told(mark).state
    return Figure(shown, "" if mark.points is None else shown, "" if state == "judged" else state)


def _leaders(grades: Sequence[Grade], pseudonyms: bool) -> Iterable[Leader]:
    """Return the best accuracies; equal ones share a rank."""
    ranked = sorted((g for g in grades if g.accuracy is not None), key=lambda g: -(g.accuracy or 0.0))
    for grade in ranked[:LEADERS]:
        rank = 1 + sum((other.accuracy or 0.0) > (grade.accuracy or 0.0) for other in ranked)
        name = clip(grade.digest[:PSEUDONYM], NAME_LIMIT) if pseudonyms else named(grade.student.name)
        yield Leader(rank, name, percent(grade.accuracy or 0.0, 1), total(grade))


def _key(criterion: Criterion) -> str:
    return known(criterion.check.replace("_", " "), NAME_LIMIT)
