"""Counts what a network does on the test images of CIFAR-10 that the reference network gets wrong: the hard ones.

Networks of every kind are wrong on them more often than on others. Their numbers are in a file that
`benchmarks/hard_images.py` makes from `reference/final.pth`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.collect.scoring import count_correct
from grader.dataset import CIFAR10, ImageSet

FILE = "hard_images.txt"  # their numbers, from 0


class OnHard(NamedTuple):
    """How many hard images there are, and how many of them a network classifies correctly; 0 if none are known."""

    hard: int = 0
    correct_hard: int = 0


@cache
def hard_images() -> NDArray[np.intp]:
    """Return the numbers of the hard test images of CIFAR-10."""
    return np.array(files(__package__).joinpath(FILE).read_text("utf-8").split(), dtype=np.intp)


def on_hard(logits: NDArray[np.float32], images: ImageSet) -> OnHard:
    """Count from the logits of the test images, where they are all those of CIFAR-10."""
    if images.digest != CIFAR10.test.digest or len(logits) != CIFAR10.test.rows:
        return OnHard()
    hard = hard_images()
    return OnHard(len(hard), count_correct(logits[hard], images.labels("test")[hard]))
