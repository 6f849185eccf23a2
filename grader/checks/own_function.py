"""Is task 1.2 a function of the student's own?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose

from grader.evidence.kinds.own_function import OwnFunction
from grader.marking.check import Case, Part, add_up, check, printed_listing, require_weights
from grader.records import Curve, Message, Series, Verdict, message

TOLERANCE = 1e-4  # relative and absolute: batches of different sizes may be computed in a different order


@dataclass(frozen=True, slots=True)
class OwnFunctionLimits:
    """The weights of finite values, of values that depend only on their own point, and of choosing another function."""

    finite: float
    alone: float
    own: float

    def __post_init__(self) -> None:
        require_weights(finite=self.finite, alone=self.alone, own=self.own)


@check(reads=OwnFunction, limits=OwnFunctionLimits)
def own_function(case: Case[OwnFunction, OwnFunctionLimits]) -> Verdict:
    """1.2 own_function().

    The function of task 1.2 is the student's own: finite, not constant, and not the lab's.
    """
    seen, limits = case.seen, case.limits
    if all(value is None for value in seen.values):
        said = message("own_function() returned no finite values.")
        return Verdict(0.0, said, (), printed_listing(seen.printed), faulty=True)
    parts = [
        _part(message("Finite everywhere"), limits.finite, _not_finite(seen)),
        _part(message("Each value depends only on its own point"), limits.alone, _depends(seen)),
        _part(message("A function of your own"), limits.own, _not_own(seen)),
    ]
    praise = message(
        "own_function() takes values from {least:.4g} to {most:.4g}.", least=_least(seen), most=_most(seen)
    )
    return add_up(parts, praise, (_curve(seen), *printed_listing(seen.printed)))


def _part(name: Message, weight: float, fault: Message | None) -> Part:
    return Part(name, weight, 0.0 if fault else 1.0, (fault,) if fault else ())


def _not_finite(seen: OwnFunction) -> Message | None:
    bad = next((x for x, value in _points(seen) if value is None), None)
    if bad is None:
        return None
    return message(
        "own_function({x:.2g}) is not a finite number: look for roots and logarithms of negative x, and for division"
        " by zero.",
        x=bad,
    )


def _depends(seen: OwnFunction) -> Message | None:
    pairs = zip(seen.values[-len(seen.alone) :], seen.alone, strict=True)
    if all(_close(whole, alone) for whole, alone in pairs):
        return None
    return message(
        "The same points gave different values when the other points were left out: do not use x.mean(), x.max() or"
        " random numbers in a function of x."
    )


def _not_own(seen: OwnFunction) -> Message | None:
    if _most(seen) - _least(seen) <= TOLERANCE * max(1.0, abs(_most(seen))):
        return message("own_function() is constant, so there is nothing to fit. Choose a function that varies.")
    if all(_close(value, lab) for value, lab in zip(seen.values, seen.lab, strict=True)):
        return message("own_function() is the lab's own function: choose another one.")
    return None


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _points(seen: OwnFunction) -> Iterator[tuple[float, float | None]]:
    step = (seen.high - seen.low) / (len(seen.values) - 1)
    for index, value in enumerate(seen.values):
        yield seen.low + step * index, value


def _least(seen: OwnFunction) -> float:
    return min(value for value in seen.values if value is not None)


def _most(seen: OwnFunction) -> float:
    return max(value for value in seen.values if value is not None)


def _curve(seen: OwnFunction) -> Curve:
    drawn = tuple((x, value) for x, value in _points(seen) if value is not None)
    return Curve(message("own_function()"), message("x"), message("y"), (Series(message("own_function(x)"), drawn),))
