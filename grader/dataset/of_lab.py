"""The images of the lab at hand, whichever they are: CIFAR-10, another public set, or the course's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.dataset.commands import USUAL
from grader.dataset.edition import CIFAR10
from grader.dataset.fetch import fetch_cifar10
from grader.dataset.find import find_cifar10, nothing_here
from grader.dataset.image_set import ImageSet
from grader.dataset.interface import Progress
from grader.dataset.own import own_images
from grader.dataset.public import fetch_public, find_public
from grader.dataset.public_sets import PUBLIC_SETS
from grader.labs import Lab
from grader.records.errors import MissingData

CIFAR10_MEGABYTES = 170


def find_set(lab: Lab, data: Path | None, cache: Path, places: Sequence[Path] | None = None) -> ImageSet | None:
    """Find the lab's images without the network; return None if there are none.

    With `data` look only there, else in the cache and in `places` (the usual ones unless given). Raises MissingData for
    a bad `data` or a damaged cache, BadLab for bad images of the lab's own.
    """
    if lab.images is not None:
        return own_images(lab.images, cache)
    if lab.public == USUAL:
        return find_cifar10(data, cache, places)
    return find_public(PUBLIC_SETS[lab.public], data, cache, places)


def fetch_set(lab: Lab, cache: Path, progress: Progress) -> ImageSet:
    """Return the lab's images, fetching them if they are missing. Raises MissingData, with each reason."""
    if lab.images is not None:
        return own_images(lab.images, cache)
    if lab.public == USUAL:
        return fetch_cifar10(cache, progress)
    return fetch_public(PUBLIC_SETS[lab.public], cache, progress)


def no_set(lab: Lab, cache: Path) -> MissingData:
    """Return the error for a caller that found none and may not fetch."""
    return nothing_here(cache, CIFAR10 if lab.public == USUAL else PUBLIC_SETS[lab.public])


def megabytes(lab: Lab) -> int:
    """Return about how much is fetched."""
    return CIFAR10_MEGABYTES if lab.public == USUAL else PUBLIC_SETS[lab.public].megabytes
