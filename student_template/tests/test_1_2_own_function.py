"""Task 1.2, exp1.py: own_function() is a function of your own to be fitted.

PYTEST_DONT_REWRITE: what a test says when it fails is said in full.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

X = torch.linspace(-5, 5, 101).unsqueeze(1)  # (101, 1), from LOW to HIGH


def values(lab: Any) -> Tensor:
    seen = lab.exp1.own_function(X.clone())
    assert isinstance(seen, Tensor), (
        f"own_function() gave a {type(seen).__name__}; it should be a tensor: use torch.sin, not math.sin or numpy.sin."
    )
    return seen


def test_every_point_has_a_finite_value(lab: Any) -> None:
    """A tensor goes in, and one of the same shape comes out."""
    seen = values(lab)
    assert seen.shape == X.shape, (
        f"For {tuple(X.shape)} points own_function() gave the shape {tuple(seen.shape)}; it should be the same."
    )
    bad = X[~torch.isfinite(seen)].tolist()
    assert not bad, (
        f"own_function({bad[0]:.2g}) is not a finite number: mind roots and logarithms of negative x, and divisions by"
        " zero. abs() or x**2 + 1 keep them away."
    )


def test_a_value_depends_on_its_own_point_alone(lab: Any) -> None:
    """A function has one value at a point, whatever other points are asked for."""
    whole = values(lab)
    part = lab.exp1.own_function(X[40:].clone())
    assert torch.allclose(part, whole[40:], rtol=1e-4, atol=1e-6), (
        "The same points gave other values when they were asked for without the others: x.mean(), x.max() and random"
        " numbers are not allowed in a function of x."
    )


def test_it_is_a_function_of_your_own(lab: Any) -> None:
    """Neither the function of the lab nor a constant."""
    seen = values(lab)
    assert seen.max() > seen.min(), "own_function() is constant: there is nothing to fit. Take one that bends."
    assert not torch.allclose(seen, lab.exp1.target(X)), "own_function() is target() again: take another function."
