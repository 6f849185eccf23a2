"""Work that is spread over forks gives what it gives in one process, whatever happens to a fork."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import pytest

from grader.probes.spread import IN_FLIGHT, MOST_PIECES, fitting, pieces, spread, threads_in_each

HERE = os.getpid()


def _square(number: int) -> tuple[Any, ...]:
    return np.array([number**2]), np.full((2, number), 0.5, "<f4")


@pytest.mark.parametrize("processes", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 23])
def test_every_piece_is_done_once_and_comes_in_order(count: int, processes: int) -> None:
    found = spread(_square, count, processes)

    assert [int(first[0]) for first, _ in found] == [number**2 for number in range(count)]
    assert [second.shape for _, second in found] == [(2, number) for number in range(count)]
    assert all(second.dtype == np.float32 for _, second in found)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
def test_two_processes_work_at_the_same_time() -> None:
    one, other = os.pipe(), os.pipe()

    def meets(number: int) -> tuple[Any, ...]:  # each waits for the other
        mine, theirs = (one, other) if number else (other, one)
        os.write(mine[1], b".")
        os.read(theirs[0], 1)
        return (np.array([os.getpid()]),)

    pids = {int(pid[0]) for (pid,) in spread(meets, 2, 2)}
    assert len(pids - {HERE}) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
def test_what_a_fork_leaves_is_done_here() -> None:
    def dies(number: int) -> tuple[Any, ...]:
        if os.getpid() != HERE and number == 3:
            os._exit(9)
        return (np.array([number, os.getpid()]),)

    found = spread(dies, 8, 2)

    assert [int(pair[0]) for (pair,) in found] == list(range(8))
    assert int(found[3][0][1]) == HERE


def test_an_error_is_raised_here() -> None:
    def fails(number: int) -> tuple[Any, ...]:
        if number == 2:
            raise MemoryError(f"piece {number}")
        return (np.zeros(1),)

    with pytest.raises(MemoryError, match="piece 2"):
        spread(fails, 4, 2)


def test_large_answers_of_several_forks_arrive_whole() -> None:
    found = spread(lambda number: (np.full(3_000_000, number, np.uint8),), 4, 2)
    assert all((array == number).all() and array.size == 3_000_000 for number, (array,) in enumerate(found))


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (99, 10), (2_500, MOST_PIECES)])
def test_pieces_are_never_too_many_and_leave_nothing_out(count: int, most: int) -> None:
    cut = pieces(range(count), most)
    assert len(cut) <= most
    assert [number for piece in cut for number in piece] == list(range(count))


def test_no_more_processes_run_than_have_memory_for_their_batches() -> None:
    assert fitting(64, 20 * 224**2) == 3  # a VGG16, of which each process has half a gigabyte in memory
    assert fitting(2, 20 * 224**2) == 2
    assert fitting(8, 50 * 32**2) == 8
    assert fitting(8, 2 * IN_FLIGHT) == 1


def test_where_nothing_is_forked_torch_has_all_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert threads_in_each(8) == 1
    monkeypatch.setattr(sys, "platform", "darwin")
    assert threads_in_each(8) == 8
