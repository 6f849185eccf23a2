"""Test images in a secret order, and among them copies that only a network recognises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COPIES = 1_000  # of images spread over the test set: a share of them is known to 1.6 points
FARTHEST = 2  # pixels that a copy is shifted by in each direction: so much a network without augmentation bears too
NOISE = 1  # grey levels by which each value of a copy may differ besides, so that no table can hold all copies


@dataclass(frozen=True, slots=True)
class Shown:
    """Images as they are handed in: `pixels` uint8 (count + copies, 3, 32, 32); image i of all stands at place[i]."""

    pixels: NDArray[np.uint8]
    place: NDArray[np.intp]
    copied: NDArray[np.intp]  # which of the images have a copy; the copies stand behind the images, in this order

    def in_order(self, logits: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of the images and of the copies, from those of the pixels as shown."""
        ordered = logits[self.place]
        count = len(ordered) - len(self.copied)
        return ordered[:count], ordered[count:]


def shuffle_with_copies(images: NDArray[np.uint8], seed: int) -> Shown:
    """All images and copies of some, in an order that the seed draws."""
    rng = np.random.default_rng(seed)
    copied = np.linspace(0, len(images) - 1, min(COPIES, len(images))).astype(np.intp)
    everything = np.concatenate([images, _moved(images[copied], rng)])
    order = rng.permutation(len(everything))
    return Shown(everything[order], np.argsort(order), copied)


def _moved(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each image mirrored, shifted by up to two pixels but not by none, and by at most one grey level another."""
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
