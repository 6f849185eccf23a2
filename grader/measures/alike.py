"""Says which pictures of a library are alike as a network sees them, by their perceptual hashes.

`python benchmarks/retrieval_alike.py` measures the bound between pictures of anybody's and copies of one picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grader.evidence import LibraryImage, RetrievalImages

APART = 0.20  # root of the mean square between two hashes, in deviations of brightness: copies are nearer
STEP = 0.25  # of a digit, in deviations
CHANNELS = 3
ENOUGH = 0.5  # share of the library that must be different pictures: below it, rankings say nothing

Hashes = NDArray[np.float32]  # (N, D), in deviations


def groups(images: Sequence[LibraryImage]) -> list[int]:
    """Return a number for each image, the same for those that are alike under any one preparation, also mirrored.

    Alike is what is near to the first of its group: a chain of small steps leads to no group.
    """
    found = list(range(len(images)))
    _join(found, [image.content for image in images])
    for hashes in _by_preparation(images):
        _join_near(found, hashes)
    return found


def _join(found: list[int], contents: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for place, content in enumerate(contents):
        if content:
            found[place] = first.setdefault(content, place)


def _by_preparation(images: Sequence[LibraryImage]) -> list[Hashes]:
    """Return the hashes of all images for each preparation; none where an image lacks one, as in older evidence."""
    count = min((len(image.prepared) for image in images), default=0)
    return [np.stack([values(image.prepared[nth]) for image in images]) for nth in range(count)]


def values(digits: str) -> NDArray[np.float32]:
    """Return a hash as numbers, in deviations."""
    return np.array([int(digit, 16) for digit in digits], dtype=np.float32) * STEP


def _join_near(found: list[int], hashes: Hashes) -> None:
    for place in range(len(found)):
        if found[place] == place:
            near = distances(hashes[place], hashes[place + 1 :]) <= APART
            for other in np.flatnonzero(near) + place + 1:
                if found[other] == other:
                    found[other] = place
    for place, first in enumerate(found):
        found[place] = found[first]


def distances(one: NDArray[np.float32], others: Hashes) -> NDArray[np.float32]:
    """Return how far others are from a hash, or from its mirror image, if that is nearer."""
    straight, mirrored = (np.sqrt(((others - way) ** 2).mean(axis=1)) for way in (one, _mirrored(one)))
    return np.asarray(np.minimum(straight, mirrored))


def _mirrored(one: NDArray[np.float32]) -> NDArray[np.float32]:
    side = round((len(one) / CHANNELS) ** 0.5)
    return one.reshape(side, side, CHANNELS)[:, ::-1].ravel()


def different(images: Sequence[LibraryImage]) -> int:
    """Return how many of these images are different pictures."""
    return len(set(groups(images)))


def by_path(images: RetrievalImages | None) -> dict[str, int]:
    """Return the groups of the library's images by path."""
    library = [image for image in images.library if image.problem is None] if images else []
    return {image.path: group for image, group in zip(library, groups(library), strict=True)}


def too_few(found: dict[str, int]) -> bool:
    """Return whether too few images of a library are different for a ranking."""
    return len(set(found.values())) < ENOUGH * len(found)


def alike(images: RetrievalImages | None) -> dict[str, int]:
    """Return the groups of the library's images by path, if too few are different for a ranking; else nothing."""
    found = by_path(images)
    return found if too_few(found) else {}


def all_of_one(found: dict[str, int], paths: Sequence[str]) -> bool:
    """Return whether all but one of these images, or all, are copies of one picture."""
    counts = Counter(found[path] for path in paths if path in found)
    return bool(counts) and max(counts.values()) >= max(2, len(paths) - 1)
