"""Open a set of labelled images on disk."""

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

    Images and labels are separate, so that a sandbox can be given the images without the answers.
    """

    name: str  # "CIFAR-10", "Fashion-MNIST (drawn)", "demo"
    classes: tuple[str, ...]
    digest: str  # SHA-256 of the test split in the official binary layout (see `edition`)
    folder: Path
    drawn: bool = False  # in place of the published images that the lab is about

    def images_file(self, split: Split) -> Path:
        """Return the .npy file of the split's images: uint8 (N, C, H, W), C order, without labels."""
        return images_path(self.folder, split)

    def images(self, split: Split) -> NDArray[np.uint8]:
        """Return the images, uint8 (N, C, H, W), RGB or grey, mapped read-only from disk."""
        return _mapped(images_path(self.folder, split))

    def labels(self, split: Split) -> NDArray[np.uint8]:
        """Return the class numbers, uint8 (N,), each an index into `classes`, mapped read-only."""
        return _mapped(labels_path(self.folder, split))


def images_path(folder: Path, split: Split) -> Path:
    """Return where a folder keeps the images of a split."""
    return folder / f"{split}_images.npy"


def labels_path(folder: Path, split: Split) -> Path:
    """Return where a folder keeps the labels of a split."""
    return folder / f"{split}_labels.npy"


def _mapped(path: Path) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
