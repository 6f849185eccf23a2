"""Statistics shared by checks and exhibits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grader.evidence import Accuracy, Bin, Diagnosis, Trial

Z95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution
SURE = 3.0  # standard deviations: by chance once in 700 comparisons
BETTER = 0.05  # another preprocessing must win by more than this share of the images to be mentioned


def wilson_interval(correct: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share, (low, high) in [0, 1]; Wilson 1927. Raises ValueError if empty."""
    if not 0 <= correct <= count or count == 0:
        raise ValueError(f"{correct} of {count} is not a share")
    share = correct / count
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return (0.0 if correct == 0 else max(0.0, low)), (1.0 if correct == count else min(1.0, high))


def sampling_error(scores: Accuracy) -> float:
    """Estimate how far the accuracy on a subset may be from that on all test images; 0 if all were measured.

    Half the width of the 95 % Wilson interval, a share.
    """
    if scores.count >= scores.whole:
        return 0.0
    low, high = wilson_interval(scores.correct, scores.count)
    return (high - low) / 2


def beyond_chance(one: NDArray[np.bool_], other: NDArray[np.bool_], z: float = SURE) -> bool:
    """Return whether one network is right more often than another on the same images; McNemar 1947.

    `one` and `other` say for each image whether it was classified correctly. Only images on which they differ count.
    """
    better, worse = int((one & ~other).sum()), int((other & ~one).sum())
    return better - worse > z * math.sqrt(better + worse)


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: mean |confidence - accuracy|, weighted by count; Guo et al. 2017."""
    total = sum(item.count for item in bins)
    if total == 0:
        return 0.0
    return sum(abs(item.confidence * item.count - item.correct) for item in bins) / total


def better_preprocessing(diagnosis: Diagnosis | None) -> Trial | None:
    """Return the preprocessing with which the same weights do clearly better than as graded; None if there is none."""
    if diagnosis is None:
        return None
    graded, *others = diagnosis.trials
    best = max(others, key=lambda trial: trial.correct / trial.count, default=graded)
    return best if best.correct / best.count - graded.correct / graded.count > BETTER else None


def fits_training(claimed: float, scores: Accuracy, diagnosis: Diagnosis | None) -> float | None:
    """Return the accuracy on training images if it clearly explains a claim above the test accuracy; else None.

    "Clearly": the claim is at most half as far from the training accuracy as from the test accuracy. If another
    preprocessing does better, both accuracies belong to inputs that the network was not trained on, and prove nothing.
    """
    if diagnosis is None or better_preprocessing(diagnosis):
        return None
    graded = diagnosis.trials[0]
    training, test = graded.correct / graded.count, scores.correct / scores.count
    return training if claimed > test and abs(claimed - training) <= (claimed - test) / 2 else None
