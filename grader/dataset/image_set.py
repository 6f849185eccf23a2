"""A set of labelled images on disk, opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["test", "train"]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images and labels of one set, verified; each split is two .npy files that are mapped into memory when asked for.

    Images and labels are apart, so that the images can be handed to a sandbox as a file that holds no answer.
    """

    name: str  # "CIFAR-10" or "demo"
    classes: tuple[str, ...]
    digest: str  # SHA-256 of the test split in the official binary layout (see `edition`)
    folder: Path

    def images_file(self, split: Split) -> Path:
        """The .npy file of the split's images: uint8 (N, 3, 32, 32), C order, without labels."""
        return images_path(self.folder, split)

    def images(self, split: Split) -> NDArray[np.uint8]:
        """Images, uint8 (N, 3, 32, 32), RGB, mapped read-only from the disk."""
        return _mapped(images_path(self.folder, split))

    def labels(self, split: Split) -> NDArray[np.uint8]:
        """Class numbers, uint8 (N,), each an index into `classes`; mapped read-only."""
        return _mapped(labels_path(self.folder, split))


def images_path(folder: Path, split: Split) -> Path:
    """Where a folder keeps the images of a split."""
    return folder / f"{split}_images.npy"


def labels_path(folder: Path, split: Split) -> Path:
    """Where a folder keeps the labels of a split."""
    return folder / f"{split}_labels.npy"


def _mapped(path: Path) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
