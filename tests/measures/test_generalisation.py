"""When a network is so much better on the test images that a person must look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.evidence import Generalisation
from grader.measures.generalisation import (
    ABOVE,
    LOST,
    doubtful,
    errs_unlike_networks,
    far_better,
    knows_test_images,
)


def found(before: float, moved: float, training: float, count: int = 1_000) -> Generalisation:
    return Generalisation(1, count, round(moved * count), round(before * count), 2 * count, round(training * 2 * count))


@pytest.mark.parametrize(
    ("test", "moved", "training"),
    [
        (0.919, 0.917, 0.985),  # the reference
        (0.70, 0.62, 1.00),  # a small CNN without augmentation that holds its training images
        (0.53, 0.46, 0.99),  # an MLP, the same
        (0.10, 0.10, 0.10),  # one that never learnt
        (0.60, 0.60, 0.585),  # augmented, hardly trained, by chance a little better on test images
    ],
)
def test_honest_networks_are_left_alone(scores, test, moved, training):
    assert not knows_test_images(found(test, moved, training), scores(round(test * 10_000), 10_000))


@pytest.mark.parametrize(
    ("test", "moved", "training"),
    [
        (0.913, 0.37, 0.29),  # a pooled table
        (1.00, 0.946, 0.348),  # one that is proof against shifts: training images tell it
        (0.85, 0.68, 0.99),  # a table beside a network that holds its training images: copies tell it
        (1.00, 0.70, 1.00),  # trained with the test set inside, without augmentation
    ],
)
def test_what_holds_the_test_images_is_told(scores, test, moved, training):
    assert knows_test_images(found(test, moved, training), scores(round(test * 10_000), 10_000))


def test_a_difference_that_chance_explains_is_none(scores):
    few = found(0.70, 0.70 - LOST - 0.03, 0.70 - ABOVE - 0.03, count=40)
    assert not knows_test_images(few, scores(140, 200))
    assert doubtful(few, scores(140, 200)), "but more images are looked at"


def test_evidence_from_before_training_images_were_looked_at_is_judged_by_its_copies(scores):
    old = Generalisation(1, 1_000, correct_moved=900, correct_before=910)
    assert not knows_test_images(old, scores(9_100, 10_000))
    assert knows_test_images(Generalisation(1, 1_000, 600, 910), scores(9_100, 10_000))


# --- errors ----------------------------------------------------------------------------------------------------

HARD = 798


def on_hard(test: float, hard: float) -> Generalisation:
    """As good on moved copies and on training images as on test images; so good on hard images."""
    return replace(found(test, test, test), hard=HARD, correct_hard=round(hard * HARD))


@pytest.mark.parametrize(
    ("test", "hard"),
    [
        (0.5368, 0.218),  # measured: an MLP, 3 epochs
        (0.6051, 0.257),  # the tutorial's network, 5 epochs
        (0.6587, 0.246),  # the weights that students are given
        (0.6578, 0.272),  # a small CNN on 5,000 images, 10 epochs
        (0.9202, 0.0),  # the reference itself
        (0.30, 0.28),  # one that learnt little errs anywhere
        (0.995, 0.94),  # nearly perfect: what it gets wrong was hard for the reference too
    ],
)
def test_networks_that_find_hard_images_harder_are_left_alone(scores, test, hard):
    assert not knows_test_images(on_hard(test, hard), scores(round(test * 10_000), 10_000))


@pytest.mark.parametrize(("test", "hard"), [(0.60, 0.59), (0.91, 0.91), (0.91, 0.86), (0.97, 0.97)])
def test_errors_anywhere_are_none_of_a_network(scores, test, hard):
    counts, right = on_hard(test, hard), scores(round(test * 10_000), 10_000)
    assert not far_better(counts, right)
    assert errs_unlike_networks(counts, right)


def test_to_be_right_on_all_is_more_than_the_labels_allow(scores):
    assert errs_unlike_networks(on_hard(1.0, 1.0), scores(10_000, 10_000))
    assert errs_unlike_networks(on_hard(0.998, 0.98), scores(9_980, 10_000))


def test_where_hard_images_were_not_counted_errors_tell_nothing(scores):
    assert not knows_test_images(found(1.0, 1.0, 1.0), scores(10_000, 10_000))


def test_a_few_errors_may_be_anywhere_by_chance(scores):
    assert not errs_unlike_networks(on_hard(0.994, 0.988), scores(9_940, 10_000))
