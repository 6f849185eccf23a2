"""Defines a check: a pure function from one kind of evidence, and the limits set in the rubric, to a verdict."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

from grader.evidence import Evidence
from grader.records import Exhibit, Listing, Message, Table, Verdict, message

S = TypeVar("S")
L = TypeVar("L")
R = TypeVar("R")


class BadLimit(ValueError):
    """Raised for invalid limits of a check, or another invalid table of the rubric; `said` is what is wrong."""

    def __init__(self, said: Message) -> None:
        super().__init__(said.english())
        self.said = said


@dataclass(frozen=True, slots=True)
class Case(Generic[S, L]):
    """The input of a check: the record it reads, its limits, the rest of the evidence, and the points on offer."""

    seen: S
    limits: L
    evidence: Evidence
    points: float = 1.0

    def other(self, record: type[R]) -> R | None:
        """Return another kind of record; None if it was not seen."""
        return self.evidence.seen(record)


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check; `title` is what the student reads above the points."""

    name: str
    title: str
    reads: type[Any]
    limits: type[Any]
    judge: Callable[[Case[Any, Any]], Verdict | Doubt]

    def __reduce__(self) -> tuple[Callable[[str, str], Check], tuple[str, str]]:
        """Pickle by name: the module attribute of that name is the check, not the function."""
        return _defined, (self.judge.__module__, self.name)


def _defined(module: str, name: str) -> Check:
    found: Check = getattr(importlib.import_module(module), name)
    return found


@dataclass(frozen=True, slots=True)
class Doubt:
    """Replaces a verdict if the observation cannot be used as a mark before staff have looked at it."""

    fault: Message
    exhibits: tuple[Exhibit, ...] = ()


def check(reads: type[S], limits: type[L]) -> Callable[[Callable[[Case[S, L]], Verdict | Doubt]], Check]:
    """Declare a check: the record it judges and the limits it needs. Name and title come from the function."""

    def declare(function: Callable[[Case[S, L]], Verdict | Doubt]) -> Check:
        title = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        return Check(function.__name__, title, reads, limits, function)

    return declare


@dataclass(frozen=True, slots=True)
class Ramp:
    """Maps a figure to a credit: linear between knots (figure, credit), constant beyond the ends."""

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.knots:
            raise BadLimit(message("knots must contain at least one [figure, credit]"))
        if any(left[0] >= right[0] for left, right in pairwise(self.knots)):
            raise BadLimit(message("knots: figures must increase from one knot to the next"))
        if any(not 0.0 <= credit <= 1.0 for _, credit in self.knots):
            raise BadLimit(message("knots: credits must be between 0 and 1"))

    def credit(self, figure: float) -> float:
        """Return the credit for a figure, in [0, 1]."""
        if figure <= self.knots[0][0]:
            return self.knots[0][1]
        for (left, low), (right, high) in pairwise(self.knots):
            if figure <= right:
                return low + (high - low) * (figure - left) / (right - left)
        return self.knots[-1][1]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a check: its name in the table, weight, credit and faults."""

    name: Message
    weight: float
    credit: float
    faults: tuple[Message, ...] = ()


def add_up(parts: Sequence[Part], praise: Message, exhibits: tuple[Exhibit, ...] = ()) -> Verdict:
    """Combine parts into a verdict: weighted mean, the costliest fault as reason, others as hints; else `praise`."""
    whole = sum(part.weight for part in parts)
    credit = sum(part.weight * part.credit for part in parts) / whole
    costly = sorted(parts, key=lambda part: part.weight * (part.credit - 1.0))
    faults = list(dict.fromkeys(fault for part in costly for fault in part.faults))
    rows = tuple((part.name, f"{part.weight / whole:.0%}", f"{part.credit:.0%}") for part in parts)
    columns = (message("What was tested"), message("Weight"), message("Credit"))
    table = Table(message("What was tested"), columns, rows)
    said = faults[0] if faults else praise
    return Verdict(min(1.0, credit), said, tuple(faults[1:]), (table, *exhibits), faulty=bool(faults))


def printed_listing(lines: tuple[str, ...]) -> tuple[Exhibit, ...]:
    """Show what the student's code printed while it was tested; nothing if it printed nothing."""
    return (Listing(message("Output of the code"), lines),) if lines else ()


def require_weights(**weights: float) -> None:
    """Raise BadLimit unless every weight is at least 0 and at least one is greater."""
    wrong = next((name for name, weight in weights.items() if weight < 0.0), None)
    if wrong is not None:
        raise BadLimit(message("{name}: a weight must be at least 0", name=wrong))
    if not sum(weights.values()):
        raise BadLimit(
            message("{names}: at least one of these weights must be greater than 0", names=", ".join(weights))
        )
