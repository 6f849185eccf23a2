"""A CIFAR-10 of 10 images in every form in which the real one lies about; its digests are its own."""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from grader.dataset.edition import BatchFile, Edition
from grader.dataset.image_set import ImageSet
from grader.dataset.interface import Progress

ROWS = {"test_batch": 4, "data_batch_1": 3, "data_batch_2": 3}


def python2_pickle(rows: NDArray[np.uint8]) -> bytes:
    """A batch as Python 2's cPickle wrote it: protocol 2, byte strings, a numpy array by `_reconstruct`."""

    def string(content: bytes) -> bytes:
        return b"T" + struct.pack("<I", len(content)) + content

    def integer(number: int) -> bytes:
        return b"J" + struct.pack("<i", number)

    dtype = b"cnumpy\ndtype\n(" + string(b"u1") + integer(0) + integer(1) + b"tR"
    dtype += b"(" + integer(3) + string(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(" + integer(0) + b"t" + string(b"b") + b"tR"
    shape = b"(" + integer(len(rows)) + integer(3072) + b"t"
    array += b"(" + integer(1) + shape + dtype + b"\x89" + string(rows[:, 1:].tobytes()) + b"tb"
    labels = b"](" + b"".join(integer(int(label)) for label in rows[:, 0]) + b"e"
    return b"\x80\x02}(" + string(b"data") + array + string(b"labels") + labels + b"u."


@dataclass(frozen=True)
class Tiny:
    """The batches, the edition that pins them, and writers for each form. Writers return what they wrote."""

    edition: Edition
    batches: dict[str, NDArray[np.uint8]]

    def binary(self, folder: Path) -> Path:
        return _write(folder, {f"{name}.bin": rows.tobytes() for name, rows in self.batches.items()})

    def pickled(self, folder: Path) -> Path:
        return _write(folder, {name: python2_pickle(rows) for name, rows in self.batches.items()})

    def sprites(self, folder: Path) -> Path:
        train = np.concatenate([self.batches[file.name][:, 0] for file in self.edition.train])
        labels = {"test": self.batches["test_batch"][:, 0], "train": train}
        _write(folder, {f"{split}_lables.json": json.dumps(column.tolist()).encode()
                        for split, column in labels.items()})  # fmt: skip
        for name, rows in self.batches.items():
            pixels = rows[:, 1:].reshape(-1, 3, 1024).transpose(0, 2, 1)
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png")
        return folder

    def archive(self, folder: Path, path: Path) -> Path:
        """The folder as path, a .tar.gz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, arcname=folder.name)
        return path

    def is_in(self, found: ImageSet | None) -> bool:
        """Whether the opened set holds exactly these images and labels."""
        assert found is not None
        train = np.concatenate([self.batches[file.name] for file in self.edition.train])
        return all(
            np.array_equal(found.labels(split), rows[:, 0])
            and np.array_equal(found.images(split), rows[:, 1:].reshape(-1, 3, 32, 32))
            for split, rows in (("test", self.batches["test_batch"]), ("train", train))
        )


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    dice = np.random.default_rng(7)
    batches = {name: dice.integers(0, 256, (rows, 3073), np.uint8) for name, rows in ROWS.items()}
    for rows in batches.values():
        rows[:, 0] %= 10
    files = {name: BatchFile(name, len(rows), hashlib.sha256(rows).hexdigest()) for name, rows in batches.items()}
    train = (files["data_batch_1"], files["data_batch_2"])
    return Tiny(Edition("tiny", "tiny", tuple("abcdefghij"), files["test_batch"], train), batches)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def visible() -> Callable[[Path], set[str]]:
    """What a folder holds beside lock files."""
    return lambda folder: {path.name for path in folder.iterdir() if path.suffix != ".lock"}


@pytest.fixture
def silent() -> Progress:
    return lambda *_: None
