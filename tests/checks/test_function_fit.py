"""What is said of a fit that falls short, and how the faults of a verdict are told apart from findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.evidence import Fit, FunctionFit, WeightsMoved

MOVED = (WeightsMoved(0.001, 0.01), WeightsMoved(0.01, 0.1))


def fits(lab: float) -> FunctionFit:
    """Two networks whose functions have the variance 1; the one on the lab's function is off by `lab`."""
    losses = ((1, 1.0), (600, 0.0001))
    return FunctionFit(
        (
            Fit("the lab's function", 100, 600, 0.01, 1.0, lab, 1.0, lab, losses, 600),
            Fit("another function", 100, 600, 0.01, 1.0, 0.0001, 1.0, 0.0001, losses, 600),
        ),
        MOVED,
    )


def test_a_fit_that_falls_just_short_is_not_told_to_change_its_optimizer(verdict):
    near, far = verdict("function_fit", fits(0.0012)), verdict("function_fit", fits(0.5))
    assert near.message.english() == (
        "The last step of your optimizer jumped a little: the error is 0.0012; 0.001 earns full points."
    )
    assert far.hints[0].english() == "Try another optimizer, for example Adam."


def test_what_to_do_is_told_once_although_both_functions_are_missed(verdict):
    both = fits(0.5)
    judged = verdict("function_fit", replace(both, fits=tuple(replace(fit, between=0.5) for fit in both.fits)))
    said = " ".join(one.english() for one in (judged.message, *judged.hints))
    assert said.count("mean squared error between the training points") == 2
    assert said.count("Try another optimizer") == said.count("give model.parameters()") == 1


@pytest.mark.parametrize(("error", "faulty"), [(0.0001, False), (0.5, True)])
def test_a_verdict_says_whether_its_reason_is_a_fault(verdict, error, faulty):
    assert verdict("function_fit", fits(error)).faulty is faulty
