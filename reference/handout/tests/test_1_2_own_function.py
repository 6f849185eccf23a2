"""Task 1.2, exp1.py: own_function() is a function of your own for the network to fit.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

X = torch.linspace(-5, 5, 101).unsqueeze(1)  # (101, 1), from LOW to HIGH


def values(lab: Any) -> Tensor:
    seen = lab.exp1.own_function(X.clone())
    assert isinstance(seen, Tensor), (
        f"own_function() returned a {type(seen).__name__}; it should be a tensor: use torch.sin, not math.sin or"
        " numpy.sin."
    )
    return seen


def test_every_point_has_a_finite_value(lab: Any) -> None:
    """A tensor goes in, and a tensor of the same shape comes out."""
    seen = values(lab)
    assert seen.shape == X.shape, (
        f"For points of shape {tuple(X.shape)} own_function() returned the shape {tuple(seen.shape)}; the two should be"
        " equal."
    )
    bad = X[~torch.isfinite(seen)].tolist()
    assert not bad, (
        f"own_function({bad[0]:.2g}) is not a finite number: watch out for roots and logarithms of negative x and for"
        " division by zero. abs() or x**2 + 1 avoid them."
    )


def test_a_value_depends_on_its_own_point_alone(lab: Any) -> None:
    """A function has one value at each point, whatever other points it is called with."""
    whole = values(lab)
    part = lab.exp1.own_function(X[40:].clone())
    assert torch.allclose(part, whole[40:], rtol=1e-4, atol=1e-6), (
        "The same points gave different values when the other points were left out: x.mean(), x.max() and random"
        " numbers do not belong in a function of x."
    )


def test_it_is_a_function_of_your_own(lab: Any) -> None:
    """It is neither the function of the lab nor a constant."""
    seen = values(lab)
    least, most = seen.min().item(), seen.max().item()
    assert most - least > 1e-4 * max(1, abs(most)), (
        "own_function() is constant, or nearly so: there is nothing to fit. Choose one that bends."
    )
    assert not torch.allclose(seen, lab.exp1.target(X), rtol=1e-4, atol=1e-4), (
        "own_function() is target() again: choose another function."
    )
