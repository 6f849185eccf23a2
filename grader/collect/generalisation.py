"""Draws images that no table of the test images holds, and counts how many of them a network classifies correctly.

Mirrored and slightly shifted copies of test images, and training images. They go into the job that measures the
accuracy, and are scored outside like the test images. Two fifths of them first, 12 % more images: all of them only
where those leave a doubt. So a network that is beyond doubt takes less than 15 % longer.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.collect.hard import on_hard
from grader.collect.scoring import count_correct
from grader.dataset import ImageSet
from grader.evidence import Accuracy, Generalisation
from grader.measures.generalisation import doubtful

COPIES = 1_000  # of test images: their accuracy is known to 1.6 points
TRAINING = 2_000  # images
FIRST = 0.4  # of both
FARTHEST = 2  # largest shift in each direction, pixels: a network without augmentation tolerates it too
NOISE = 1  # grey levels by which values of a copy may also differ, so that no table can hold all copies
SEED_BITS = 48

Pixels = NDArray[np.uint8]  # (N, 3, 32, 32)
Logits = NDArray[np.float32]  # (N, 10)


@dataclass(frozen=True, slots=True)
class Part:
    """Images to look at beside the test images: `pixels` are moved copies, then training images."""

    pixels: Pixels
    copied: NDArray[np.intp]  # which test images the copies are of
    trained: NDArray[np.intp]  # which training images

    def counts(self, seed: int, logits: Logits, on_test: Logits, images: ImageSet) -> Generalisation:
        """Count the images classified correctly; `on_test` are the logits of the test images as they are."""
        copies, training = logits[: len(self.copied)], logits[len(self.copied) :]
        labels = images.labels("test")[self.copied]
        return Generalisation(
            seed=seed,
            moved=len(self.copied),
            correct_moved=count_correct(copies, labels),
            correct_before=count_correct(on_test[self.copied], labels),
            training=len(self.trained),
            correct_training=count_correct(training, images.labels("train")[self.trained]),
        )


class Drawn(NamedTuple):
    """What was drawn from a seed: what every network is shown, and the rest for doubtful ones."""

    seed: int
    first: Part
    rest: Part


def secret_seed() -> int:
    """Return a seed that nobody knows: for a submission whose code runs, and may work out what it is shown."""
    return secrets.randbits(SEED_BITS)


def seed_of(digest: str) -> int:
    """Return the seed that belongs to a submission: the same each time, and another one for any other weights in it."""
    return int(hashlib.sha256(digest.encode()).hexdigest(), 16) % (1 << SEED_BITS)


def draw(images: ImageSet, count: int, seed: int) -> Drawn:
    """Draw copies of some of the first `count` test images, and training images."""
    rng = np.random.default_rng(seed)
    copied = rng.permutation(np.linspace(0, count - 1, min(COPIES, count)).astype(np.intp))
    available = len(images.labels("train"))
    trained = rng.choice(available, size=min(TRAINING, 2 * count, available), replace=False)
    halves = zip(_split(copied), _split(trained), strict=True)
    first, rest = (_part(images, test, train, rng) for test, train in halves)
    return Drawn(seed, first, rest)


def images_shown(count: int) -> int:
    """Return how many images a network is shown at first for so many test images, those drawn beside them included."""
    beside = min(COPIES, count), min(TRAINING, 2 * count)
    return count + sum(max(1, round(FIRST * some)) for some in beside)


def _split(indices: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    end = max(1, round(FIRST * len(indices)))
    return indices[:end], indices[end:]


def _part(images: ImageSet, copied: NDArray[np.intp], trained: NDArray[np.intp], rng: np.random.Generator) -> Part:
    pixels = np.concatenate([moved(images.images("test")[copied], rng), images.images("train")[trained]])
    return Part(pixels, copied, trained)


def moved(images: Pixels, rng: np.random.Generator) -> Pixels:
    """Mirror each image, shift it by one or two pixels, and change values by at most one grey level."""
    height, width = images.shape[2:]
    wide = np.pad(images[..., ::-1], ((0, 0), (0, 0), (FARTHEST, FARTHEST), (FARTHEST, FARTHEST)), mode="edge")
    corners = [divmod(number, 2 * FARTHEST + 1) for number in range((2 * FARTHEST + 1) ** 2)]
    corners.remove((FARTHEST, FARTHEST))
    drawn = np.array(corners)[rng.integers(len(corners), size=len(images))]
    cut = np.empty_like(images)
    for index, (image, (y, x)) in enumerate(zip(wide, drawn, strict=True)):
        cut[index] = image[:, y : y + height, x : x + width]
    noise = rng.integers(-NOISE, NOISE + 1, size=images.shape, dtype=np.int16)
    changed: Pixels = np.clip(cut + noise, 0, 255).astype(np.uint8)
    return changed


class OnTest(NamedTuple):
    """What a network did on the test images themselves."""

    logits: Logits
    scores: Accuracy
    images: ImageSet


def counted(drawn: Drawn, logits: Logits, test: OnTest, more: Callable[[Part], Logits | None]) -> Generalisation:
    """Count from the logits of the first part, and where that leaves a doubt from all; `more` runs the rest."""
    hard = on_hard(test.logits, test.images)
    found = replace(drawn.first.counts(drawn.seed, logits, test.logits, test.images), **hard._asdict())
    if not len(drawn.rest.copied) or not doubtful(found, test.scores):
        return found
    rest = more(drawn.rest)
    return found if rest is None else _sum(found, drawn.rest.counts(drawn.seed, rest, test.logits, test.images))


def _sum(one: Generalisation, other: Generalisation) -> Generalisation:
    return replace(
        one,
        moved=one.moved + other.moved,
        correct_moved=one.correct_moved + other.correct_moved,
        correct_before=one.correct_before + other.correct_before,
        training=one.training + other.training,
        correct_training=one.correct_training + other.correct_training,
    )


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Images in an order that tells nothing: image i is at index place[i] of `pixels`."""

    pixels: Pixels
    place: NDArray[np.intp]

    def in_order(self, logits: Logits) -> Logits:
        """Return the logits in the order of the images before they were shuffled."""
        return logits[self.place]


def shuffled(pixels: Pixels, seed: int) -> Shuffled:
    """Shuffle images in an order drawn from the seed."""
    order = np.random.default_rng(seed).permutation(len(pixels))
    return Shuffled(pixels[order], np.argsort(order))
