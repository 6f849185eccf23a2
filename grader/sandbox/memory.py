"""How much memory is left, on the machine and in the container: what no process counts shows there alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

GROUP = Path("/sys/fs/cgroup")  # of this container; on a machine the root of all groups, which has no limit
RECLAIMED = ("inactive_file", "active_file")  # the system takes these back when somebody needs them


def available_megabytes() -> int:
    """Return how much could still be given to a process, in megabytes."""
    left = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no such group, or "max"
        most = int((GROUP / "memory.max").read_text("ascii"))
        lines = (GROUP / "memory.stat").read_text("ascii").splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith(RECLAIMED))
        left = min(left, most - int((GROUP / "memory.current").read_text("ascii")) + cached)
    return max(0, left) >> 20
