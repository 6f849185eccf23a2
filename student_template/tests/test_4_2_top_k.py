"""Task 4.2, retrieve.py: top_k() ranks the library for every query.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

SCORES = torch.tensor([[0.2, 0.9, 0.5, 0.7, 0.1], [0.8, 0.3, 0.6, 0.4, 0.95]])  # 2 queries, 5 images
BEST_IS_LARGEST = torch.tensor([[1, 3, 2], [4, 0, 2]])
BEST_IS_SMALLEST = torch.tensor([[4, 0, 2], [1, 3, 2]])


def ranked(lab: Any, scores: Tensor, k: int, largest: bool) -> Tensor:
    """The result of top_k(), if it holds k indices for each query."""
    seen = lab.retrieve.top_k(scores.clone(), k, largest)
    assert isinstance(seen, Tensor), f"top_k() returned a {type(seen).__name__}; it should be a tensor of indices."
    assert tuple(seen.shape) == (len(scores), k), (
        f"For {len(scores)} queries and k = {k}, top_k() returned the shape {tuple(seen.shape)}; it should be"
        f" {(len(scores), k)}, one row for each query."
    )
    assert not seen.is_floating_point(), (
        f"For the first query top_k() returned {seen[0].tolist()}: are these scores? Return the positions of the best"
        " images in the library, counted from 0."
    )
    assert seen.dtype == torch.int64, f"top_k() returned {seen.dtype}; positions should be int64: .long()."
    return seen


@pytest.mark.parametrize(
    ("largest", "right"), [(True, BEST_IS_LARGEST), (False, BEST_IS_SMALLEST)], ids=["largest", "smallest"]
)
def test_the_best_image_comes_first(lab: Any, largest: bool, right: Tensor) -> None:
    """With largest=True (cosine) a larger score is better, with largest=False (distance) a smaller one."""
    seen = ranked(lab, SCORES, 3, largest)
    other = BEST_IS_SMALLEST if largest else BEST_IS_LARGEST
    why = ""
    if torch.equal(seen, other):
        why = "These are the worst images: does your code use `largest`?"
    elif torch.equal(seen, right.flip(1)):
        why = "These are the right images, but with the worst of them first."
    assert torch.equal(seen, right), (
        f"For the scores {_listed(SCORES[0])} top_k(scores, 3, largest={largest}) returned the positions"
        f" {seen[0].tolist()}; they should be {right[0].tolist()}. {why}"
    )


@pytest.mark.parametrize("largest", [True, False], ids=["largest", "smallest"])
def test_equal_scores_keep_the_order_of_the_library(lab: Any, largest: bool) -> None:
    """Of two images with equal scores, the one that is first in the library comes first, on every machine."""
    scores = torch.full((1, 40), 0.5)  # enough for an unstable sort to show
    scores[0, 30] = 0.9 if largest else 0.1
    right = [30, 0, 1, 2, 3]
    seen = ranked(lab, scores, 5, largest)[0].tolist()
    assert seen == right, (
        f"Image 30 of 40 is the best and all others have equal scores; top_k() returned {seen} and should return"
        f" {right}. torch.topk and a plain sort promise no order among equal scores, and reversing a sorted row"
        " reverses them too: see `stable` and `descending` of torch.sort."
    )


def _listed(row: Tensor) -> str:
    return ", ".join(f"{score:.2g}" for score in row.tolist())
