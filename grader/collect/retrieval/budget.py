"""One budget of time and memory for recomputing all rankings of a submission."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from grader.sandbox import Limits

LAST = 0.1  # share that is kept for the sample of handed-in features
LEAST = 1.0  # seconds: no job gets less, so that each can say what it ran into


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one submission, and when they began to count."""

    limits: Limits
    began: float = field(default_factory=time.monotonic)

    def left(self, sample: bool = False) -> Limits:
        """Return the limits of the next job."""
        whole = self.limits.seconds
        until = whole if sample else (1.0 - LAST) * whole
        return Limits(max(LEAST, until - (time.monotonic() - self.began)), self.limits.megabytes)
