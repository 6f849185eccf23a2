"""Decodes the images of a retrieval from one bundle, within limits; describes them and makes thumbnails."""

from __future__ import annotations

import hashlib
import json
import os
import string
import warnings
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_INDEX = 1 << 20  # bytes
MOST_BYTES = 50 << 20  # of one file
MOST_PIXELS = 50_000_000
MOST_TOGETHER = 2_000_000_000  # pixels of all images of a bundle: photographs in a submission have half of that
LONGEST = 20  # times its width: resized to the shorter side, anything longer would fill the memory
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")
THUMBNAIL = 64  # side in pixels
TILES, STEP = 12, 0.25  # of a perceptual hash: tiles a side, and a step in deviations
DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase + "+-"  # measures/alike.py reads them
FLAT = 4.0  # of 255: no deviation is taken to be smaller, or noise would make plain pictures differ
BACKGROUND = (255, 255, 255)  # around a thumbnail that is not square


class Unreadable(Exception):
    """A file that is not a usable image; its text is a key of PROBLEMS in grader/collect/retrieval/pictures.py."""


def read_bundle(descriptor: int) -> Iterator[bytes]:
    """Yield the files of a bundle: their sizes as JSON, preceded by its length, then their bytes."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        sizes = json.loads(file.read(min(MOST_INDEX, int.from_bytes(file.read(4), "big"))))
        for size in sizes:
            yield file.read(size)


def open_picture(data: bytes) -> Image.Image:
    """Open an image as RGB; the first one if a file contains several. Raises Unreadable."""
    if len(data) > MOST_BYTES:
        raise Unreadable("too many bytes")
    try:
        with warnings.catch_warnings(), Image.open(BytesIO(data), formats=FORMATS) as picture:
            warnings.simplefilter("ignore")
            if picture.width * picture.height > MOST_PIXELS:
                raise Unreadable("too many pixels")
            if max(picture.size) > LONGEST * min(picture.size):
                raise Unreadable("too long")
            return picture.convert("RGB")
    except Unreadable:
        raise
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        raise Unreadable("too many pixels") from None
    except Exception as error:  # Pillow raises a dozen types on broken files, SyntaxError among them
        raise Unreadable("no picture") from error


def describe_pictures(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Describe each image of `files["bundle"]`: size, digest of its pixels, perceptual hashes, or what is wrong.

    `inputs["preparations"]`: fields of evidence.Pipeline, under each of which an image has a hash of its
    own. Also returns thumbnails of the first `inputs["thumbnails"]`, uint8 (n, 64, 64, 3); white if unreadable.
    """
    count = int(inputs["thumbnails"])
    preparations: list[dict[str, Any]] = inputs["preparations"]
    small = np.full((count, THUMBNAIL, THUMBNAIL, 3), 255, dtype=np.uint8)
    described: list[dict[str, Any]] = []
    pixels = 0
    for place, data in enumerate(read_bundle(files["bundle"])):
        try:
            if pixels > MOST_TOGETHER:
                raise Unreadable("too many together")
            picture = open_picture(data)
            pixels += picture.width * picture.height
        except Unreadable as error:
            described.append({"problem": str(error)})
            continue
        described.append(
            {**_described(picture), "prepared": [tile_hash(prepared(picture, how)) for how in preparations]}
        )
        if place < count:
            small[place] = _thumbnail(picture)
    return {"pictures": described}, {"thumbnails": small.tobytes()}


def _described(picture: Image.Image) -> dict[str, Any]:
    digest = hashlib.sha256(f"{picture.width} {picture.height} ".encode() + picture.tobytes()).hexdigest()
    return {"width": picture.width, "height": picture.height, "content": digest, "nearness": difference_hash(picture)}


def difference_hash(picture: Image.Image) -> str:
    """Return 256 bits in hexadecimal: whether each of 16 x 16 grey cells is lighter than its right neighbour."""
    grey = np.asarray(picture.convert("L").resize((17, 16), Image.Resampling.BILINEAR), dtype=np.int16)
    bits: NDArray[np.bool_] = grey[:, :-1] > grey[:, 1:]
    return np.packbits(bits).tobytes().hex()


def prepared(picture: Image.Image, how: dict[str, Any]) -> Image.Image:
    """Return what the network gets to see of a picture: resized, then the centre."""
    side, mode = int(how["resize"]), Image.Resampling[str(how["interpolation"]).upper()]
    scale = side / min(picture.size)
    width, height = (side, side) if how["squash"] else (max(1, int(edge * scale)) for edge in picture.size)
    resized = picture.resize((width, height), mode)
    crop = int(how["crop"])
    if not crop:
        return resized
    left, top = round((width - crop) / 2), round((height - crop) / 2)
    return resized.crop((left, top, left + crop, top + crop))


def tile_hash(picture: Image.Image) -> str:
    """Return 432 of DIGITS: red, green and blue of 12 x 12 tiles, row by row, whatever the exposure.

    Each is given from the mean of the picture, in quarters of its deviation; the middle digit is the mean. The ends are
    eight deviations away: a small thing on white paper is that far from the paper, and must not end where others do.
    """
    tiles = np.asarray(picture.resize((TILES, TILES), Image.Resampling.BOX), dtype=np.float64)
    steps = (tiles - tiles.mean()) / max(float(tiles.std()), FLAT) / STEP + len(DIGITS) // 2
    return "".join(DIGITS[int(step)] for step in np.clip(np.rint(steps), 0, len(DIGITS) - 1).ravel())


def _thumbnail(picture: Image.Image) -> NDArray[np.uint8]:
    copy = picture.copy()
    copy.thumbnail((THUMBNAIL, THUMBNAIL))
    square = Image.new("RGB", (THUMBNAIL, THUMBNAIL), BACKGROUND)
    square.paste(copy, ((THUMBNAIL - copy.width) // 2, (THUMBNAIL - copy.height) // 2))
    return np.asarray(square)
