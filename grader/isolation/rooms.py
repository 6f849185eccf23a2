"""A folder that hostile code may write to, where no file system of its own bounds it: how full it is; emptying it."""

from __future__ import annotations

import os
import secrets

MOST_FILES = 10_000
MOST_DEPTH = 40


def overfull(room: str, most: int) -> bool:
    """Return whether more was written than a room may hold: bytes, files, or folders in folders."""
    left, held, count = [(room, 0)], 0, 0
    while left:
        folder, depth = left.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    count += 1
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                    if held > most or count > MOST_FILES or depth > MOST_DEPTH:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        left.append((entry.path, depth + 1))
        except FileNotFoundError:  # removed in the meantime
            continue
        except PermissionError:  # closed to its owner
            return True
    return False


def empty(room: str) -> None:
    """Remove everything in a room, however deep: what is in a folder is brought up before the folder is removed.

    Nothing else may write there meanwhile.
    """
    top = os.open(room, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while found := os.listdir(top):  # noqa: PTH208
            for name in found:
                _remove(top, name)
    finally:
        os.close(top)


def _remove(top: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=top)
    except IsADirectoryError:
        os.chmod(name, 0o700, dir_fd=top)
        inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
        try:
            for below in os.listdir(inside):  # noqa: PTH208
                _bring_up(inside, below, top)
        finally:
            os.close(inside)
        os.rmdir(name, dir_fd=top)


def _bring_up(inside: int, name: str, top: int) -> None:
    new = secrets.token_hex(16)
    try:
        os.rename(name, new, src_dir_fd=inside, dst_dir_fd=top)
    except PermissionError:  # a folder that is closed to its owner
        os.chmod(name, 0o700, dir_fd=inside)
        os.rename(name, new, src_dir_fd=inside, dst_dir_fd=top)
