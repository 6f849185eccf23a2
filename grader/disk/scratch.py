"""Give folders for temporary files that do not outlive the run, even one that was killed: the next run removes them.

A folder belongs to a living process as long as a file in it is locked; the system itself drops the lock when the
process ends, however it ends. A number of a process would prove less: containers with a common /tmp have the same ones.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from grader.disk.names import visible_path
from grader.records import message
from grader.records.errors import BadLab

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing left over is removed
    fcntl = None  # type: ignore[assignment]

PREFIX = "grade-"
MARK = ".cnn-lab-grader"  # the locked file: without it, a folder is not one of ours
_MADE = re.compile(r"grade-(?:[a-z]+-)?[a-z0-9_]{8}")  # as tempfile makes names, with the mode 0700
FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)


@contextmanager
def scratch(purpose: str = "") -> Iterator[Path]:
    """Give an empty folder in the temporary folder, and remove it at the end. Raises BadLab if the disk is full."""
    home = tempfile.gettempdir()
    remove_leftovers(home)
    try:
        with _locked_folder(f"{PREFIX}{purpose}-" if purpose else PREFIX) as place:
            folder = place / "work"
            folder.mkdir()
            yield folder
    except OSError as error:
        if not is_full(error):
            raise
        sentence = message(
            "The temporary folder {folder} is full: {why}. Free some space there, or set TMPDIR to a folder that has"
            " enough; then run this again.",
            folder=visible_path(Path(home)),
            why=os.strerror(errno.ENOSPC),
        )
        raise BadLab(sentence) from error


def is_full(error: OSError) -> bool:
    """Return whether the disk is the reason; `shutil.copytree` gives a list of reasons, as texts."""
    return error.errno in FULL or (
        isinstance(error, shutil.Error) and any(f"[Errno {number}]" in str(error) for number in FULL)
    )


@contextmanager
def _locked_folder(prefix: str) -> Iterator[Path]:
    with ExitStack() as stack:
        with _signals_deferred():  # one that came in between would leave a folder of which nobody knows
            place, lock = _made_and_locked(prefix)
            stack.callback(_removed, place, lock)
        yield Path(place.name)


def _removed(place: tempfile.TemporaryDirectory[str], lock: int | None) -> None:
    _empty(Path(place.name))
    place.cleanup()  # before the lock goes: until then, nobody else may remove it
    if lock is not None:
        os.close(lock)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Let requests to end this thread wait until the block is done."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _made_and_locked(prefix: str) -> tuple[tempfile.TemporaryDirectory[str], int | None]:
    while True:
        place = tempfile.TemporaryDirectory(prefix=prefix)
        if fcntl is None:
            return place, None
        mark = Path(place.name) / MARK
        try:
            lock = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # another run took it for a leftover
            place.cleanup()
            continue
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if mark.exists():
                return place, lock
        os.close(lock)  # between its making and its locking, another run took it for a leftover
        place.cleanup()


@cache  # once a run: a killed one has ended before this one began
def remove_leftovers(home: str) -> None:
    """Remove what killed runs of this user left in the temporary folder. Touches nobody else's and no living run's."""
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(home) as items:
        for item in items:
            if item.name.startswith(PREFIX):
                with suppress(OSError):
                    _remove_dead(Path(item.path))


def leftovers_removed() -> None:
    """Remove what processes that were killed left in the temporary folder, also those that ended after the start."""
    remove_leftovers.cache_clear()
    remove_leftovers(tempfile.gettempdir())


def _remove_dead(folder: Path) -> None:
    """Remove the folder if the run that made it has ended. Raises OSError if it lives, or the folder is not ours."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    if _MADE.fullmatch(folder.name) and stat.S_IMODE(status.st_mode) == 0o700:
        with suppress(OSError):
            folder.rmdir()  # empty: its run was killed before it could mark it, or after it had removed the rest
            return
    lock = os.open(folder / MARK, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _open_up(folder)
        _empty(folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _empty(folder: Path) -> None:
    """Remove everything but the mark: if this is killed as well, what is left is still known to be ours."""
    with suppress(OSError), os.scandir(folder) as items:
        for item in items:
            if item.name != MARK:
                shutil.rmtree(item.path, ignore_errors=True)


def _open_up(folder: Path) -> None:
    """Make every folder below removable: a student's code may have closed its own."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            below = Path(place, name)
            if not below.is_symlink():
                below.chmod(0o700)
