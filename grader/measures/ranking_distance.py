"""Compares a reported ranking with recomputed scores: how many items satisfy the rule, and how far the scores are off.

For one query let S be the recomputed score of each library image, best the largest, s5 and s6 the fifth and the sixth
best, sigma the deviation of S over the library, and e a quarter of sigma. Sound is a reported image with S >= s5 - e;
complete an image with S > s6 + e that was reported; ordered a pair of neighbours that is not inverted by more than e.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from grader.evidence import Agreement, ReportedQuery
from grader.evidence.kinds.retrieval import TOP, Metric

TOLERANCE = 0.25  # e, in sigma
WIDE = 2.0  # factor of the tolerance in the wider tier
FARTHEST = 1e6  # in sigma: the error of a number that is not finite

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Kept:
    """How many items satisfy the rule, the regret, and the error of each score, both in units of sigma."""

    sound: Agreement
    complete: Agreement
    ordered: Agreement
    regret: float
    errors: tuple[float, ...]
    spread: float  # best score less the fifth best
    rises: int  # neighbours of which the second has the better score


def compare(
    scores: Scores, places: Sequence[int | None], reported: Sequence[float | None], halves: Sequence[float] = ()
) -> Kept:
    """Compare one query's ranking with its recomputed scores.

    `scores` is (L,), larger is better. `places` are indices of the reported images, best first; None for one that the
    library does not have; duplicates count once. `halves` are of the last printed digits of the reported scores: errors
    up to them are forgiven.
    """
    k = min(TOP, len(scores))
    sigma = deviation(scores)
    order = np.argsort(-scores, kind="stable")
    fifth = float(scores[order[k - 1]])
    sixth = float(scores[order[k]]) if len(scores) > k else fifth
    first = list(dict.fromkeys(place for place in places[:TOP] if place is not None))
    taken = scores[first]
    rises = [max(0.0, float(after - before)) for before, after in pairwise(taken)]
    missed = scores[np.setdiff1d(order[:k], first)]
    worst = max([0.0, *(fifth - taken), *(missed - sixth)])

    def agreement(e: float) -> tuple[int, int, int]:
        """Count sound images, clear ones that are missing, and ordered neighbours."""
        clear = np.flatnonzero(scores > sixth + e)
        return int((taken >= fifth - e).sum()), int((~np.isin(clear, first)).sum()), sum(rise <= e for rise in rises)

    clear = int((scores > sixth + TOLERANCE * sigma).sum())
    sound, absent, ordered = agreement(TOLERANCE * sigma)
    wide_sound, wide_absent, wide_ordered = agreement(WIDE * TOLERANCE * sigma)
    errors = (
        min(FARTHEST, _error(value, float(scores[place]), half) / sigma)
        for place, value, half in zip(places, reported, halves or (0.0,) * len(reported), strict=True)
        if place is not None
    )
    return Kept(
        Agreement(k, sound, wide_sound),
        Agreement(clear, clear - absent, max(0, clear - wide_absent)),
        Agreement(k - 1, ordered, wide_ordered),
        min(FARTHEST, float(worst) / sigma) if len(first) == k else FARTHEST,
        tuple(errors),
        float(scores[order[0]]) - fifth,
        sum(rise > 0.0 for rise in rises),
    )


def deviation(scores: Scores) -> float:
    """Return sigma, the standard deviation of one query's scores over the library; never 0."""
    return max(float(scores.std()), 1e-12)


def _error(seen: float | None, right: float, half_digit: float) -> float:
    return FARTHEST if seen is None else max(0.0, abs(seen - right) - half_digit)


def printed_half_digit(scores: Sequence[float]) -> float:
    """Return half of the last digit that the scores were printed with; 0 for full precision.

    Whole numbers are taken to have one digit: 1.0 is printed as 1 by some, and half a unit would forgive everything.
    """
    digits = max((len(f"{score:.12g}".partition(".")[2]) for score in scores if "e" not in f"{score:.12g}"), default=12)
    return 0.5 * 10.0 ** -max(1, digits) if digits <= 7 else 0.0


def distance(scores: Sequence[tuple[Scores, Sequence[int | None], Sequence[float | None]]]) -> float | None:
    """Return the median of |reported - recomputed| / sigma over all matches of all queries; None if there are none."""
    errors = [
        _error(value, float(row[place]), 0.0) / deviation(row)
        for row, places, reported in scores
        for place, value in zip(places, reported, strict=True)
        if place is not None and value is not None
    ]
    return min(float(np.median(errors)), FARTHEST) if errors else None


def as_cosines(metric: Metric, query: ReportedQuery) -> list[float | None]:
    """Convert reported scores to cosines: a distance d of unit vectors is 1 - d^2 / 2."""
    scores = [match.score for match in query.matches[:TOP]]
    if metric == "cosine":
        return scores
    return [None if score is None else 1.0 - min(abs(score), 1e6) ** 2 / 2 for score in scores]


def halves_of_cosines(metric: Metric, query: ReportedQuery, half_digit: float) -> list[float]:
    """Convert half of the last printed digit to cosines: for a distance d it is h d + h^2 / 2."""
    scores = [match.score for match in query.matches[:TOP]]
    if metric == "cosine":
        return [half_digit] * len(scores)
    return [half_digit * (min(abs(score or 0.0), 2.0) + half_digit / 2) for score in scores]


def as_distances(cosines: Scores) -> Scores:
    """Convert cosines to distances of unit vectors."""
    return np.asarray(np.sqrt(np.maximum(0.0, 2.0 - 2.0 * cosines)))
