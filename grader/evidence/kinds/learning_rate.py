"""`learning_rate` of exp2.py, called for every epoch, or the rates that the script trains with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Lines
from grader.evidence.registry import record


@record
@dataclass(frozen=True, slots=True)
class LearningRate:
    """The schedule, epoch by epoch; None: not finite. `again` holds the first epochs, called in reverse order."""

    rates: Annotated[tuple[float | None, ...], Field(min_length=1, max_length=500)]
    again: Annotated[tuple[float | None, ...], Field(max_length=20)]
    printed: Lines = ()
    form: Literal["function", "script"] = "function"  # "script": followed while the script ran, with little data
    unsure: bool = False  # a scheduler follows the training itself, or its number of batches
    kind: Literal["learning_rate"] = "learning_rate"
