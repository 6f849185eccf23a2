"""Define what a copy of an image set must be, byte for byte. The digests are data, so that tests can use small sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grader.dataset.image_set import Split
from grader.records import Message

SIDE = 32  # pixels
PIXELS = SIDE * SIDE
IMAGE_BYTES = 3 * PIXELS
ROW_BYTES = 1 + IMAGE_BYTES  # the official binary layout: the label, then red, green and blue planes

Batch = tuple[str, NDArray[np.uint8]]  # name as in BatchFile, rows (N, 3073) in the official binary layout


class Unusable(Exception):
    """Raised if a copy or a source does not give the image set.

    The message is only the reason: the caller knows the place.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One file of the official distribution: its name without suffix, its images, and its SHA-256."""

    name: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Edition:
    """An image set, pinned: the test file and the training files in their order."""

    name: str
    folder: str  # name of its folder in the cache
    classes: tuple[str, ...]
    test: BatchFile
    train: tuple[BatchFile, ...]

    @property
    def files(self) -> tuple[BatchFile, ...]:
        """Return every file, the test file first."""
        return (self.test, *self.train)

    def split(self, split: Split) -> tuple[BatchFile, ...]:
        """Return the files of a split."""
        return (self.test,) if split == "test" else self.train

    def rows(self, split: Split) -> int:
        """Return the number of images in a split."""
        return sum(file.rows for file in self.split(split))


# Digests of the files in https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, whatever the source of a copy.
CIFAR10 = Edition(
    name="CIFAR-10",
    folder="cifar-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    test=BatchFile("test_batch", 10_000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    train=(
        BatchFile("data_batch_1", 10_000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        BatchFile("data_batch_2", 10_000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        BatchFile("data_batch_3", 10_000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        BatchFile("data_batch_4", 10_000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        BatchFile("data_batch_5", 10_000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    ),
)
