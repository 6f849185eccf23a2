"""The images on a worker: its own, where they are the same to the byte; else sent once and kept by their digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import get_args

from grader.batch.cluster.parcels import DataSet
from grader.dataset import CIFAR10, PUBLIC_SETS, ImageSet, Split, default_cache
from grader.dataset.image_set import images_path, labels_path

FOLDER = "sent"  # in the cache
PART = 16_000_000  # bytes that are sent at a time
_LOCK = threading.Lock()


def described(images: ImageSet) -> DataSet:
    """Return the digests of a set."""
    paths = [of(images.folder, split) for split in get_args(Split) for of in (images_path, labels_path)]
    files = tuple((path.name, _digest(path, path.stat().st_mtime_ns)) for path in paths)
    return DataSet(images.name, images.classes, images.digest, images.folder.absolute(), files)


def found(wanted: DataSet) -> ImageSet | None:
    """Return the set as it lies on this machine; None if it has to be sent."""
    with _LOCK:  # looked at once, not by every thread
        for folder in _places(wanted):
            if _holds(folder, wanted):
                return ImageSet(wanted.name, wanted.classes, wanted.digest, folder)
    return None


def holds(wanted: DataSet) -> bool:
    """Return whether the set lies on this machine. Called by the command, on the worker."""
    return found(wanted) is not None


def parts(wanted: DataSet) -> Iterator[tuple[str, int, bytes]]:
    """Yield the files in pieces: name, place and bytes. Raises OSError."""
    for name, _ in wanted.files:
        with (wanted.folder / name).open("rb") as file:
            yield from ((name, file.tell() - len(data), data) for data in iter(lambda: file.read(PART), b""))


def put(key: str, name: str, place: int, data: bytes) -> str:
    """Keep a piece. Returns why that failed, or "". Called by the command, on the worker."""
    try:
        path = _partial(key) / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if place else "wb") as file:
            file.seek(place)
            file.write(data)
    except OSError as error:
        shutil.rmtree(_partial(key), ignore_errors=True)
        return f"{path.parent.parent}: {error.strerror or error}"
    return ""


def finished(wanted: DataSet) -> str:
    """Let the set appear, whole. Returns why that failed, or "". Called by the command, on the worker."""
    home, partial = _home(wanted.key), _partial(wanted.key)
    shutil.rmtree(home, ignore_errors=True)  # damaged: it would have been found
    with suppress(OSError):  # another worker of this machine was faster
        partial.rename(home)
    shutil.rmtree(partial, ignore_errors=True)
    return "" if holds(wanted) else f"{home}: other files arrived than were sent"


def _places(wanted: DataSet) -> tuple[Path, ...]:
    folders = {CIFAR10.name: CIFAR10.folder, **{one.name: one.folder for one in PUBLIC_SETS.values()}}
    return _home(wanted.key), wanted.folder, default_cache() / folders.get(wanted.name, wanted.name)


def _home(key: str) -> Path:
    return default_cache() / FOLDER / Path(key).name


def _partial(key: str) -> Path:
    return default_cache() / FOLDER / f".{Path(key).name}.{os.getpid()}.partial"


def _holds(folder: Path, wanted: DataSet) -> bool:
    try:
        return all(
            _digest(folder / name, (folder / name).stat().st_mtime_ns) == digest for name, digest in wanted.files
        )
    except OSError:
        return False


@cache
def _digest(path: Path, changed: int) -> str:
    del changed
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
