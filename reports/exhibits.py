"""Prepares exhibits for the page: text ready to print, geometry ready to draw. New exhibits are added in `shown`."""

from __future__ import annotations

import re
from typing import assert_never

from grader.records import Bars, Curve, Exhibit, Gallery, Listing, Matrix, Message, Point, Ranking, Table
from reports.charts.curve import LABEL_COLUMNS, NARROW, WIDE, kept, marker, plot
from reports.charts.shades import shade, worst
from reports.shapes import BarShown, BarsShown, CurveShown, Entry, ListingShown, MatrixShown, Shown, TableShown
from reports.text import LINE_LIMIT, cell, clip, figure, percent, say, squeezed, visible, words
from reports.thumbnails import gallery, ranking

LONG = 12  # lines or rows: more than this is folded away
MOST_ROWS = 300
MOST_LINES = 100
MOST_CURVE_ROWS = 60
COMMONEST = 3
_LABEL_COLUMNS = 28  # of a bar, of a row of a matrix
_AXIS_COLUMNS = 40  # what fits above the plot on a phone
_NUMBER = re.compile(r"[-−+]?[\d,]*\.?\d+(e[-+]?\d+)?\s?%?|–")


def shown(exhibit: Exhibit) -> Shown:
    """Prepare an exhibit for the template. A form without a drawing is a type error here."""
    match exhibit:
        case Table():
            return _table(exhibit.title, exhibit.columns, [tuple(map(cell, row)) for row in exhibit.rows])
        case Bars():
            return _bars(exhibit)
        case Matrix():
            return _matrix(exhibit)
        case Curve():
            return _curve(exhibit)
        case Listing():
            return _listing(exhibit)
        case Gallery():
            return gallery(exhibit)
        case Ranking():
            return ranking(exhibit)
        case _:
            assert_never(exhibit)


def _table(title: Message, columns: tuple[Message, ...], rows: list[tuple[str, ...]]) -> TableShown:
    kept_rows = tuple(rows[:MOST_ROWS])
    numeric = [all(_NUMBER.fullmatch(row[n]) for row in kept_rows) for n in range(len(columns))]
    headings = tuple((words(c), bool(kept_rows) and n) for c, n in zip(columns, numeric, strict=True))
    return TableShown(words(title), headings, kept_rows, len(rows) - len(kept_rows), len(rows) > LONG)


def _bars(bars: Bars) -> BarsShown:
    parts, wholes = sum(b.part for b in bars.bars), sum(b.whole for b in bars.bars)
    together = _bar(say("overall"), parts, wholes) if len(bars.bars) > 2 else None
    return BarsShown(words(bars.title), tuple(_bar(b.label, b.part, b.whole) for b in bars.bars), together)


def _bar(label: str, part: int, whole: int) -> BarShown:
    counts = say("{part:,} of {whole:,}", part=part, whole=whole)
    share = min(1.0, max(0.0, part / whole)) if whole else 0.0
    return BarShown(_label(label), counts, percent(part, whole), f"{100 * share:.2f}")


def _label(text: str) -> str:
    return squeezed(visible(text), _LABEL_COLUMNS)


def _matrix(matrix: Matrix) -> MatrixShown:
    labels = tuple(_label(label) for label in matrix.labels)
    rows = tuple(
        (label, tuple((shade(n, sum(counts), i == j), n) for j, n in enumerate(counts)))
        for i, (label, counts) in enumerate(zip(labels, matrix.counts, strict=True))
    )
    mistakes = tuple(
        say("{truth} classified as {answer}: {count:,}", truth=labels[i], answer=labels[j], count=n)
        for n, i, j in worst(matrix.counts, COMMONEST)
    )
    return MatrixShown(words(matrix.title), labels, rows, mistakes)


def _listing(listing: Listing) -> ListingShown:
    lines = [clip(line.expandtabs(4), LINE_LIMIT) for line in listing.lines[:MOST_LINES]]
    if len(listing.lines) > MOST_LINES:  # the end of a traceback is what it is about
        gap = say("… lines left out: {count:,} …", count=len(listing.lines) - MOST_LINES)
        tail = [clip(line.expandtabs(4), LINE_LIMIT) for line in listing.lines[-MOST_LINES // 2 :]]
        lines = [*lines[: MOST_LINES // 2], gap, *tail]
    return ListingShown(words(listing.title), tuple(lines), len(lines) > LONG)


def _curve(curve: Curve) -> CurveShown:
    series = tuple(Entry(words(s.name), marker(n, 15, 7, 2.6)) for n, s in enumerate(curve.series))
    points = tuple(_pinned(p, n, curve) for n, p in enumerate(p for p in curve.points if kept([(p.x, p.y)])))
    given = sum(len(s.points) for s in curve.series) + len(curve.points)
    drawn = sum(len(kept(s.points)) for s in curve.series) + len(points)
    return CurveShown(
        title=words(curve.title),
        x_label=squeezed(words(curve.x_label), _AXIS_COLUMNS),
        y_label=squeezed(words(curve.y_label), _AXIS_COLUMNS),
        described=_described(curve, points),
        unit=curve.y_unit,
        plots=tuple(drawing for frame in (WIDE, NARROW) if (drawing := plot(curve, frame))),
        series=series,
        points=points,
        data=_curve_data(curve),
        left_out=given - drawn,
    )


def _pinned(point: Point, nth: int, curve: Curve) -> Entry:
    y, name = figure(point.y, curve.y_unit), words(point.name)
    return Entry(
        name=name,
        marker=marker(nth + 3, 15, 7, 4.5),
        value=say("{y} at {x}", y=y, x=figure(point.x)),
        short=y,
        label=f"{squeezed(name, LABEL_COLUMNS - len(y) - 1)} {y}",
    )


def _described(curve: Curve, points: tuple[Entry, ...]) -> str:
    """Describe the axes, the first and last value of each line, and the single points."""
    axes = say("{y} over {x}", y=words(curve.y_label), x=words(curve.x_label))
    lines = [
        say(
            "{name}: from {first} to {last}",
            name=words(s.name),
            first=figure(s.points[0][1], curve.y_unit),
            last=figure(s.points[-1][1], curve.y_unit),
        )
        for s in curve.series
        if s.points
    ]
    pins = [say("{name}: {value}", name=entry.name, value=entry.value) for entry in points]
    return say("; ").join([axes, *lines, *pins])


def _curve_data(curve: Curve) -> TableShown:
    """Return the same values as a table, for readers who cannot see the drawing or want the figures."""
    columns = [dict(series.points) for series in curve.series]
    every = sorted({x for column in columns for x in column})
    step = max(1, -(-len(every) // MOST_CURVE_ROWS))
    chosen = dict.fromkeys([*every[::step], *every[-1:]])
    rows = [(figure(x), *(figure(c[x], curve.y_unit) if x in c else "–" for c in columns)) for x in chosen]
    return _table(curve.title, (curve.x_label, *(s.name for s in curve.series)), rows)
