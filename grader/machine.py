"""How many processors this machine has for us."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROCESSOR_TIME = Path("/sys/fs/cgroup/cpu.max")  # of this container: microseconds, in so many


def processors() -> int:
    """Return the number of processors that this process may use, also in a container."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no container, or no limit: "max"
        most, period = map(int, PROCESSOR_TIME.read_text("ascii").split())
        count = min(count, most // period)
    return max(1, count)
