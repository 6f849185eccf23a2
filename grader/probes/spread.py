"""Spreads work over forks of this process, one thread each: threads inside torch spend their time waiting for others.

What a piece gives must not depend on who does it. A process in which torch ran several threads must not fork.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MOST_PIECES = 1_000  # their numbers fit into the smallest pipe that the kernel makes
CHUNK = 1 << 20
IN_FLIGHT = 3 << 20  # pixels of all processes: about 600 bytes each in the largest networks, so 2 GB
NUMBER = 4  # bytes

Arrays = tuple[NDArray[Any], ...]
Work = Callable[[int], Arrays]


def spread(work: Work, count: int, processes: int) -> list[Arrays]:
    """Return what `work` gives for 0 to `count` - 1, done by so many processes at once.

    A piece that no fork delivers, for want of memory say, is done here, where its error is raised.
    """
    done: dict[int, Arrays] = {}
    forks = min(processes, count)
    if forks > 1 and sys.platform == "linux":
        assert count <= MOST_PIECES
        done = _forked(work, count, forks)
    return [done[number] if number in done else work(number) for number in range(count)]


def threads_in_each(processors: int) -> int:
    """Return how many threads torch may have: one where it is forked, and all of them where nothing is."""
    return processors if sys.platform != "linux" else 1


def fitting(processes: int, pixels: int) -> int:
    """Return how many of the processes may run at once if each has a batch of so many pixels in memory."""
    return max(1, min(processes, IN_FLIGHT // pixels))


def pieces(items: Sequence[Any], most: int = MOST_PIECES) -> list[Sequence[Any]]:
    """Cut a sequence into at most so many pieces of one length."""
    length = max(1, -(-len(items) // most))
    return [items[start : start + length] for start in range(0, len(items), length)]


@dataclass(slots=True)
class _Fork:
    """A fork of this process, and what it has answered."""

    pid: int
    answers: int  # descriptor
    said: bytearray = field(default_factory=bytearray)


def _forked(work: Work, count: int, forks: int) -> dict[int, Arrays]:
    """Let forks take one number after the other, as each has time, and return what they gave."""
    numbers, write_end = os.pipe()
    os.write(write_end, b"".join(number.to_bytes(NUMBER, "big") for number in range(count)))
    os.close(write_end)
    running: list[_Fork] = []
    with suppress(OSError):  # as many as there may be
        for _ in range(forks):
            running.append(_fork(work, numbers))
    os.close(numbers)
    _listen(running)
    for one in running:
        os.waitpid(one.pid, 0)
    return {number: arrays for one in running for number, arrays in _answers(one.said)}


def _fork(work: Work, numbers: int) -> _Fork:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write_end)
        return _Fork(pid, read_end)
    status = 1
    try:
        with os.fdopen(write_end, "wb") as out:
            while number := os.read(numbers, NUMBER):
                _write(out, number, work(int.from_bytes(number, "big")))
        status = 0
    finally:  # whatever is wrong is raised where the piece is done again
        os._exit(status)


def _write(out: BinaryIO, number: bytes, arrays: Arrays) -> None:
    """Write one answer as a whole: its length, its number, its arrays."""
    held = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(held, np.ascontiguousarray(array), allow_pickle=False)
    answer = number + held.getbuffer()
    out.write(len(answer).to_bytes(8, "big") + answer)
    out.flush()


def _listen(running: Sequence[_Fork]) -> None:
    """Read what the forks answer, until all have ended."""
    poll = select.poll()
    speaking = {one.answers: one for one in running}
    for descriptor in speaking:
        poll.register(descriptor, select.POLLIN)
    while speaking:
        for descriptor, _ in poll.poll():
            data = os.read(descriptor, CHUNK)
            speaking[descriptor].said += data
            if not data:
                poll.unregister(descriptor)
                os.close(descriptor)
                del speaking[descriptor]


def _answers(said: bytearray) -> Iterator[tuple[int, Arrays]]:
    """Yield whole answers; the last one of a fork that was ended may be none."""
    at = 0
    while at + 8 <= len(said):
        size = int.from_bytes(said[at : at + 8], "big")
        answer = bytes(said[at + 8 : at + 8 + size])
        if len(answer) < size:
            return
        yield int.from_bytes(answer[:NUMBER], "big"), tuple(_arrays(io.BytesIO(answer[NUMBER:]), size - NUMBER))
        at += 8 + size


def _arrays(held: BinaryIO, size: int) -> Iterator[NDArray[Any]]:
    while held.tell() < size:
        yield np.lib.format.read_array(held, allow_pickle=False)
