"""Lays out many Grades on one page: what to act on, how the class did, where points were lost. No markup here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from grader.records import Attendance, Audience, Criterion, Grade, Mark, Message, Unjudged, message
from reports.absentees import Absentees, absentees, attended
from reports.charts.histogram import Histogram, binned, histogram
from reports.faults import Fault, faults
from reports.marks import badges, by_hand, edition, pending, told, total
from reports.measured import Measured, measured
from reports.rows import STATES, Row, row, state_words, undecided
from reports.shapes import TableShown
from reports.text import NAME_LIMIT, clip, figure, named, percent, points, say, squeezed, titled

LEADERS = 10
PSEUDONYM = 6  # digits of the submission's SHA-256, which only its own page prints
MOST_REASONS = 3
TROUBLES_AT_ONCE = 30  # the others are folded away: in a large class they would push everything else off the screen
ROWS_AT_ONCE = 200  # of the table, until a person asks for all: a browser takes seconds to lay out thousands
HEADING = 28  # columns of a heading
LEAST_RANGE = 10.0  # percentage points that the accuracies' histogram shows, however alike they are


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
    """A criterion, how many students lost points on it, and what was earned."""

    title: str
    lost: str
    width: str  # share of the students who lost points, percent
    earned: str  # mean share of its points


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
    measured: Measured
    troubles: tuple[Trouble, ...]
    histograms: tuple[HistogramShown, ...]
    faults: tuple[Fault, ...]
    missed: tuple[Missed, ...]
    columns: tuple[tuple[str, str], ...]  # heading, title
    rows: tuple[Row, ...]
    filters: tuple[tuple[str, str, str], ...]  # token, words, how many rows it keeps
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
    by = measured(grades, staff)
    kinds, tokens = faults(grades)
    others = [(*some, *more) for some, more in zip(tokens, by.tokens, strict=True)]
    rows = tuple(row(*entry, criteria, more) for entry, more in zip(entries, others, strict=True)) if staff else ()
    return Overview(
        audience=audience,
        facts=(*_facts(grades, staff), *attended(attendance)),
        measured=by,
        troubles=tuple(_trouble(*entry) for entry in entries if staff and _troubled(entry[0])),
        histograms=tuple(_histograms(grades)),
        faults=kinds,
        missed=tuple(_missed(grades, criteria)),
        columns=tuple((squeezed(titled(c), HEADING), titled(c)) for c in criteria),
        rows=rows,
        filters=tuple(_filters(rows)),
        leaders=tuple(_leaders(grades, pseudonyms)),
        pseudonyms=pseudonyms,
        absentees=None if attendance is None or pseudonyms else absentees(attendance),
    )


def _filters(rows: Sequence[Row]) -> Iterable[tuple[str, str, str]]:
    """Yield the states that some of the rows are in, each with its filter."""
    counts = Counter(token for one in rows for token in one.tokens)
    return ((state, state_words(state), figure(counts[state])) for state in STATES if counts[state])


def _facts(grades: Sequence[Grade], staff: bool) -> Iterable[tuple[str, str]]:
    yield say("Submissions"), figure(len(grades))
    if totals := _totals(grades):
        so_far = any(map(pending, _comparable(grades)))
        reached = say("{points} of {of}", points=points(median(totals)), of=points(_most(grades)))
        yield say("Median total so far") if so_far else say("Median total"), reached
        yield say("Mean total so far") if so_far else say("Mean total"), points(mean(totals))
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
    return [grade.total for grade in _comparable(grades)]


def _comparable(grades: Sequence[Grade]) -> list[Grade]:
    return [grade for grade in grades if not (undecided(grade) or _unjudged(grade))]


def _unjudged(grade: Grade) -> bool:
    """Return whether something could not be judged; marks by hand that are still missing are missing for everybody."""
    return any(isinstance(mark.finding, Unjudged) and mark.given is None for mark in grade.marks)


def _accuracies(grades: Sequence[Grade]) -> list[float]:
    return [100 * grade.accuracy for grade in grades if grade.accuracy is not None]


def _most(grades: Sequence[Grade]) -> float:
    """Return the most points that one of the totals is of: those that nobody has marked yet are in none."""
    return max(round(grade.points - pending(grade), 2) for grade in _comparable(grades))


def _troubled(grade: Grade) -> bool:
    """Return whether this submission needs a look of its own: what a person marks for everybody is no trouble."""
    return grade.unusable or any(not by_hand(mark) for mark in grade.open) or any(one.open for one in grade.counted)


def _trouble(grade: Grade, href: str) -> Trouble:
    reasons_open = [why for mark in grade.open if not by_hand(mark) for why in _why_open(grade, mark)]
    waiting = [message("{reason}", reason=one.reason) for one in grade.counted if one.open]
    reasons = dict.fromkeys((*reasons_open, *waiting))
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
        yield _histogram(title, label, "%", accuracies, _widened(min(accuracies), max(accuracies)))


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return a range of shares in percent that is wide enough for bins with a meaning."""
    room = max(0.0, LEAST_RANGE - (high - low)) / 2
    low = min(max(0.0, low - room), 100.0 - 2 * room)
    return low, max(high, min(100.0, low + LEAST_RANGE))


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


def _missed(grades: Sequence[Grade], criteria: Sequence[Criterion]) -> list[Missed]:
    """Return the criteria on which students lost points, the most students first."""
    marks: dict[str, list[Mark]] = {}
    for grade in grades:
        for mark in () if undecided(grade) else grade.marks:
            marks.setdefault(mark.criterion.check, []).append(mark)
    found = []
    for criterion in criteria:
        judged = [mark for mark in marks.get(criterion.check, ()) if mark.points is not None]
        losers = sum((mark.points or 0.0) < mark.criterion.points for mark in judged)
        if losers:
            found.append((losers, _missing(criterion, judged, losers)))
    return [missed for _, missed in sorted(found, key=lambda pair: -pair[0])]


def _missing(criterion: Criterion, judged: Sequence[Mark], losers: int) -> Missed:
    shares = [(mark.points or 0.0) / mark.criterion.points for mark in judged if mark.criterion.points]
    return Missed(
        title=titled(criterion),
        lost=say("{k:,} of {n:,}", k=losers, n=len(judged)),
        width=f"{100 * losers / len(judged):.2f}",
        earned=percent(mean(shares), 1) if shares else "–",
    )


def _leaders(grades: Sequence[Grade], pseudonyms: bool) -> Iterable[Leader]:
    """Return the best accuracies; equal ones share a rank."""
    ranked = sorted((g for g in grades if g.accuracy is not None), key=lambda g: -(g.accuracy or 0.0))
    for grade in ranked[:LEADERS]:
        rank = 1 + sum((other.accuracy or 0.0) > (grade.accuracy or 0.0) for other in ranked)
        name = clip(grade.digest[:PSEUDONYM], NAME_LIMIT) if pseudonyms else named(grade.student.name)
        yield Leader(rank, name, percent(grade.accuracy or 0.0, 1), total(grade))
