"""How the weights handed in differ from those that students are given to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Name
from grader.evidence.registry import record
from grader.records import strict


@strict
@dataclass(frozen=True, slots=True)
class StartingPoint:
    """A file of weights of the same network. `same`: every weight is equal, as far as the handed-in precision goes."""

    file: Name
    of_the_lab: bool  # as the lab hands it out; otherwise a file of that name in the submission
    same: bool
    distance: Annotated[float, Field(ge=0.0)]  # of the two in all parameters, relative to the norm of the given ones


@record
@dataclass(frozen=True, slots=True)
class GivenWeights:
    """The comparisons that were possible: with weights of another network there is none."""

    path: Name  # of the weights handed in
    compared: Annotated[tuple[StartingPoint, ...], Field(max_length=4)]
    kind: Literal["given_weights"] = "given_weights"
