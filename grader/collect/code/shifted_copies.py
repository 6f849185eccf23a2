"""Shuffles test images in a secret order, mixed with copies that only a real network recognises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COPIES = 1_000  # images spread over the test set: their accuracy is known to 1.6 points
FARTHEST = 2  # largest shift in each direction, pixels: a network without augmentation tolerates it too
NOISE = 1  # grey levels by which values of a copy may also differ, so that no table can hold all copies


@dataclass(frozen=True, slots=True)
class Shown:
    """Images as given to the network: `pixels` uint8 (count + copies, 3, 32, 32); image i is at index place[i]."""

    pixels: NDArray[np.uint8]
    place: NDArray[np.intp]
    copied: NDArray[np.intp]  # which of the images have a copy; the copies stand behind the images, in this order

    def in_order(self, logits: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the logits of the images and of the copies, in their original order."""
        ordered = logits[self.place]
        count = len(ordered) - len(self.copied)
        return ordered[:count], ordered[count:]


def shuffle_with_copies(images: NDArray[np.uint8], seed: int) -> Shown:
    """Shuffle all images and copies of some, in an order drawn from the seed."""
    rng = np.random.default_rng(seed)
    copied = np.linspace(0, len(images) - 1, min(COPIES, len(images))).astype(np.intp)
    everything = np.concatenate([images, _moved(images[copied], rng)])
    order = rng.permutation(len(everything))
    return Shown(everything[order], np.argsort(order), copied)


def _moved(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirror each image, shift it by one or two pixels, and change values by at most one grey level."""
    height, width = images.shape[2:]
    wide = np.pad(images[..., ::-1], ((0, 0), (0, 0), (FARTHEST, FARTHEST), (FARTHEST, FARTHEST)), mode="edge")
    corners = [divmod(number, 2 * FARTHEST + 1) for number in range((2 * FARTHEST + 1) ** 2)]
    corners.remove((FARTHEST, FARTHEST))
    drawn = rng.integers(len(corners), size=len(images))
    cut = [
        image[:, y : y + height, x : x + width] for image, (y, x) in zip(wide, np.array(corners)[drawn], strict=True)
    ]
    noise = rng.integers(-NOISE, NOISE + 1, size=images.shape, dtype=np.int16)
    return np.clip(np.stack(cut) + noise, 0, 255).astype(np.uint8)
