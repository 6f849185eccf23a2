"""Let only one command at a time change the grades in a folder, so that what it read still holds when it writes.

A run of `grade` takes hours and holds that lock only while it writes, so that people can adjust meanwhile; another lock
keeps a second run away.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from grader.disk.names import visible_path
from grader.disk.whole import made, write_whole
from grader.records import Message, message
from grader.records.errors import BadLab

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = ".grades.lock"
RUN, RUNNER = ".grades.run.lock", ".grades.run.json"  # one run of `grade` a folder, and which it is
PATIENCE = 60.0  # seconds; enough to draw a class of 1,000


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


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Be the only run of `grade` that writes into a folder. Raises BadLab, and names the other run, if there is one."""
    from filelock import FileLock, Timeout

    missing = [path for path in (out, *out.parents) if not path.exists()]
    lock = FileLock(out / RUN, timeout=0, mode=0o666)
    with made(out):  # no longer than this: what fails later has sentences of its own
        try:
            lock.acquire()
        except Timeout as error:
            raise BadLab(_other_run(out)) from error
        try:
            write_whole(out / RUNNER, json.dumps({"host": socket.gethostname(), "process": os.getpid()}))
        except OSError:
            _let_go(lock, out)
            raise
    try:
        yield
    finally:
        _let_go(lock, out)
        for path in missing:
            with suppress(OSError):  # not empty
                path.rmdir()


def _let_go(lock: BaseFileLock, out: Path) -> None:
    for name in (RUNNER, RUN):
        with suppress(OSError):
            (out / name).unlink()
    lock.release()


def runner_of(out: Path) -> tuple[str, str] | None:
    """Return the process and the host of the run that is writing into a folder; None if there is none."""
    from filelock import FileLock, Timeout

    if not (out / RUN).exists():
        return None
    try:
        with FileLock(out / RUN, timeout=0, mode=0o666):
            return None
    except Timeout:
        return _runner(out)
    except OSError:  # on a disk that cannot be written, nobody runs
        return None


def _runner(out: Path) -> tuple[str, str]:
    try:
        runner = json.loads((out / RUNNER).read_text("utf-8"))
        return str(runner.get("process", "?")), str(runner.get("host", "?"))
    except (OSError, ValueError, AttributeError):
        return "?", "?"


def _other_run(out: Path) -> Message:
    process, host = _runner(out)
    return message(
        "Another run of 'grade' is writing into {folder} (process {process} on {host}). Nothing was graded. Wait"
        " until it ends, or choose another folder with --out.",
        folder=visible_path(out),
        process=process,
        host=host,
    )
