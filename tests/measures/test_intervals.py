"""Intervals and errors, held against other ways to compute them."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.collect.normalisations import template
from grader.evidence import Bin, Diagnosis, Trial
from grader.evidence.wording import phrase
from grader.measures.intervals import Z95, calibration_error, fits_training, sampling_error, wilson_interval


def by_bisection(correct: int, count: int) -> tuple[float, float]:
    """The two shares p at which |correct/count - p| is exactly z standard errors of p: Wilson's own definition."""
    share = correct / count

    def far(p: float) -> float:
        return abs(share - p) - Z95 * math.sqrt(p * (1 - p) / count)

    def root(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if far(middle) <= 0 else (inside, middle)
        return inside

    return root(share, 0.0), root(share, 1.0)


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(correct, count, low, high):
    assert wilson_interval(correct, count) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_ends_where_the_share_is_two_standard_errors_off(pair):
    low, high = wilson_interval(*pair)
    assert (low, high) == (
        pytest.approx(by_bisection(*pair)[0], abs=1e-9),
        pytest.approx(by_bisection(*pair)[1], abs=1e-9),
    )
    assert 0.0 <= low <= pair[0] / pair[1] <= high <= 1.0


def test_nothing_wrong_and_nothing_right_touch_the_ends():
    assert wilson_interval(0, 50)[0] == 0.0
    assert wilson_interval(50, 50)[1] == 1.0


def test_the_quantile_is_that_of_95_percent():
    assert math.erf(Z95 / math.sqrt(2)) == pytest.approx(0.95, abs=1e-15)


@pytest.mark.parametrize(("correct", "count"), [(0, 0), (5, 4), (-1, 4)])
def test_what_is_no_share_is_refused(correct, count):
    with pytest.raises(ValueError, match="is not a share"):
        wilson_interval(correct, count)


# --- calibration -----------------------------------------------------------------------------------------------


def test_calibration_error_by_hand():
    bins = (Bin(10, 0.15, 1), Bin(0, 0.0, 0), Bin(30, 0.9, 24))
    # (10 |0.15 - 0.1| + 30 |0.9 - 0.8|) / 40 = (0.5 + 3) / 40
    assert calibration_error(bins) == pytest.approx(float(Fraction(7, 80)), abs=1e-12)


def test_perfect_confidence_has_no_error_and_blind_confidence_all_of_it():
    assert calibration_error((Bin(7, 1.0, 7),)) == 0.0
    assert calibration_error((Bin(7, 1.0, 0),)) == 1.0


def test_no_predictions_have_no_error():
    assert calibration_error(()) == calibration_error((Bin(0, 0.0, 0),)) == 0.0


# --- claims that the training set explains ---------------------------------------------------------------------


def on_training(share: float) -> Diagnosis:
    return Diagnosis((Trial(phrase("as_graded"), template(), round(share * 1000), 1000),))


@pytest.mark.parametrize(
    ("claimed", "training", "fits"),
    [
        (0.99, 0.99, True),
        (0.99, 0.94, True),  # 5 points from the training figure, 19 from the test figure
        (0.90, 0.95, True),
        (0.90, 0.955, False),
        (0.99, 0.80, False),
        (0.85, 0.99, False),
        (0.80, 0.80, False),
        (0.70, 0.70, False),
    ],
)
def test_a_claim_fits_the_training_set_only_where_that_plainly_explains_it(scores, claimed, training, fits):
    found = fits_training(claimed, scores(800, 1000), on_training(training))
    assert found == (training if fits else None)


def test_without_a_diagnosis_nothing_is_explained(scores):
    assert fits_training(0.99, scores(800, 1000), None) is None


def test_only_a_part_of_the_images_leaves_something_to_chance(scores):
    part = replace(scores(1600, 2000), whole=10_000)
    low, high = wilson_interval(1600, 2000)
    assert sampling_error(part) == pytest.approx((high - low) / 2)
    assert 0.016 < sampling_error(part) < 0.019
    assert sampling_error(scores(1600, 2000)) == 0.0
    assert sampling_error(replace(scores(1600, 2000), whole=2000)) == 0.0
