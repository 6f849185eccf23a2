"""What travels between the command and a worker: a submission by its digests, its files where needed, and a grade.

A worker reads a submission where it lies if the same path holds the same files there. Otherwise they are sent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from grader.batch.setup import SetupSpec
from grader.disk.scratch import scratch
from grader.intake import Archive
from grader.intake.archive import Piece
from grader.records import Message

MOST_BYTES = 400_000_000  # of one submission that is sent; more must lie where the workers can read it
Kind = Literal["folder", "file", "link", "other"]


class TooLarge(Exception):
    """More than MOST_BYTES."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file, folder or link of a submission, by its name below it ("" for the submission itself)."""

    name: str
    kind: Kind
    data: bytes = b""  # of a file its content, of a link where it leads


@dataclass(frozen=True, slots=True)
class DataSet:
    """A set of images by the digests of its files; `folder` is where the command has it."""

    name: str
    classes: tuple[str, ...]
    digest: str
    folder: Path
    files: tuple[tuple[str, str], ...]  # name and SHA-256

    @property
    def key(self) -> str:
        """Return the name under which a worker keeps it."""
        return hashlib.sha256(repr(self.files).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Job:
    """One submission to be graded by a worker."""

    number: str
    run: str
    spec: SetupSpec  # its images are a Message, and replaced by `images` if there are any
    images: DataSet | None
    versions: tuple[tuple[str, str], ...]
    gpu: bool
    archive: Archive
    digests: tuple[str, ...]  # of each of its files or folders
    content: tuple[tuple[Item, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a worker returns. Of the first four one is there.

    `frames`: the grade. `lost`: why there is none. `unfit`: why this worker can grade nothing at all. `wants`: what it
    lacks, the submission's files or the images.
    """

    host: str
    worker: str  # its address
    frames: bytes = b""
    lost: Message | None = None
    unfit: Message | None = None
    wants: Literal["files", "images"] | None = None


def paths_of(archive: Archive) -> tuple[Path, ...]:
    """Return the files and folders of a submission."""
    return tuple(piece.path for piece in archive.pieces) or (archive.path,)


def digest_of(path: Path) -> str:
    """Return the digest of a file, or of all that is in a folder. Raises OSError."""
    found = hashlib.sha256()
    for name, kind, place in _listed(path):
        found.update(repr((name, kind, _digest(kind, place))).encode("utf-8", "backslashreplace"))
    return found.hexdigest()


def packed(path: Path, most: int = MOST_BYTES) -> tuple[Item, ...]:
    """Return a file or a folder as it is sent. Raises OSError or TooLarge."""
    items: list[Item] = []
    for name, kind, place in _listed(path):
        data = place.read_bytes() if kind == "file" and place.stat().st_size <= most else _target(kind, place)
        most -= place.lstat().st_size
        if most < 0:
            raise TooLarge
        items.append(Item(name, kind, data))
    return tuple(items)


@contextmanager
def unpacked(job: Job) -> Iterator[Archive | None]:
    """Give the submission as it lies on this machine, or was sent; None where it is neither. Raises BadLab."""
    paths = paths_of(job.archive)
    if job.content is None:
        there = all(_is(path, digest) for path, digest in zip(paths, job.digests, strict=True))
        yield job.archive if there else None
        return
    with ExitStack() as stack:
        placed = []
        for path, items in zip(paths, job.content, strict=True):
            placed.append(stack.enter_context(scratch("sent")) / path.name)
            _write(placed[-1], items)
        pieces = tuple(Piece(path, piece.name) for path, piece in zip(placed, job.archive.pieces, strict=False))
        yield replace(job.archive, path=placed[0], pieces=pieces)


def _listed(path: Path) -> Iterator[tuple[str, Kind, Path]]:
    yield "", _kind(path, follow=True), path
    if path.is_dir():
        for place in sorted(path.rglob("*")):
            yield str(place.relative_to(path)), _kind(place), place


def _kind(path: Path, follow: bool = False) -> Kind:
    if path.is_symlink() and not follow:
        return "link"
    return "folder" if path.is_dir() else "file" if path.is_file() else "other"


def _target(kind: Kind, path: Path) -> bytes:
    return os.fsencode(os.readlink(path)) if kind == "link" else b""  # noqa: PTH115


def _digest(kind: Kind, path: Path) -> str:
    if kind != "file":
        return _target(kind, path).hex()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is(path: Path, digest: str) -> bool:
    try:
        return path.exists() and digest_of(path) == digest
    except OSError:
        return False


def _write(path: Path, items: tuple[Item, ...]) -> None:
    for item in items:
        place = path / item.name if item.name else path
        if item.kind == "folder":
            place.mkdir()
        elif item.kind == "file":
            place.write_bytes(item.data)
        elif item.kind == "link":
            place.symlink_to(os.fsdecode(item.data))
        else:
            os.mkfifo(place)  # is left out of every submission, as a device is
