"""Whose fault it is that a job ran into a limit: the machine's, which staff mend, or that of what was handed in.

It is measured: an ordinary network, of known size, is timed on this machine at the same moment. Where the time would
have been enough for it and half as much again, a slow machine is not the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.collect.equipment import Equipment
from grader.evidence import Failure, OutOfMemory, TimedOut
from grader.sandbox import Job, Limits, Reply

ORDINARY = 1.5  # times the yardstick, a ResNet50 with pictures of 224 pixels: what any network may take for an image
MEMORY = 4_000  # megabytes: with less, --memory may be the reason
DECODED, PREPARED = 100.0, 50.0  # pictures that the ordinary network does while 10^9 pixels are decoded, or resized
LIMITS = Limits(seconds=120.0, megabytes=3_000)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How many seconds this machine takes for one picture with the ordinary network; None: it cannot do it."""

    seconds: float | None

    def is_theirs(self, failure: Failure, images: float) -> bool:
        """Return whether a failure is due to what was handed in, where an ordinary network has so much work."""
        match failure:
            case TimedOut(seconds=given):
                return self.seconds is not None and given >= ORDINARY * self.seconds * images
            case OutOfMemory(megabytes=given):
                return self.seconds is not None and given >= MEMORY
            case _:
                return False

    def images_in(self, seconds: float) -> int:
        """Return how many pictures the ordinary network does in this time."""
        return int(seconds / self.seconds) if self.seconds else 0


def as_pictures(pixels: float, passes: int) -> float:
    """Return how many pictures of the yardstick take as long as so many pixels do before a network sees them."""
    return pixels / 1e9 * (DECODED + PREPARED * passes)


def at_a_limit(outcome: object) -> bool:
    """Return whether a job ran into a limit of time or memory."""
    return isinstance(outcome, TimedOut | OutOfMemory)


def measured_here(equipment: Equipment, device: str = "cpu") -> Yardstick:
    """Time the ordinary network where no student code runs."""
    job = Job("machine.time_ordinary_network", {"threads": equipment.threads, "device": device}, limits=LIMITS)
    reply = equipment.sandbox.run(job)
    seconds = reply.value.get("seconds") if isinstance(reply, Reply) else None
    return Yardstick(seconds if isinstance(seconds, float) and seconds > 0.0 else None)


def slower(one: Yardstick, other: Yardstick) -> Yardstick:
    """Return the slower of two: the machine may have been busy before or after."""
    if one.seconds is None or other.seconds is None:
        return Yardstick(None)
    return max(one, other, key=lambda measured: measured.seconds or 0.0)
