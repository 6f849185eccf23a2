"""Write selected entries to an empty folder, counting real bytes. What cannot be read costs its own entry."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.disk.names import to_disk, visible, visible_path
from grader.intake.archive import MEGABYTE, Entry, Limits
from grader.intake.selection import Selection, beside, too_large
from grader.records import LeftOut, message
from grader.records.errors import BadLab, BadSubmission

# Each file is new (EXCL) and none is reached through a link (NOFOLLOW), whatever the checks on names overlooked.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

MOST_TRIES = 5  # names for one file


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file as written: its size in bytes and SHA-256."""

    size: int
    digest: str


@dataclass(slots=True)
class Written:
    """The files on disk, by path; those whose own name was taken, with that name; and what could not be read."""

    files: dict[str, OnDisk] = field(default_factory=dict)
    seconds: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def drop(self, path: str, into: Path) -> None:
        """Delete a file again."""
        (into / to_disk(path)).unlink()
        del self.files[path]
        self.seconds.pop(path, None)


class _TakenError(Exception):
    """The disk has this name already: it treats `a.py` and `A.py` as one."""


def write_all(selection: Selection, into: Path, limits: Limits) -> Written:
    """Write every selected file. Raises BadSubmission if they are too much together, BadLab if this disk fails."""
    written = Written(seconds=dict(selection.seconds), left_out=list(selection.left_out))
    total = 0
    for path, entry in selection.files.items():
        try:
            place, done = _write_here_or_beside(path, entry, into, limits)
        except BadSubmission as error:
            own = written.seconds.pop(path, path)
            written.left_out.append(LeftOut(own, error.message, "unread"))
            continue
        if place != path:
            written.seconds[place] = _namesake(path, written.files)
        written.files[place] = done
        total += done.size
        if total > limits.total_bytes:
            sentence = message(
                "{entry} takes the submission over {most:.1f} MB. Hand in only what the lab asks for.",
                entry=visible(path),
                most=limits.total_bytes / MEGABYTE,
            )
            raise BadSubmission(sentence)
    return written


def _write_here_or_beside(path: str, entry: Entry, into: Path, limits: Limits) -> tuple[str, OnDisk]:
    tried: Counter[str] = Counter()
    place = path
    for _ in range(MOST_TRIES):
        try:
            return place, _write(_bounded(entry.chunks(), path, limits), into / to_disk(place))
        except _TakenError:
            place = beside(path, set(), tried) or path
    sentence = message(
        "On this system {entry} has the same name as another file. Rename one of them.", entry=visible(path)
    )
    raise BadSubmission(sentence)


def _namesake(path: str, files: Iterable[str]) -> str:
    """Return the file that a disk which ignores case takes for this one."""
    return next((other for other in files if other.casefold() == path.casefold()), path)


def _bounded(chunks: Iterable[bytes], path: str, limits: Limits) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limits.file_bytes:
            raise BadSubmission(too_large(path, size, limits))
        yield chunk


def _write(chunks: Iterator[bytes], target: Path) -> OnDisk:
    """Write a new file whole, or leave nothing of it."""
    digest, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, _NEW_FILE, 0o644)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
        except BadSubmission:
            target.unlink()
            raise
    except FileExistsError as error:
        raise _TakenError from error
    except OSError as error:
        sentence = message(
            "{path} cannot be written: {why}. Free some space, or set TMPDIR to a folder that has enough.",
            path=visible_path(target),
            why=error.strerror or "",
        )
        raise BadLab(sentence) from error
    return OnDisk(size, digest.hexdigest())
