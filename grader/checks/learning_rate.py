"""Does the learning-rate schedule of task 2.2 fall?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.evidence import LearningRate
from grader.marking.check import BadLimit, Case, Doubt, check, printed_listing
from grader.records import Curve, Exhibit, Message, Series, Verdict, message

RECOMMENDED = message("The recommended schedule is 0.1 for epochs 0 to 4, then 0.01.")


@dataclass(frozen=True, slots=True)
class ScheduleLimits:
    """The fewest epochs of a schedule, the factor by which it must fall, and the share lost by counting calls."""

    fewest: int
    fall: float
    counting: float  # share of the points lost if the rate depends on the number of calls

    def __post_init__(self) -> None:
        if self.fewest < 2 or self.fall < 1.0 or not 0.0 <= self.counting <= 1.0:
            raise BadLimit(message("fewest must be at least 2, fall at least 1, and counting between 0 and 1"))


@check(reads=LearningRate, limits=ScheduleLimits)
def learning_rate(case: Case[LearningRate, ScheduleLimits]) -> Verdict | Doubt:
    """2.2 learning_rate().

    The learning rate never rises after its warm-up, and ends at a tenth of its peak or less.
    """
    if not case.seen.unsure:
        return _verdict(case)
    sentence = message(
        "The script's scheduler depends on the results of training or on the number of batches, which the grader does"
        " not repeat. Read in the script how its learning rate falls."
    )
    return Doubt(sentence, _drawn(case.seen.rates))


def _verdict(case: Case[LearningRate, ScheduleLimits]) -> Verdict:
    limits, exhibits = case.limits, (*_drawn(case.seen.rates), *printed_listing(case.seen.printed))
    rates = _usable(case.seen.rates)
    if len(rates) < min(limits.fewest, len(case.seen.rates)) or max(rates, default=0.0) <= 0.0:
        epoch = min(len(rates), len(case.seen.rates) - 1)
        found = case.seen.rates[epoch]
        told = "not finite" if found is None else f"{found:.4g}"
        sentence = message(
            "learning_rate({epoch}) is {rate}; it should be finite, not negative, and not always zero.",
            epoch=epoch,
            rate=told,
        )
        return Verdict(0.0, sentence, (RECOMMENDED,), exhibits, faulty=True)
    # a schedule says nothing of when training ends; a script does
    fewest = limits.fewest if case.seen.form == "function" else min(limits.fewest, len(rates))
    lengths = [n for n in range(fewest, len(rates) + 1) if _comes_down(rates[:n], limits.fall)]
    if not lengths:
        return Verdict(0.0, _why_not(rates, limits), (RECOMMENDED,), exhibits, faulty=True)
    counted = list(case.seen.again) != list(case.seen.rates[: len(case.seen.again)])[::-1]
    if counted:
        sentence = message(
            "Called in reverse order, learning_rate() returned different values. Compute the rate from `epoch` alone,"
            " not from a variable that keeps its value between calls: a run may be resumed."
        )
        return Verdict(1.0 - limits.counting, sentence, (), exhibits, faulty=True)
    peak, end = max(rates[: lengths[0]]), rates[lengths[0] - 1]
    sentence = message(
        "The learning rate falls from {peak:.4g} to {end:.4g} within {epochs} epochs.",
        peak=peak,
        end=end,
        epochs=lengths[0],
    )
    return Verdict(1.0, sentence, (), exhibits)


def _usable(rates: Sequence[float | None]) -> list[float]:
    """Return the rates up to the first unusable one: after its last epoch, a schedule may return anything."""
    usable: list[float] = []
    for rate in rates:
        if rate is None or rate < 0.0:
            break
        usable.append(rate)
    return usable


def _comes_down(rates: Sequence[float], fall: float) -> bool:
    low_enough = max(rates) / fall * (1 + 1e-9)  # 0.1 / 10 need not be 0.01 to the last bit
    return not _rises(rates) and rates[-1] <= low_enough


def _rises(rates: Sequence[float]) -> int:
    """Return the first epoch in which the rate rises after having fallen; 0 if there is none."""
    fell = False
    for epoch in range(1, len(rates)):
        if rates[epoch] > rates[epoch - 1] and fell:
            return epoch
        fell = fell or rates[epoch] < rates[epoch - 1]
    return 0


def _why_not(rates: Sequence[float], limits: ScheduleLimits) -> Message:
    if min(rates) == max(rates):
        return message("The learning rate is {rate:.4g} in every epoch; it should fall.", rate=rates[0])
    if epoch := _rises(rates):
        return message(
            "In epoch {epoch}, the learning rate rises again, from {before:.4g} to {after:.4g}; it may rise only at"
            " the start.",
            epoch=epoch,
            before=rates[epoch - 1],
            after=rates[epoch],
        )
    if rates[-1] == max(rates):
        return message(
            "The learning rate only rises, from {first:.4g} to {last:.4g}: are the two values swapped?",
            first=rates[0],
            last=rates[-1],
        )
    return message(
        "The learning rate falls from {peak:.4g} only to {last:.4g}; it should end at {goal:.4g} or less.",
        peak=max(rates),
        last=rates[-1],
        goal=max(rates) / limits.fall,
    )


def _drawn(rates: Sequence[float | None]) -> tuple[Exhibit, ...]:
    usable = _usable(rates)
    if len(usable) < 2:
        return ()
    last = next((n for n in range(len(usable) - 1, 0, -1) if usable[n] != usable[n - 1]), 9)  # constant afterwards
    shown = usable[: max(10, math.ceil(1.2 * (last + 1)))]
    points = tuple((float(epoch), rate) for epoch, rate in enumerate(shown))
    line = Series(message("learning_rate(epoch)"), points)
    return (Curve(message("Learning-rate schedule"), message("Epoch"), message("Learning rate"), (line,)),)
