"""Computes axes: the interval to show, the ticks, and the mapping from a value to a coordinate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

DRAWABLE = 1e12  # a loss beyond this has diverged: it would flatten all others into one line, and says nothing more
SMALLEST = 1e-100  # less is drawn as zero: its tenth may be no number any more
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # what people count in


def drawable(value: float) -> bool:
    """Return whether a value can be drawn on an axis."""
    return math.isfinite(value) and abs(value) <= DRAWABLE


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps [low, high] linearly onto [start, end]; `ticks` are within."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value, clamped to the axis."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def rounded(values: Iterable[float], onto: tuple[float, float], count: int, most: float = math.inf) -> Scale:
    """Build a scale that begins and ends on a tick, with about `count` ticks; not beyond `most` unless a value is."""
    low, high = _spread(values)
    step = nice((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    top = max(most, high)
    ticks = tuple(n * step for n in range(first, last + 1) if n * step <= top)
    return Scale(ticks[0], max(ticks[-1], high), *onto, ticks)


def exact(values: Iterable[float], onto: tuple[float, float], count: int) -> Scale:
    """Build a scale from the least to the greatest value, ticks inside: for a time axis, where empty ends mislead."""
    kept = tuple(map(float, values))
    whole = all(value.is_integer() for value in kept)
    low, high = _spread(kept)
    step = max(nice((high - low) / count), 1.0 if whole else 0.0)
    step = float(math.ceil(step)) if whole else step  # there is no epoch 2.5
    ticks = tuple(n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))
    return Scale(low, high, *onto, ticks)


def _spread(values: Iterable[float]) -> tuple[float, float]:
    kept = tuple(value if abs(value) >= SMALLEST else 0.0 for value in values)
    low, high = min(kept), max(kept)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    room = abs(low) * 0.1 or 1.0  # a single value still needs an axis around it
    return low - room, high + room


def nice(rough: float) -> float:
    """Return the next round step that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
