"""Limits of the checks on student code that would give everybody nothing, or everything, are refused."""

from __future__ import annotations

import pytest

from grader.checks.evaluation import EvaluationLimits
from grader.checks.feature_vectors import FeatureLimits
from grader.checks.function_fit import FitLimits
from grader.checks.learning_rate import ScheduleLimits

KNOTS = ((0.0, 1.0), (1.0, 0.0))


def test_a_weight_below_zero_is_named():
    with pytest.raises(ValueError, match="normalise: a weight must be at least 0"):
        FeatureLimits(1.0, 1.0, -1.0)
    with pytest.raises(ValueError, match="losses: a weight must be at least 0"):
        FitLimits(KNOTS, 1.0, 1.0, -0.5, 1.0)


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(ValueError, match="one of these weights must be greater than 0"):
        EvaluationLimits(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("limits", [(1, 10.0, 0.2), (6, 0.5, 0.2), (6, 10.0, 1.2), (6, 10.0, -0.1)])
def test_a_schedule_that_no_rate_or_every_rate_fits_is_refused(limits):
    with pytest.raises(ValueError, match="fewest must be at least 2, fall at least 1, and counting between 0 and 1"):
        ScheduleLimits(*limits)
