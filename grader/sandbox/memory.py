"""How much memory is left, on the machine and in the container: what no process counts shows there alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

GROUP = Path("/sys/fs/cgroup")  # of this container; on a machine the root of all groups, which has no limit
RECLAIMED = ("inactive_file", "active_file", "slab_reclaimable")  # the system takes these back when they are needed


def available_megabytes() -> int:
    """Return how much could still be given to a process before the system must end one, in megabytes."""
    return _left(int(psutil.swap_memory().free))


def free_megabytes() -> int:
    """Return how much could be given to a process before anything is swapped out, in megabytes."""
    return _left(0)


def _left(swap: int) -> int:
    left = int(psutil.virtual_memory().available) + swap
    with suppress(OSError, ValueError):  # no such group, or "max"
        most = int((GROUP / "memory.max").read_text("ascii"))
        lines = (GROUP / "memory.stat").read_text("ascii").splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith(RECLAIMED))
        used = int((GROUP / "memory.current").read_text("ascii"))
        left = min(left, most - used + cached + _swap_of_group(swap))
    return max(0, left) >> 20


def _swap_of_group(free: int) -> int:
    """Return how much of the machine's free swap the container may use."""
    try:
        most = (GROUP / "memory.swap.max").read_text("ascii").strip()
        used = int((GROUP / "memory.swap.current").read_text("ascii"))
    except OSError:
        return 0
    return free if most == "max" else max(0, min(free, int(most) - used))
