"""Manage the cache: verified .npy files in a folder that appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from grader.dataset.commands import fetch_command
from grader.dataset.edition import ROW_BYTES, SIDE, Batch, BatchFile, Edition, Unusable
from grader.dataset.image_set import ImageSet, Split, images_path, labels_path
from grader.dataset.npy import NpyWriter
from grader.dataset.prepared import appearing, digest_of_rows, expect, test_rows
from grader.records import message
from grader.records.errors import MissingData

SPLITS: tuple[Split, ...] = get_args(Split)
LOCK_SECONDS = 3600  # a fetch over a slow line may take this long; the second process waits for it


def stored(cache: Path, edition: Edition) -> ImageSet | None:
    """Return the set in the cache; None if there is none. Raises Unusable if it is damaged."""
    folder = cache / edition.folder
    return open_set(folder, edition) if folder.exists() else None


def open_set(folder: Path, edition: Edition) -> ImageSet:
    """Open prepared .npy files.

    Every file must have its exact shape and length, and the test split its digest: marks rest on it, and hashing it
    takes some 20 ms. The training split was hashed when it was written. Raises Unusable if any of this fails.
    """
    for split in SPLITS:
        rows = edition.rows(split)
        expect(images_path(folder, split), (rows, 3, SIDE, SIDE))
        expect(labels_path(folder, split), (rows,))
    found = ImageSet(edition.name, edition.classes, edition.test.digest, folder)
    _verify(edition.test, test_rows(found))
    return found


def put(cache: Path, edition: Edition, batches: Iterable[Batch]) -> ImageSet:
    """Verify batches, write them, and move them into the cache at once; the caller holds the lock (`locked`).

    Batches may come in any order. Raises Unusable if one is missing, unknown, or not what the edition says. Whatever
    happens, no partial files are left, and a damaged set in the cache is replaced only by a good one.
    """
    home = cache / edition.folder
    with appearing(home, instead=True) as partial:
        _write(partial, edition, batches)
    return open_set(home, edition)


def kept_or_put(cache: Path, edition: Edition, batches: Callable[[], Iterable[Batch]]) -> ImageSet:
    """Return the set from the cache; if it is missing or damaged, put it there first, one process at a time."""
    if kept := sound(cache, edition):
        return kept
    with locked(cache, edition):
        return sound(cache, edition) or put(cache, edition, batches())  # another process may have been faster


def verified(edition: Edition, batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the same batches, comparing each with its digest.

    Raises Unusable if one is altered, missing or duplicated.
    """
    missing = {file.name: file for file in edition.files}
    for name, rows in batches:
        file = missing.pop(name, None)
        if file is None:
            raise Unusable(message("{file} appears twice", file=name))
        _verify(file, rows)
        yield name, rows
    if missing:
        raise Unusable(message("{file} is missing", file=min(missing)))


class Named(Protocol):
    """A set in the cache: its name for people, and that of its folder."""

    @property
    def name(self) -> str:
        """As in messages."""

    @property
    def folder(self) -> str:
        """In the cache."""


@contextmanager
def locked(cache: Path, edition: Named) -> Iterator[None]:
    """Hold the cache's lock for a set, and remove partial files of a killed process.

    Raises MissingData if the cache cannot be written or another process holds the lock for an hour.
    """
    from filelock import FileLock, Timeout  # late: it imports asyncio

    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{edition.folder}.lock", timeout=LOCK_SECONDS):
            for leftover in cache.glob(f".{edition.folder}.*.partial"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield
    except Timeout as error:
        raise MissingData(message("{cache}: another process has been fetching {name} for an hour; end it and try again",
                                  cache=str(cache), name=edition.name)) from error  # fmt: skip
    except OSError as error:
        raise MissingData(message("{cache}: {name} cannot be written there ({reason}). Free some space,"
                                  " fix the permissions, or set XDG_CACHE_HOME to another folder. Then run"
                                  " `{command}`",
                                  cache=str(cache), name=edition.name, reason=str(error),
                                  command=fetch_command())) from error  # fmt: skip


def sound(cache: Path, edition: Edition) -> ImageSet | None:
    """Like `stored`, but return None for a damaged set."""
    try:
        return stored(cache, edition)
    except Unusable:
        return None


def _write(folder: Path, edition: Edition, batches: Iterable[Batch]) -> None:
    with ExitStack() as stack:
        images, labels = {}, {}
        for split in SPLITS:
            count = edition.rows(split)
            images[split] = stack.enter_context(NpyWriter(images_path(folder, split), (count, 3, SIDE, SIDE)))
            labels[split] = stack.enter_context(NpyWriter(labels_path(folder, split), (count,)))
        for name, rows in verified(edition, batches):
            split, first = _position(edition, name)
            images[split].write(first, rows[:, 1:])
            labels[split].write(first, rows[:, 0])


def _position(edition: Edition, name: str) -> tuple[Split, int]:
    """Return the split of a batch, and the number of images before it there."""
    if name == edition.test.name:
        return "test", 0
    names = [file.name for file in edition.train]
    return "train", sum(file.rows for file in edition.train[: names.index(name)])


def _verify(file: BatchFile, rows: NDArray[np.uint8]) -> None:
    if rows.shape != (file.rows, ROW_BYTES):
        raise Unusable(message("{file} holds {found} images of {size} bytes; expected {expected}",
                               file=file.name, found=rows.shape[0], size=rows.shape[1] - 1,
                               expected=file.rows))  # fmt: skip
    found = digest_of_rows(rows)
    if found != file.digest:
        raise Unusable(message("{file} has been altered: its SHA-256 begins with {found}, the official one with "
                               "{expected}", file=file.name, found=found[:12], expected=file.digest[:12]))  # fmt: skip
