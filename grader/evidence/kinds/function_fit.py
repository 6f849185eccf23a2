"""`fit` of exp1.py on unseen points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Lines
from grader.evidence.kinds.calls import FailedCall
from grader.evidence.registry import record
from grader.records import strict


@strict
@dataclass(frozen=True, slots=True)
class Fit:
    """One call of `fit`. Errors are mean squared errors, computed outside from the weights; None: not finite."""

    function: Literal["the lab's function", "another function"]
    points: Count
    epochs: Count
    learning_rate: float
    spread: Annotated[float, Field(gt=0.0)]  # variance of the function: the error of the best constant
    between: float | None  # error between the training points, afterwards
    before: float  # error on the training points before training
    after: float | None  # and afterwards
    losses: Annotated[tuple[tuple[int, float | None], ...], Field(min_length=1, max_length=200)]  # (epoch, loss), some
    count: Count  # of all losses that came back


@strict
@dataclass(frozen=True, slots=True)
class WeightsMoved:
    """How far a few epochs at this rate moved the weights (Euclidean distance); None: not finite."""

    learning_rate: float
    distance: float | None


@record
@dataclass(frozen=True, slots=True)
class FunctionFit:
    """`fit` of exp1.py on unseen points."""

    fits: Annotated[tuple[Fit, ...], Field(max_length=10)]
    moved: Annotated[tuple[WeightsMoved, ...], Field(max_length=10)]
    failed: Annotated[tuple[FailedCall, ...], Field(max_length=10)] = ()
    printed: Lines = ()
    kind: Literal["function_fit"] = "function_fit"
