"""Measures on a few images where time or memory does not suffice for all, so that no network is too slow to be judged.

Only where even those are too many nothing is measured. Then an ordinary network, timed before and after, tells whether
the machine is too slow or the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from grader.collect.equipment import Equipment
from grader.collect.generalisation import images_shown
from grader.collect.yardstick import Yardstick, at_a_limit, measured_here, slower
from grader.evidence import Failure, OutOfMemory, Refused, TimedOut
from grader.records import message
from grader.sandbox import Limits

FIRST_TRY = 0.6  # of what is left for the accuracy
FEWER = 100  # test images: enough to tell a network that learned something from one that did not
TOO_SLOW, TOO_LARGE = "network_slow", "network_memory"

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Try:
    """One try: with how many images (`equipment.part`), and within which limits; `again`: all were too many."""

    equipment: Equipment
    limits: Limits
    again: bool = False


def tried_twice(attempt: Callable[[Try], R | Failure], equipment: Equipment, device: str, file: str) -> R | Failure:
    """Return what all images give, else what a few do, else whose fault it is that neither could be measured.

    `device` is the one that the network runs on, `file` the name of its weights.
    """
    first = attempt(Try(equipment, equipment.left("accuracy", FIRST_TRY)))
    if not at_a_limit(first):
        return first
    few = replace(equipment, part=min(FEWER, equipment.part or FEWER))
    if isinstance(first, OutOfMemory):
        few = replace(few, threads=1)  # several processes need more memory than the network itself
    before = measured_here(few, device)
    second = attempt(Try(few, equipment.left("accuracy"), again=True))
    if isinstance(second, OutOfMemory) and few.threads > 1:
        few = replace(few, threads=1)
        second = attempt(Try(few, equipment.left("accuracy"), again=True))
    if not isinstance(second, TimedOut | OutOfMemory):
        return second
    return _whose(second, slower(before, measured_here(few, device)), few, file)


def _whose(second: TimedOut | OutOfMemory, yardstick: Yardstick, few: Equipment, file: str) -> Failure:
    """Return the failure; a refusal where an ordinary network would have stayed within the limit."""
    shown = images_shown(few.part or FEWER)
    if not yardstick.is_theirs(second, shown):
        return second
    if isinstance(second, OutOfMemory):
        sentence = message(
            "The network of {file} needs more than {megabytes:,} MB of memory, although it was given only few images at"
            " once. Use a smaller network or smaller images, keep nothing from one batch to the next, and hand in its"
            " weights again.",
            file=file,
            megabytes=second.megabytes,
        )
        return Refused(TOO_LARGE, sentence)
    sentence = message(
        "The network of {file} did not classify {shown} images within {seconds:.0f} seconds, in which an ordinary"
        " network ({yardstick}) would have classified {ordinary:,} on the same machine. Use a smaller network or"
        " smaller images, remove from its code what waits or repeats work, and hand in its weights again.",
        file=file,
        shown=shown,
        seconds=second.seconds,
        yardstick="ResNet50, 224 x 224",
        ordinary=yardstick.images_in(second.seconds),
    )
    return Refused(TOO_SLOW, sentence)
