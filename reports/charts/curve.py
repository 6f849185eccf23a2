"""Places the lines, markers and labels of a line chart, in the units of an SVG view box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from grader.records import Curve
from reports.charts.scale import Scale, drawable, exact, rounded

MOST_VERTICES = 400  # more than a line chart has pixels for; 50,000 epochs must not make a page of megabytes
MOST_MARKERS = 40  # above this, markers hide the line that they mark
LABEL_HEIGHT = 17.0
LABEL_COLUMNS = 30  # of a typewriter, that fit beside the wide plot; a Chinese character takes two
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A view box, and the margins for labels around the plot."""

    form: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    x_ticks: int
    y_ticks: int


# Text in an SVG shrinks with it, so a phone gets a drawing of its own instead of a smaller one.
WIDE = Frame("wide", 848, 360, left=54, right=240, top=32, bottom=50, x_ticks=10, y_ticks=6)
NARROW = Frame("narrow", 328, 280, left=44, right=76, top=30, bottom=46, x_ticks=5, y_ticks=5)


@dataclass(frozen=True, slots=True)
class Line:
    """One series: path data for its line and all of its markers."""

    line: str
    markers: str


@dataclass(frozen=True, slots=True)
class Pin:
    """A single point: path data of marker and leader, and where its label begins."""

    marker: str
    leader: str
    label: Place


@dataclass(frozen=True, slots=True)
class Plot:
    """The geometry of a line chart; ticks are (coordinate, value)."""

    frame: Frame
    x_ticks: tuple[tuple[float, float], ...]
    y_ticks: tuple[tuple[float, float], ...]
    lines: tuple[Line, ...]
    pins: tuple[Pin, ...]


def plot(curve: Curve, frame: Frame) -> Plot | None:
    """Lay out the chart in this frame; None if no value can be drawn."""
    seen = [p for series in curve.series for p in kept(series.points)]
    seen += kept((point.x, point.y) for point in curve.points)
    if not seen:
        return None
    x = exact([p[0] for p in seen], (frame.left, frame.width - frame.right), frame.x_ticks)
    most = 100.0 if curve.y_unit == "%" else float("inf")  # no axis up to 120 %
    y = rounded([p[1] for p in seen], (frame.height - frame.bottom, frame.top), frame.y_ticks, most)
    lines = tuple(_line(series.points, x, y, shape) for shape, series in enumerate(curve.series))
    places = [(x(p.x), y(p.y)) for p in curve.points if kept([(p.x, p.y)])]
    return Plot(frame, _placed(x), _placed(y), lines, _pins(places, frame))


def kept(points: Iterable[Place]) -> list[Place]:
    """Return the points that can be drawn: a NaN or a diverged loss cannot."""
    return [(x, y) for x, y in points if drawable(x) and drawable(y)]


def thinned(points: Sequence[Place], most: int = MOST_VERTICES) -> list[Place]:
    """Thin to about `most` points, keeping the lowest and highest of each run, so that no spike is lost."""
    if len(points) <= most:
        return list(points)
    run = -(-2 * len(points) // most)
    shown = [points[0]]
    for start in range(0, len(points), run):
        part = points[start : start + run]
        ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        shown += sorted(ends, key=part.index)
    return [*shown, points[-1]]


def marker(shape: int, x: float, y: float, r: float) -> str:
    """Return path data of a marker: circle, square, triangle, diamond in turn, so that colour is never the only cue."""
    match shape % 4:
        case 0:
            return f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r:g} 0a{r} {r} 0 1 0 {-2 * r:g} 0z"
        case 1:
            return f"M{x - r:.1f} {y - r:.1f}h{2 * r:g}v{2 * r:g}h{-2 * r:g}z"
        case 2:
            return f"M{x:.1f} {y - 1.2 * r:.1f}l{1.2 * r:g} {2.2 * r:g}h{-2.4 * r:g}z"
        case _:
            d = 1.4 * r
            return f"M{x:.1f} {y - d:.1f}l{d:g} {d:g}l{-d:g} {d:g}l{-d:g} {-d:g}z"


def _line(points: Sequence[Place], x: Scale, y: Scale, shape: int) -> Line:
    places = [(x(a), y(b)) for a, b in thinned(kept(points))]
    line = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places) if places else ""
    dots = places if len(places) <= MOST_MARKERS else ()
    return Line(line, "".join(marker(shape, a, b, 2.6) for a, b in dots))


def _placed(scale: Scale) -> tuple[tuple[float, float], ...]:
    return tuple((round(scale(tick), 1), tick) for tick in scale.ticks)


def _pins(places: Sequence[Place], frame: Frame) -> tuple[Pin, ...]:
    edge = frame.width - frame.right
    heights = spaced([b for _, b in places], frame.top + 4, frame.height - frame.bottom)
    return tuple(
        Pin(marker(n + 3, a, b, 4.5), f"M{a:.1f} {b:.1f}H{edge}L{edge + 12} {height:.1f}", (edge + 16, height))
        for n, ((a, b), height) in enumerate(zip(places, heights, strict=True))
    )


def spaced(heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """Return label heights as close as possible to the wanted ones, without overlap, the lowest not below `bottom`."""
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    moved = [max(top, heights[n]) for n in order]
    for upper, lower in pairwise(range(len(moved))):
        moved[lower] = max(moved[lower], moved[upper] + LABEL_HEIGHT)
    limit = bottom
    for n in reversed(range(len(moved))):
        moved[n] = min(moved[n], limit)
        limit = moved[n] - LABEL_HEIGHT
    placed = dict(zip(order, moved, strict=True))
    return [round(placed[n], 1) for n in range(len(heights))]
