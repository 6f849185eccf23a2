"""What a check is: a pure function from one kind of evidence, and the limits that the rubric sets, to a verdict."""

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
    """Raised by the limits of a check, or by another table of the rubric, that make no sense: what is wrong."""

    def __init__(self, said: Message) -> None:
        super().__init__(said.english())
        self.said = said


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
    judge: Callable[[Case[Any, Any]], Verdict | Doubt]

    def __reduce__(self) -> tuple[Callable[[str, str], Check], tuple[str, str]]:
        """Travel to another process by name: under its own name a module holds the check and not the function."""
        return _defined, (self.judge.__module__, self.name)


def _defined(module: str, name: str) -> Check:
    found: Check = getattr(importlib.import_module(module), name)
    return found


@dataclass(frozen=True, slots=True)
class Doubt:
    """In place of a verdict: what was seen is no mark by itself, and staff must look first."""

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
    """A curve from a figure to a credit: straight lines between knots (figure, credit), flat beyond the ends."""

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.knots:
            raise BadLimit(message("knots must contain at least one [figure, credit]"))
        if any(left[0] >= right[0] for left, right in pairwise(self.knots)):
            raise BadLimit(message("knots: figures must increase from one knot to the next"))
        if any(not 0.0 <= credit <= 1.0 for _, credit in self.knots):
            raise BadLimit(message("knots: credits must be between 0 and 1"))

    def credit(self, figure: float) -> float:
        """The credit for a figure, in [0, 1]."""
        if figure <= self.knots[0][0]:
            return self.knots[0][1]
        for (left, low), (right, high) in pairwise(self.knots):
            if figure <= right:
                return low + (high - low) * (figure - left) / (right - left)
        return self.knots[-1][1]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a check tries: its name for the table, its weight, its credit, and what is wrong with it."""

    name: Message
    weight: float
    credit: float
    faults: tuple[Message, ...] = ()


def add_up(parts: Sequence[Part], praise: Message, exhibits: tuple[Exhibit, ...] = ()) -> Verdict:
    """The weighted mean of the parts, and their first fault with the others as hints; `praise` where there is none."""
    whole = sum(part.weight for part in parts)
    credit = sum(part.weight * part.credit for part in parts) / whole
    faults = list(dict.fromkeys(fault for part in parts for fault in part.faults))
    rows = tuple((part.name, f"{part.weight / whole:.0%}", f"{part.credit:.0%}") for part in parts)
    columns = (message("What was tested"), message("Weight"), message("Credit"))
    table = Table(message("What was tested"), columns, rows)
    return Verdict(min(1.0, credit), faults[0] if faults else praise, tuple(faults[1:]), (table, *exhibits))


def printed_listing(lines: tuple[str, ...]) -> tuple[Exhibit, ...]:
    """What the student's code printed while it was tried, for the report; nothing where it printed nothing."""
    return (Listing(message("The student's output"), lines),) if lines else ()


def require_weights(**weights: float) -> None:
    """BadLimit unless every weight is at least 0 and some are more: for limits that say what a part counts."""
    wrong = next((name for name, weight in weights.items() if weight < 0.0), None)
    if wrong is not None:
        raise BadLimit(message("{name}: a weight must be at least 0", name=wrong))
    if not sum(weights.values()):
        raise BadLimit(
            message("{names}: at least one of these weights must be greater than 0", names=", ".join(weights))
        )
