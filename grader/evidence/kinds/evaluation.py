"""`test` of exp2.py on unseen networks and data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Lines, Name
from grader.evidence.kinds.calls import FailedCall, Figure
from grader.evidence.registry import record
from grader.records import strict


@strict
@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """One call of `test`: a network, a loader, the result, and its effects on the network."""

    setting: Literal["equal batches", "short last batch", "layers that eval() switches"]
    classes: Count
    images: Count
    batch: Count
    loss: Figure | None  # None: the function shows none
    accuracy: Figure  # percent
    images_seen: Count
    trained: bool  # some part was in training mode while the network ran
    gradients: bool  # gradients were tracked while the network ran
    left_gradients: bool
    mode_kept: bool
    changed: Annotated[tuple[Name, ...], Field(max_length=20)]  # parameters and buffers with other values afterwards
    training: bool = True  # the mode in which the network came


@record
@dataclass(frozen=True, slots=True)
class Evaluation:
    """`test` of exp2.py on unseen networks and data."""

    runs: Annotated[tuple[EvaluationRun, ...], Field(max_length=10)]
    failed: Annotated[tuple[FailedCall, ...], Field(max_length=10)] = ()
    printed: Lines = ()
    form: Literal["template", "course"] = "template"  # "course": test(epoch), which works on names of its module
    kind: Literal["evaluation"] = "evaluation"
