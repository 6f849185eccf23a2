"""How many submissions this machine can grade at a time."""

from __future__ import annotations

from dataclasses import dataclass

from grader.machine import processors
from grader.records import Message, message
from grader.sandbox.memory import free_megabytes

GB = 1e9
KEPT_GB, EACH_GB = 2.0, 1.0  # for the system and this process; for one submission
SPARE_CORE_FROM = 4  # cores: one of them is left to the command itself and to whoever works here


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine has for a run."""

    cores: int
    gigabytes: float

    @property
    def jobs(self) -> int:
        """Return how many submissions it can grade at a time."""
        cores = self.cores - (self.cores >= SPARE_CORE_FROM)
        return max(1, min(cores, int((self.gigabytes - KEPT_GB) / EACH_GB)))

    def told(self, submissions: int, jobs: int) -> Message:
        """Return the line at the start of a run."""
        return message(
            "Submissions to grade: {count:,}; at a time: {jobs} (--jobs; this machine has {cores} cores and"
            " {memory:.0f} GB of free memory).",
            count=submissions,
            jobs=jobs,
            cores=self.cores,
            memory=self.gigabytes,
        )


def this_machine() -> Machine:
    """Return the processors and the memory that this process may use, also in a container."""
    return Machine(processors(), (free_megabytes() << 20) / GB)
