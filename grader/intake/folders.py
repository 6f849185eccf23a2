"""Read a folder as a Source: walk it without following links, and copy it, so that it cannot change during grading."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from grader.disk.names import from_disk, visible, visible_path
from grader.intake.archive import LISTING_ENTRIES, Entry, Source
from grader.records import Message, message
from grader.records.errors import BadLab, BadSubmission

CHUNK_BYTES = 1 << 20
DEEPEST_WALK = 100  # folders; far over Limits.depth, so that the deep one can be named; Python recurses to 1,000


def open_folder(path: Path) -> Source:
    """Open the folder at `path`. Raises BadSubmission if it holds more than any submission, BadLab if unreadable."""
    try:
        entries = tuple(_walk(path))
    except OSError as error:
        raise _unreadable(error, path) from error
    return Source(entries, digest="")


def _walk(top: Path) -> Iterator[Entry]:
    stack = [(top, "", 0)]
    count = 0
    while stack:
        folder, prefix, depth = stack.pop()
        with os.scandir(folder) as items:
            for item in sorted(items, key=lambda item: item.name):
                count += 1
                if count > LISTING_ENTRIES or depth > DEEPEST_WALK:
                    sentence = message(
                        "{folder} holds far more files than the lab asks for. Hand in only the lab's own folder.",
                        folder=visible_path(top),
                    )
                    raise BadSubmission(sentence)
                # a name on disk can be any bytes, such as GBK from a zip that another program unpacked
                name = prefix + from_disk(item.name)
                entry = _entry(item, name)
                yield entry
                if entry.is_folder:
                    stack.append((Path(item.path), name + "/", depth + 1))


def _entry(item: os.DirEntry[str], name: str) -> Entry:
    status = item.stat(follow_symlinks=False)
    is_folder = stat.S_ISDIR(status.st_mode)
    size = 0 if is_folder else status.st_size
    path, fault = Path(item.path), _fault(status.st_mode, name)
    return Entry(name, size, is_folder, partial(_chunks, path, name), fault, path, absent=fault is not None)


def _fault(mode: int, name: str) -> Message | None:
    if stat.S_ISLNK(mode):
        return message("{entry} is a symbolic link. Put the file itself in its place.", entry=visible(name))
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return message("{entry} is a device or pipe, not a file. Leave it out.", entry=visible(name))
    return None


def file_entry(path: Path, name: str) -> Entry:
    """Return one file, or link, as an entry of this name. Raises BadLab if it cannot be read."""
    try:
        status = path.lstat()
    except OSError as error:
        raise _unreadable(error, path) from error
    fault = _fault(status.st_mode, name)
    return Entry(name, status.st_size, False, partial(_chunks, path, name), fault, path, absent=fault is not None)


def _chunks(path: Path, name: str) -> Iterator[bytes]:
    # O_NOFOLLOW, O_NONBLOCK: it may have become a link or a pipe since the walk, and opening a pipe waits for ever
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123  a descriptor, not a path
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadSubmission(message("{entry} changed while it was being read. Try again.", entry=visible(name)))
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise _unreadable(error, path) from error


def _unreadable(error: OSError, path: Path) -> BadLab:
    where = visible_path(Path(error.filename or path))
    return BadLab(message("{path} cannot be read: {why}.", path=where, why=error.strerror or ""))
