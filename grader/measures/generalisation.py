"""Decides whether a network does so much better on the test images than on others that it may hold them.

One-sided: a network that is far better on its training images, or on neither, is an honest one. The thresholds were
measured by `benchmarks/generalisation.py`, over honest networks trained with and without augmentation and over tables.

A table of the training images as well passes both comparisons. What tells it are its errors: a network, of whatever
kind, is wrong more often on the images that the reference network gets wrong; wrong labels in a table, placed by
chance, are not. And hardly any network can be right on all: about 0.5 % of the labels of CIFAR-10's test images are
false (Northcutt, Athalye and Mueller, 2021, "Pervasive Label Errors in Test Sets Destabilize Machine Learning
Benchmarks"). Not found: a table whose errors are placed on hard images on purpose.
"""

from __future__ import annotations

import math

from grader.evidence import Accuracy, Generalisation
from grader.measures.intervals import SURE

LOST = 0.12  # of the test images, when they are mirrored and shifted
ABOVE = 0.06  # test accuracy minus training accuracy
DOUBTFUL = 0.5  # of a threshold: from here on all copies and training images are looked at
ABLE = 0.5  # test accuracy from which errors are looked at: below, a network that learnt little errs anywhere
HARDER = 1.0  # log odds ratio of being right on easy and on hard images
FLAWLESS = 0.996  # test accuracy


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


def harder(found: Generalisation, scores: Accuracy) -> float:
    """Return the logarithm of the ratio of the odds of being right on easy and on hard images."""
    right, wrong, right_hard, wrong_hard = _by_difficulty(found, scores)
    return math.log(right * wrong_hard / (wrong * right_hard))


def knows_test_images(found: Generalisation, scores: Accuracy) -> bool:
    """Return whether the network is far better on test images than on others, or its errors are none of a network."""
    return far_better(found, scores) or errs_unlike_networks(found, scores)


def far_better(found: Generalisation, scores: Accuracy) -> bool:
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


def errs_unlike_networks(found: Generalisation, scores: Accuracy) -> bool:
    """Return whether hard images are hardly harder for the network, beyond chance, or nothing is hard for it."""
    test = scores.correct / scores.count
    if not found.hard or test < ABLE:
        return False
    chance = math.sqrt(sum(1 / count for count in _by_difficulty(found, scores)))
    return test > FLAWLESS or harder(found, scores) + SURE * chance < HARDER


def _by_difficulty(found: Generalisation, scores: Accuracy) -> tuple[float, float, float, float]:
    """Return the counts of easy images, right and wrong, and of hard ones; 1/2 more each, so that none is zero."""
    right = scores.correct - found.correct_hard
    easy, hard = scores.count - found.hard, found.hard
    return right + 0.5, easy - right + 0.5, found.correct_hard + 0.5, hard - found.correct_hard + 0.5


def _spread(*shares: tuple[float, int]) -> float:
    """Return the standard deviation of a difference of independent shares, each with its count of images."""
    return math.sqrt(sum(share * (1 - share) / count for share, count in shares))
