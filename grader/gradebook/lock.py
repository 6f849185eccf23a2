"""Let only one command at a time change the grades in a folder, so that what it read still holds when it writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.disk.names import visible_path
from grader.records import message
from grader.records.errors import BadLab

LOCK = ".grades.lock"
PATIENCE = 60.0  # seconds; enough to draw a class of 300


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other commands from changing grades below this folder. Do not nest.

    Raises BadLab if another command holds it for longer than PATIENCE, or if the folder cannot be written.
    """
    from filelock import FileLock, Timeout  # late: it imports asyncio

    if not folder.is_dir():  # the caller that reads it reports this
        yield
        return
    shown = visible_path(folder)
    lock = FileLock(folder / LOCK, timeout=PATIENCE, mode=0o666)  # colleagues who may write here can lock it too
    try:
        lock.acquire()
    except Timeout as error:
        sentence = message(
            "Another grade command has been changing {folder} for more than {seconds:g} seconds. Nothing was"
            " written. Wait until it ends, or stop it, then run this again.",
            folder=shown,
            seconds=PATIENCE,
        )
        raise BadLab(sentence) from error
    except OSError as error:
        sentence = message(
            "{folder} cannot be written: {why}. No grade was changed. Free some space there, or fix its permissions.",
            folder=shown,
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes it by itself; a waiting process notices that it is gone
            (folder / LOCK).unlink()
        lock.release()
