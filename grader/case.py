"""What a check is: a pure function from one kind of evidence, and the limits that the rubric sets, to a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

from grader.evidence import Evidence
from grader.records import Verdict

S = TypeVar("S")
L = TypeVar("L")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Case(Generic[S, L]):
    """One submission before one check: what was seen, the limits, and the rest of the evidence."""

    seen: S
    limits: L
    evidence: Evidence

    def other(self, record: type[R]) -> R | None:
        """Another kind of record, where it was seen too."""
        return self.evidence.seen(record)


@dataclass(frozen=True, slots=True)
class Check:
    """A check as the registry knows it; `title` is what the student reads above the points."""

    name: str
    title: str
    reads: type[Any]
    limits: type[Any]
    judge: Callable[[Case[Any, Any]], Verdict]


def check(reads: type[S], limits: type[L]) -> Callable[[Callable[[Case[S, L]], Verdict]], Check]:
    """Declare a check: the record it judges and the limits it needs. Name and title come from the function."""

    def declare(function: Callable[[Case[S, L]], Verdict]) -> Check:
        title = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        return Check(function.__name__, title, reads, limits, function)

    return declare


@dataclass(frozen=True, slots=True)
class Ramp:
    """A curve from a figure to a credit: straight lines between knots (figure, credit), flat beyond the ends."""

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.knots:
            raise ValueError("knots: at least one [figure, credit] is needed")
        if any(left[0] >= right[0] for left, right in pairwise(self.knots)):
            raise ValueError("knots: figures must rise from one knot to the next")
        if any(not 0.0 <= credit <= 1.0 for _, credit in self.knots):
            raise ValueError("knots: credits lie between 0 and 1")

    def credit(self, figure: float) -> float:
        """The credit for a figure, in [0, 1]."""
        if figure <= self.knots[0][0]:
            return self.knots[0][1]
        for (left, low), (right, high) in pairwise(self.knots):
            if figure <= right:
                return low + (high - low) * (figure - left) / (right - left)
        return self.knots[-1][1]
