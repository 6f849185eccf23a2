"""Decides which of several preprocessings the weights were trained with, from what they do on training images."""

from __future__ import annotations

import math
from typing import NamedTuple

from grader.evidence import Candidate, PreprocessingChoice

SIGNIFICANT = 0.01  # of the sign test; several candidates are compared at once
ALIKE = 0.98  # share of the images that two preprocessings must give the same class to count as one


class Chosen(NamedTuple):
    """The preprocessing to measure with. `clear` is False if another one may as well be the right one."""

    candidate: Candidate
    clear: bool


def choose(choice: PreprocessingChoice) -> Chosen:
    """Choose the best, or an earlier candidate that does the same: what the code says comes before what it does not."""
    best = best_of(choice)
    rivals = [one for one in choice.candidates if one is not best and not beaten(one)]
    alike = [
        one for one in choice.candidates if one is best or (one in rivals and one.agreeing >= ALIKE * choice.count)
    ]
    return Chosen(alike[0], all(one in alike for one in rivals))


def best_of(choice: PreprocessingChoice) -> Candidate:
    """Return the candidate with the most images classified correctly; the first of several."""
    return max(choice.candidates, key=lambda one: one.correct)


def beaten(candidate: Candidate) -> bool:
    """Return whether the best candidate wins against this one beyond chance."""
    return sign_test(candidate.only_best, candidate.only_this) < SIGNIFICANT


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of the exact sign test on paired outcomes that differ; McNemar 1947."""
    count, fewer = wins + losses, min(wins, losses)
    tail: int = sum(math.comb(count, number) for number in range(fewer + 1))
    return min(1.0, 2 * tail / (1 << count))
