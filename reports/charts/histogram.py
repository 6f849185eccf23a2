"""Computes histograms: bins, and the bars over them in the units of an SVG view box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.curve import Frame
from reports.charts.scale import nice, rounded

FRAME = Frame("histogram", 420, 230, left=34, right=26, top=30, bottom=46, x_ticks=6, y_ticks=4)
MOST_BINS = 20
GAP = 1.0  # between bars


@dataclass(frozen=True, slots=True)
class Bin:
    """`count` values from `low` to below `high`; the last bin includes its upper edge."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """The geometry of a histogram: bars are (x, y, width, height), ticks are (coordinate, value)."""

    frame: Frame
    bars: tuple[tuple[float, float, float, float], ...]
    x_ticks: tuple[tuple[float, float], ...]
    y_ticks: tuple[tuple[float, float], ...]
    median: float  # its coordinate


def binned(values: Sequence[float], low: float, high: float) -> tuple[Bin, ...]:
    """Count values in at most MOST_BINS bins of one round width that cover low to high."""
    width = nice((high - low) / MOST_BINS if high > low else 1.0)
    first = math.floor(low / width + 1e-9)
    count = max(1, math.ceil(high / width - 1e-9) - first)
    counts = [0] * count
    for value in values:
        counts[min(count - 1, max(0, math.floor(value / width + 1e-9) - first))] += 1
    return tuple(Bin((first + n) * width, (first + n + 1) * width, k) for n, k in enumerate(counts))


def histogram(bins: Sequence[Bin], median: float, frame: Frame = FRAME) -> Histogram:
    """Lay out the bars over their bins."""
    x = rounded((bins[0].low, bins[-1].high), (frame.left, frame.width - frame.right), frame.x_ticks)
    y = rounded((0, max(bin_.count for bin_ in bins) or 1), (frame.height - frame.bottom, frame.top), frame.y_ticks)
    floor = frame.height - frame.bottom
    bars = tuple(
        (
            round(x(b.low) + GAP / 2, 1),
            round(y(b.count), 1),
            round(max(1.0, x(b.high) - x(b.low) - GAP), 1),
            round(floor - y(b.count), 1),
        )
        for b in bins
        if b.count
    )
    whole = tuple((round(y(tick), 1), tick) for tick in y.ticks if float(tick).is_integer())
    return Histogram(frame, bars, tuple((round(x(tick), 1), tick) for tick in x.ticks), whole, round(x(median), 1))
