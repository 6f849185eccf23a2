"""Says which pictures of a library are alike as a network sees them, by their perceptual hashes.

`python benchmarks/retrieval_alike.py` measures the bound between pictures of anybody's and copies of one picture.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader.evidence import LibraryImage, RetrievalImages

APART = 0.20  # root of the mean square between two hashes, in deviations of brightness: copies are nearer
SURE = 0.08  # the same, for what is certainly a copy: honest views of one thing are farther
STEP = 0.25  # of a digit, in deviations
DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase + "+-"  # of hashes, in order
PLACES = {digit: place for place, digit in enumerate(DIGITS)}
CHANNELS = 3
ENOUGH = 0.5  # share of the library that must be different pictures: below it, rankings say nothing

Hashes = NDArray[np.float32]  # (N, D), in deviations


def groups(images: Sequence[LibraryImage], within: float = APART) -> list[int]:
    """Return a number for each image, the same for those that are alike under any one preparation, also mirrored.

    Alike is what is near to the first of its group: a chain of small steps leads to no group.
    """
    return list(_groups(tuple((image.content, image.prepared) for image in images), within))


@lru_cache(maxsize=8)  # checks and flags ask often, and a library may have thousands of images
def _groups(images: tuple[tuple[str, tuple[str, ...]], ...], within: float) -> tuple[int, ...]:
    found = list(range(len(images)))
    _join(found, [content for content, _ in images])
    count = min((len(prepared) for _, prepared in images), default=0)  # none in older evidence
    for nth in range(count):
        _join_near(found, np.stack([values(prepared[nth]) for _, prepared in images]), within)
    return tuple(found)


def _join(found: list[int], contents: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for place, content in enumerate(contents):
        if content:
            found[place] = first.setdefault(content, place)


def values(digits: str) -> NDArray[np.float32]:
    """Return a hash as numbers, in deviations."""
    return (np.array([PLACES[digit] for digit in digits], dtype=np.float32) - len(DIGITS) // 2) * np.float32(STEP)


def _join_near(found: list[int], hashes: Hashes, within: float) -> None:
    near = distances(hashes, hashes) <= within
    for place in range(len(found)):
        if found[place] == place:
            for other in np.flatnonzero(near[place, place + 1 :]) + place + 1:
                if found[other] == other:
                    found[other] = place
    for place, first in enumerate(found):
        found[place] = found[first]


def distances(some: Hashes, others: Hashes) -> NDArray[np.float32]:
    """Return how far some hashes (N, D) are from others (M, D), or from their mirror images, if nearer: (N, M)."""
    side = round((some.shape[1] / CHANNELS) ** 0.5)
    mirrored = some.reshape(-1, side, side, CHANNELS)[:, :, ::-1].reshape(some.shape)
    alike = np.maximum(some @ others.T, mirrored @ others.T)
    squares = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * alike
    return np.asarray(np.sqrt(np.maximum(squares, 0) / some.shape[1]), dtype=np.float32)


def different(images: Sequence[LibraryImage]) -> int:
    """Return how many of these images are different pictures."""
    return len(set(groups(images)))


def by_path(images: RetrievalImages | None) -> dict[str, int]:
    """Return the groups of the library's images by path."""
    library = [image for image in images.library if image.problem is None] if images else []
    return {image.path: group for image, group in zip(library, groups(library), strict=True)}


def mostly_copies(found: dict[str, int]) -> bool:
    """Return whether fewer than half of the images are different pictures: too few for a ranking."""
    return len(set(found.values())) < ENOUGH * len(found)


def alike(images: RetrievalImages | None) -> dict[str, int]:
    """Return the groups of the library's images by path, if too few are different for a ranking; else nothing."""
    found = by_path(images)
    return found if mostly_copies(found) else {}


def all_of_one(found: dict[str, int], paths: Sequence[str]) -> bool:
    """Return whether all but one of these images, or all, are copies of one picture."""
    counts = Counter(found[path] for path in paths if path in found)
    return bool(counts) and max(counts.values()) >= max(2, len(paths) - 1)
