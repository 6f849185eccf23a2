"""Task 3.2, extract_features.py: normalise() scales every row to length 1 and keeps its direction.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

ROWS, COLUMNS = 4, 6


@pytest.fixture
def features() -> Tensor:
    """Rows of very different lengths, with positive and negative values."""
    draw = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(32))
    return draw * torch.tensor([[1e-4], [1.0], [7.0], [300.0]])


def test_every_row_has_the_length_1(lab: Any, features: Tensor) -> None:
    """The length of a row is the square root of its sum of squares (L2 norm)."""
    given = features.clone()
    seen = lab.extract_features.normalise(given)
    assert tuple(seen.shape) == (ROWS, COLUMNS), (
        f"normalise() changed the shape {(ROWS, COLUMNS)} to {tuple(seen.shape)}; it should stay the same."
    )
    lengths = seen.norm(dim=1)
    assert torch.allclose(lengths, torch.ones(ROWS), atol=1e-3), (
        f"After normalise() the lengths of the rows are {_listed(lengths)}; each should be 1.{_why(seen, features)}"
    )


def test_every_row_keeps_its_direction(lab: Any, features: Tensor) -> None:
    """Each row is divided by one positive number, so signs and ratios stay the same."""
    seen = lab.extract_features.normalise(features.clone())
    cosines = (seen * features).sum(dim=1) / seen.norm(dim=1) / features.norm(dim=1)
    assert torch.allclose(cosines, torch.ones(ROWS), atol=1e-4), (
        "normalise() changed the direction of the rows: the cosines between before and after are"
        f" {_listed(cosines)}, and each should be 1. Divide each row by its length and do nothing else."
    )


def test_a_row_does_not_depend_on_the_other_rows(lab: Any, features: Tensor) -> None:
    """An image gets the same unit vector alone as among others."""
    together, alone = (lab.extract_features.normalise(part.clone()) for part in (features, features[2:3]))
    assert torch.allclose(together[2:3], alone, atol=1e-4), (
        "A row gave a different result among other rows than alone: compute the length along dim=1 with keepdim=True,"
        " so that each row is divided by its own length."
    )


def test_a_row_of_zeros_stays_as_it_is(lab: Any, features: Tensor) -> None:
    """It has no direction, so it cannot be scaled to length 1, and 0 / 0 is not a number."""
    features[1] = 0
    seen = lab.extract_features.normalise(features)[1]
    assert torch.equal(seen, torch.zeros(COLUMNS)), (
        f"normalise() turned a row of zeros into {_listed(seen)}; it should stay zero. Never divide by less than a tiny"
        " number (see `clamp`), or look for a function in torch.nn.functional that does this."
    )


def _listed(values: Tensor) -> str:
    return ", ".join(f"{value:.4g}" for value in values.tolist())


def _why(seen: Tensor, features: Tensor) -> str:
    """The usual mistake behind the result, if it is one of these."""
    usual = {
        "The columns have length 1: compute the length along dim=1.": features / features.norm(dim=0),
        "The whole table was divided by one length: compute the length along dim=1.": features / features.norm(),
        "Take the square root of the sum of squares.": features / features.square().sum(dim=1, keepdim=True),
        "The absolute values of each row add up to 1 (L1 norm); use the root of the sum of squares.": features
        / features.abs().sum(dim=1, keepdim=True),
        "The largest value of each row is 1; divide by the root of the sum of squares.": features
        / features.abs().amax(dim=1, keepdim=True),
        "Nothing was changed.": features,
    }
    lengths = seen.norm(dim=1)
    if lengths[0] < 1 and torch.allclose(lengths[1:], torch.ones(ROWS - 1), atol=1e-3):
        return (
            " Only the row of tiny values is too short: what you add to the length, or clamp it to, must be far smaller"
            " than any length, such as 1e-12."
        )
    fitting = [sentence for sentence, value in usual.items() if torch.allclose(seen, value, rtol=1e-3)]
    return f" {fitting[0]}" if fitting else ""
