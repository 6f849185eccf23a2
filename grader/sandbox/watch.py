"""Wait for an answer while watching the clock, the memory of the whole process tree, and what the machine has left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from grader.evidence import Crashed, Failure, Malformed, OutOfMemory, PrintedTooMuch, TimedOut, Unavailable
from grader.evidence.wording import phrase, shorten
from grader.records import message
from grader.sandbox.interface import Job, Read, Reply, read_reply
from grader.sandbox.memory import available_megabytes
from grader.sandbox.output import MOST_BYTES, Output

TICK = 0.05  # seconds; a process that allocates as fast as it can overshoots its budget by about 4 % in that time
PAUSE = 4.0  # pause as a multiple of the CPU time of one check, which lists all processes: there may be thousands
FLOOR = 200  # megabytes that a job must leave to the machine: less, and the system would end a process of its choice
LAST_WORDS = 5.0  # seconds; the output of a killed process is read in milliseconds


MACHINE_FULL = message(
    "this machine ran out of memory while the job was within its own limit. Grade again with more memory, or with less"
    " running beside it"
)


@dataclass(frozen=True, slots=True)
class Child:
    """A running child: its process, how to read from it, how to end it, and what it printed."""

    pid: int
    read: Read
    kill: Callable[[], None]
    tail: Callable[[], str]


def await_reply(job: Job, child: Child, output: Output | None = None) -> Reply | Failure:
    """Read the answer to a job, or end the child at a limit and return which one it was."""
    result: list[Reply | Failure] = []

    def listen() -> None:
        try:
            result.append(read_reply(child.read, job.arrays))
        except (EOFError, OSError, ValueError) as error:
            result.append(Crashed(shorten(f"{child.tail()}\n{error}".strip())))
        except Exception as error:  # whatever a hostile answer triggers in its reader
            result.append(Malformed(phrase("answer_unread", kind=type(error).__name__)))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    deadline = time.monotonic() + job.limits.seconds
    floor = min(FLOOR, available_megabytes() // 2)  # a small machine may have little to begin with
    cost = 0.0
    while listener.is_alive():
        left = deadline - time.monotonic()
        listener.join(max(0.0, min(left, max(TICK, PAUSE * cost))))
        limit: Failure | None = None
        if time.monotonic() > deadline:  # first: to look through hundreds of processes takes longer
            limit = TimedOut(job.limits.seconds)
        elif output and output.too_much:
            limit = PrintedTooMuch(MOST_BYTES)
        else:
            looked = time.thread_time()
            limit = _too_much_memory(child.pid, job.limits.megabytes, floor)
            cost = time.thread_time() - looked
        if limit is not None:
            child.kill()
            listener.join(LAST_WORDS)  # it reads to the end: the pipe must not be closed while it does
            return limit
    return result[0]


def _too_much_memory(pid: int, most: int, floor: int) -> Failure | None:
    used = tree_megabytes(pid, most)
    if used > most:
        return OutOfMemory(most)
    if not psutil.LINUX or available_megabytes() >= floor:  # other systems swap as long as their disks have room
        return None
    return Unavailable(MACHINE_FULL)  # by whom cannot be told: others run beside it, and sockets are in no process


def tree_megabytes(pid: int, most: int = 0) -> int:
    """Return the memory of a process and all its descendants in megabytes; 0 if it has ended.

    On Linux, pages that processes share count once (proportional set size). Reading that takes milliseconds: if
    even the sum of resident sizes does not exceed `most`, it is returned instead; it is never smaller.
    """
    members = tree(pid)
    resident = sum(_resident(member) for member in members)
    if not psutil.LINUX or resident >> 20 <= most:
        return resident >> 20
    return sum(_proportional(member) for member in members) >> 20


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants; nothing if it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(member: psutil.Process) -> int:
    try:
        return int(member.memory_info().rss)
    except psutil.Error:  # it has ended in the meantime
        return 0


def _proportional(member: psutil.Process) -> int:
    try:
        return int(member.memory_full_info().pss)
    except psutil.Error:  # it has ended, or hides itself: then what it shares counts in full
        return _resident(member)
