"""Decides whether a network does so much better on the test images than on others that it may hold them.

One-sided: a network that is far better on its training images, or on neither, is an honest one. The thresholds were
measured by `benchmarks/generalisation.py`, over honest networks trained with and without augmentation and over tables.
"""

from __future__ import annotations

import math

from grader.evidence import Accuracy, Generalisation
from grader.measures.intervals import SURE

LOST = 0.12  # of the test images, when they are mirrored and shifted
ABOVE = 0.06  # test accuracy minus training accuracy
DOUBTFUL = 0.5  # of a threshold: from here on all copies and training images are looked at


def lost(found: Generalisation) -> float:
    """Return the share of the images classified correctly that is lost when they are mirrored and shifted."""
    return (found.correct_before - found.correct_moved) / found.moved


def above(found: Generalisation, scores: Accuracy) -> float:
    """Return how far the test accuracy is above the training accuracy; 0 where that was not measured."""
    if not found.training:
        return 0.0
    return scores.correct / scores.count - found.correct_training / found.training


def doubtful(found: Generalisation, scores: Accuracy) -> bool:
    """Return whether more images may show what a sample of this size leaves open."""
    return lost(found) > DOUBTFUL * LOST or above(found, scores) > DOUBTFUL * ABOVE


def knows_test_images(found: Generalisation, scores: Accuracy) -> bool:
    """Return whether the network is far better on test images than on moved copies or on training images.

    Far: by more than the threshold and by more than chance could.
    """
    before, after = (correct / found.moved for correct in (found.correct_before, found.correct_moved))
    far = lost(found) > max(LOST, SURE * _spread((before, found.moved), (after, found.moved)))
    if not found.training:
        return far
    test, training = scores.correct / scores.count, found.correct_training / found.training
    chance = _spread((test, scores.count), (training, found.training))
    return far or above(found, scores) > max(ABOVE, SURE * chance)


def _spread(*shares: tuple[float, int]) -> float:
    """Return the standard deviation of a difference of independent shares, each with its count of images."""
    return math.sqrt(sum(share * (1 - share) / count for share, count in shares))
