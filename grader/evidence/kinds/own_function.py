"""`own_function` of exp1.py, called on points of the exercise's range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Lines
from grader.evidence.registry import record

Values = Annotated[tuple[float | None, ...], Field(min_length=2, max_length=500)]  # None: not finite


@record
@dataclass(frozen=True, slots=True)
class OwnFunction:
    """Values at evenly spaced points from `low` to `high`, and the lab's function at the same points.

    `alone` holds the last values again, from a call with only their points.
    """

    low: float
    high: float
    values: Values
    alone: Values
    lab: Values
    printed: Lines = ()
    kind: Literal["own_function"] = "own_function"
