"""Task 4.1, retrieve.py: similarity() compares every query with every image of the library.

PYTEST_DONT_REWRITE: what a test says when it fails is said in full.
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
COSINES = QUERY_VECTORS @ LIBRARY_VECTORS.T  # (Q, L); the vectors have the length 1
DISTANCES = (2 - 2 * COSINES).sqrt()  # |q - l|^2 = |q|^2 + |l|^2 - 2 q.l

LIKELY = {
    "cosine": {
        "These are Euclidean distances: is the metric looked at?": DISTANCES,
        "This is 1 - cosine, a distance: the cosine itself is wanted, 1 for the same direction.": 1 - COSINES,
        "The sign is turned.": -COSINES,
        "This is the angle: its cosine is wanted.": COSINES.arccos(),
    },
    "euclidean": {
        "These are cosines: is the metric looked at?": COSINES,
        "These are squared distances: take the square root.": DISTANCES**2,
        "The sign is turned: a distance is never below zero, and smaller is better.": -DISTANCES,
        "The distance itself is wanted, not a similarity made of it.": 1 / (1 + DISTANCES),
        "These are sums of absolute differences: take the root of the sum of squares.": torch.cdist(
            QUERY_VECTORS, LIBRARY_VECTORS, p=1
        ),
    },
}


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_there_is_a_row_for_each_query_and_a_column_for_each_image(lab: Any, metric: str) -> None:
    """3 queries and a library of 5 images make 3 x 5 scores."""
    shape = tuple(lab.retrieve.similarity(QUERY_VECTORS, LIBRARY_VECTORS, metric).shape)
    why = "Rows are queries: the table is turned." if shape == (LIBRARY, QUERIES) else ""
    assert shape == (QUERIES, LIBRARY), (
        f"For {QUERIES} queries and {LIBRARY} images similarity(..., '{metric}') gave the shape {shape}; it should be"
        f" {(QUERIES, LIBRARY)}. {why}"
    )


@pytest.mark.parametrize(
    ("metric", "right"), [("cosine", COSINES), ("euclidean", DISTANCES)], ids=["cosine", "euclidean"]
)
def test_the_scores_are_those_of_the_metric(lab: Any, metric: str, right: Tensor) -> None:
    """cosine: of the angle between two vectors. euclidean: the distance between their ends."""
    seen = lab.retrieve.similarity(QUERY_VECTORS, LIBRARY_VECTORS, metric)
    fitting = [sentence for sentence, value in LIKELY[metric].items() if _same(seen, value)]
    assert _same(seen, right), (
        f"similarity(..., '{metric}') gave for the first query {_told(seen)}; it should be {_told(right)}."
        f" {fitting[0] if fitting else ''}"
    )


def _same(seen: Tensor, value: Tensor) -> bool:
    return seen.shape == value.shape and torch.allclose(seen.to(value.dtype), value, atol=2e-3)


def _told(scores: Tensor) -> str:
    row = scores[0] if scores.ndim == 2 else scores.flatten()
    return ", ".join(f"{score:.3f}" for score in row.tolist())
