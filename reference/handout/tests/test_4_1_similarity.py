"""Task 4.1, retrieve.py: similarity() compares every query with every image of the library.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

QUERIES, LIBRARY = 3, 5

QUERY_VECTORS = F.normalize(torch.randn(QUERIES, 8, generator=torch.Generator().manual_seed(41)))
LIBRARY_VECTORS = F.normalize(torch.randn(LIBRARY, 8, generator=torch.Generator().manual_seed(42)))
COSINES = QUERY_VECTORS @ LIBRARY_VECTORS.T  # (Q, L); the vectors have length 1
DISTANCES = (2 - 2 * COSINES).sqrt()  # |q - l|^2 = |q|^2 + |l|^2 - 2 q.l

LIKELY = {
    "cosine": {
        "These are Euclidean distances: does your code use `metric`?": DISTANCES,
        "This is 1 - cosine, a distance: return the cosine itself, which is 1 for the same direction.": 1 - COSINES,
        "The sign is wrong.": -COSINES,
        "This is the angle: return its cosine.": COSINES.arccos(),
    },
    "euclidean": {
        "These are cosines: does your code use `metric`?": COSINES,
        "These are squared distances: take the square root.": DISTANCES**2,
        "The sign is wrong: a distance is never negative, and smaller is better.": -DISTANCES,
        "Return the distance itself, not a similarity computed from it.": 1 / (1 + DISTANCES),
        "These are sums of absolute differences: take the square root of the sum of squares.": torch.cdist(
            QUERY_VECTORS, LIBRARY_VECTORS, p=1
        ),
    },
}


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_there_is_a_row_for_each_query_and_a_column_for_each_image(lab: Any, metric: str) -> None:
    """3 queries and a library of 5 images give 3 x 5 scores."""
    shape = tuple(lab.retrieve.similarity(QUERY_VECTORS, LIBRARY_VECTORS, metric).shape)
    why = "The table is transposed: rows are queries." if shape == (LIBRARY, QUERIES) else ""
    assert shape == (QUERIES, LIBRARY), (
        f"For {QUERIES} queries and {LIBRARY} images similarity(..., '{metric}') returned the shape {shape}; it should"
        f" be {(QUERIES, LIBRARY)}. {why}"
    )


@pytest.mark.parametrize(
    ("metric", "right"), [("cosine", COSINES), ("euclidean", DISTANCES)], ids=["cosine", "euclidean"]
)
def test_the_scores_are_those_of_the_metric(lab: Any, metric: str, right: Tensor) -> None:
    """cosine: the cosine of the angle between two vectors. euclidean: the distance between their tips."""
    seen = lab.retrieve.similarity(QUERY_VECTORS, LIBRARY_VECTORS, metric)
    fitting = [sentence for sentence, value in LIKELY[metric].items() if _same(seen, value)]
    assert _same(seen, right), (
        f"For the first query similarity(..., '{metric}') returned {_listed(seen)}; it should be {_listed(right)}."
        f" {fitting[0] if fitting else ''}"
    )


@pytest.mark.parametrize(("metric", "right"), [("cosine", 1.0), ("euclidean", 0.0)], ids=["cosine", "euclidean"])
def test_equal_vectors_have_a_score_too(lab: Any, metric: str, right: float) -> None:
    """The cosine of a vector with itself is 1 and the distance 0, whatever the last digit is rounded to."""
    vectors = F.normalize(torch.randn(40, 8, generator=torch.Generator().manual_seed(43)))
    seen = lab.retrieve.similarity(vectors, vectors, metric).diagonal()
    wrong = seen[~torch.isclose(seen, torch.full_like(seen, right), atol=2e-3)].tolist()
    assert not wrong, (
        f"For a query that is equal to an image similarity(..., '{metric}') returned {wrong[0]:.4g}; it should be"
        f" {right:g}. If it is nan, a rounded difference below zero has no root: use clamp(min=0) before sqrt, or"
        " torch.cdist."
    )


def _same(seen: Tensor, value: Tensor) -> bool:
    return seen.shape == value.shape and torch.allclose(seen.to(value.dtype), value, atol=2e-3)


def _listed(scores: Tensor) -> str:
    row = scores[0] if scores.ndim == 2 else scores.flatten()
    return ", ".join(f"{score:.3f}" for score in row.tolist())
