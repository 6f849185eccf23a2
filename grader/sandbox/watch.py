"""Waits for an answer while it watches the clock and the memory of the whole process tree."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.evidence import Crashed, Failure, Malformed, OutOfMemory, PrintedTooMuch, TimedOut
from grader.evidence.wording import phrase
from grader.sandbox.interface import Job, Read, Reply, read_reply, shorten
from grader.sandbox.output import MOST_BYTES, Output

TICK = 0.05  # seconds; a process that allocates as fast as it can overshoots its budget by about 4 % in that time
LAST_WORDS = 5.0  # seconds; the end of a killed process is read in milliseconds
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Child:
    """A running answerer: its process, how to read from it, how to end it, and what it printed."""

    pid: int
    read: Read
    kill: Callable[[], None]
    tail: Callable[[], str]


def await_reply(job: Job, child: Child, output: Output | None = None) -> Reply | Failure:
    """Read the answer to a job, or end the child at its limits and say which one it was."""
    result: list[Reply | Failure] = []

    def listen() -> None:
        try:
            result.append(read_reply(child.read, job.arrays))
        except (EOFError, OSError, ValueError) as error:
            result.append(Crashed(shorten(f"{child.tail()}\n{error}".strip())))
        except Exception as error:  # whatever a hostile answer sets off in its reader
            result.append(Malformed(phrase("answer_unread", kind=type(error).__name__)))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    deadline = time.monotonic() + job.limits.seconds
    while listener.is_alive():
        listener.join(TICK)
        limit: Failure | None = None
        if tree_megabytes(child.pid) > job.limits.megabytes:
            limit = OutOfMemory(job.limits.megabytes)
        elif output and output.too_much:
            limit = PrintedTooMuch(MOST_BYTES)
        elif time.monotonic() > deadline:
            limit = TimedOut(job.limits.seconds)
        if limit is not None:
            child.kill()
            listener.join(LAST_WORDS)  # it reads to the end: nobody may close the pipe under its hands
            return limit
    return result[0]


def tree_megabytes(pid: int) -> int:
    """Proportional memory of a process and all its descendants, megabytes; 0 where the system does not tell."""
    return sum(_kilobytes(member) for member in _tree(pid)) // 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = list((PROC / str(pid) / "task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (OSError, ValueError):
        return
    for child in children:
        yield from _tree(child)


def _kilobytes(pid: int) -> int:
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
