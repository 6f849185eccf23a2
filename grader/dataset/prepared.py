"""Prepared sets: four .npy files that can be mapped into memory, in a folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.dataset.edition import Unusable
from grader.dataset.image_set import ImageSet, Split, images_path, labels_path
from grader.dataset.npy import NpyWriter
from grader.records import message


@contextmanager
def appearing(home: Path, instead: bool = False) -> Iterator[Path]:
    """Give an empty folder to write into, which becomes `home` at the end; after an error nothing is left of it.

    `instead`: of what is there, else that stays: another process was faster.
    """
    partial = home.parent / f".{home.name}.{os.getpid()}.partial"
    try:
        partial.mkdir(parents=True)
        yield partial
        if instead:
            shutil.rmtree(home, ignore_errors=True)
        try:
            partial.rename(home)
        except OSError:
            if instead or not home.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_split(folder: Path, split: Split, images: NDArray[np.uint8], labels: NDArray[Any]) -> None:
    """Write the images (N, C, H, W) and labels (N,) of a split."""
    pixels = np.ascontiguousarray(images)
    with NpyWriter(images_path(folder, split), pixels.shape) as writer:
        writer.write(0, pixels)
    np.save(labels_path(folder, split), labels)


def expect(path: Path, shape: tuple[int, ...]) -> None:
    """Raise Unusable if the file is no whole uint8 array of this shape."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:  # missing, not .npy, or shorter than its header says
        raise Unusable(message("{file} is missing or incomplete", file=path.name)) from error
    if array.shape != shape or array.dtype != np.uint8 or not array.flags.c_contiguous:
        raise Unusable(message("{file} holds {found}; expected uint8 {expected}",
                               file=path.name, found=f"{array.dtype} {array.shape}", expected=str(shape)))  # fmt: skip


def test_rows(found: ImageSet) -> NDArray[np.uint8]:
    """Return the test split as rows of a label and its pixels, as in CIFAR-10's official binary layout."""
    images = found.images("test")
    return np.ascontiguousarray(np.column_stack((found.labels("test"), images.reshape(len(images), -1))))


def digest_of_rows(rows: NDArray[np.uint8]) -> str:
    """Return their SHA-256."""
    return hashlib.sha256(np.ascontiguousarray(rows).data).hexdigest()
