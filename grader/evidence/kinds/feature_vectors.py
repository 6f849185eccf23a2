"""`alexnet_features`, `resnet50_features` and `normalise` of extract_features.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Lines, Name
from grader.evidence.kinds.calls import FailedCall
from grader.evidence.registry import record
from grader.records import strict


@strict
@dataclass(frozen=True, slots=True)
class Extracted:
    """Features of a network with random weights: their shape, and their distance from the correct ones.

    Distances are the largest difference relative to the largest correct value; None if not computable.
    """

    network: Name
    shape: Annotated[tuple[int, ...], Field(max_length=8)]
    wanted: Annotated[tuple[int, ...], Field(max_length=8)]
    logits: Count  # columns of the network's own last layer
    distance: float | None
    mistakes: Annotated[tuple[tuple[Name, float], ...], Field(max_length=10)] = ()  # distance from what each would give


@record
@dataclass(frozen=True, slots=True)
class FeatureVectors:
    """`alexnet_features`, `resnet50_features` and `normalise` of extract_features.py; rows None: of another shape."""

    extracted: Annotated[tuple[Extracted, ...], Field(max_length=10)]
    rows: tuple[tuple[float, ...], ...]  # given to `normalise`
    normalised: tuple[tuple[float | None, ...], ...] | None  # what came back
    normalised_shape: Annotated[tuple[int, ...], Field(max_length=8)] = ()
    failed: Annotated[tuple[FailedCall, ...], Field(max_length=10)] = ()
    printed: Lines = ()
    kind: Literal["feature_vectors"] = "feature_vectors"
