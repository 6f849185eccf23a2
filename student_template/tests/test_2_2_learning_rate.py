"""Task 2.2, exp2.py: learning_rate() is the recommended schedule, or another one that falls as far.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

FEWEST, MOST = 6, 200  # epochs: a schedule may be meant for any number in between
FALL = 10  # the recommended schedule falls by this factor, from 0.1 to 0.01


def rates(learning_rate: Any) -> list[float]:
    """The rate of each epoch, for as many epochs as the schedule has."""
    seen: list[float] = []
    for epoch in range(MOST):
        try:
            rate = learning_rate(epoch)
        except NotImplementedError:
            raise
        except Exception:  # a schedule may be a list that ends when training ends
            if epoch < FEWEST:
                raise
            break
        assert isinstance(rate, Real), (
            f"learning_rate({epoch}) returned {rate!r}; it should return a number. Is a return missing?"
        )
        seen.append(float(rate))
    return seen


def comes_down(schedule: Sequence[float]) -> bool:
    """Whether it never rises after a warm-up and ends at a tenth of its peak or less."""
    low_enough = max(schedule) / FALL * (1 + 1e-9)  # 0.1 / 10 may differ from 0.01 in the last bit
    return not rises(schedule) and schedule[-1] <= low_enough


def rises(schedule: Sequence[float]) -> int:
    """The first epoch in which the rate rises after it has fallen; 0 if there is none."""
    fell = False
    for epoch in range(1, len(schedule)):
        if schedule[epoch] > schedule[epoch - 1] and fell:
            return epoch
        fell = fell or schedule[epoch] < schedule[epoch - 1]
    return 0


def listed(schedule: Sequence[float]) -> str:
    return ", ".join(f"{rate:.4g}" for rate in schedule[:12]) + ", ..."


def test_every_rate_is_a_positive_number(lab: Any) -> None:
    """The rate of every epoch is finite and not negative, and not all of them are zero."""
    schedule = rates(lab.exp2.learning_rate)
    assert all(math.isfinite(rate) and rate >= 0 for rate in schedule) and max(schedule) > 0, (
        f"The rates of the first epochs are {listed(schedule)}: each should be finite and not negative, and not all of"
        " them should be zero."
    )


def test_the_rate_comes_down_to_a_tenth(lab: Any) -> None:
    """Large steps first, then small ones: the rate falls to a tenth of its peak or less."""
    schedule = rates(lab.exp2.learning_rate)
    assert any(comes_down(schedule[:epochs]) for epochs in range(FEWEST, len(schedule) + 1)), (
        f"The rates of the first epochs are {listed(schedule)}. {_why(schedule)} The recommended schedule is 0.1 for"
        " epochs 0 to 4, then 0.01."
    )


def _why(schedule: Sequence[float]) -> str:
    if min(schedule) == max(schedule):
        return "The rate never changes."
    if epoch := rises(schedule):
        return f"After falling, the rate rises again in epoch {epoch}; it may only rise at the start (warm-up)."
    if schedule[-1] == max(schedule):
        return "The rate only rises. Are the two rates in the wrong order?"
    return f"The last rate is {schedule[-1]:.4g}, more than a tenth of the largest, {max(schedule):.4g}."


def test_the_rate_depends_on_the_epoch_alone(lab: Any) -> None:
    """A run that is resumed in epoch 7 calls learning_rate(7) first, so the function must not count its calls."""
    learning_rate = lab.exp2.learning_rate
    forwards = [learning_rate(epoch) for epoch in range(FEWEST)]
    backwards = [learning_rate(epoch) for epoch in reversed(range(FEWEST))]
    assert backwards == forwards[::-1], (
        f"Called for epochs 0 to {FEWEST - 1}, learning_rate() returned {listed(forwards)}; called in reverse order, it"
        f" returned {listed(backwards)}. Compute the rate from `epoch` alone, not from a variable that keeps count."
    )
