"""Chooses the shade of a confusion-matrix cell. The steps are fixed, so that two reports can be compared."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

# Mistakes are few beside right answers: a linear scale would leave them all white, so each step about doubles.
MISTAKE_STEPS = (0.005, 0.01, 0.02, 0.05, 0.10, 0.20)
RIGHT_STEPS = (0.30, 0.50, 0.70, 0.80, 0.90, 0.95)


def shade(count: int, whole: int, right: bool) -> str:
    """Return the CSS class of a cell: "r0" to "r6" on the diagonal, "m0" to "m6" off it, by its share of the row."""
    share = count / whole if whole else 0.0
    return f"r{bisect_right(RIGHT_STEPS, share)}" if right else f"m{bisect_right(MISTAKE_STEPS, share)}"


def worst(counts: Sequence[Sequence[int]], most: int) -> list[tuple[int, int, int]]:
    """Return the most common mistakes as (count, true, predicted), greatest first, at most `most`, none zero."""
    cells = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n > 0]
    return sorted(cells, key=lambda c: (-c[0], c[1], c[2]))[:most]
