"""What student code did, run on inputs that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Lines, Name
from grader.records import Message, strict


@strict
@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that gave nothing to judge, beside others that did; `call` says which: "normalise"."""

    call: Name
    message: Message


@strict
@dataclass(frozen=True, slots=True)
class LearningRates:
    """The schedule, epoch by epoch; None for what is not finite. `again`: the first ones, asked backwards."""

    rates: Annotated[tuple[float | None, ...], Field(min_length=1, max_length=500)]
    again: Annotated[tuple[float | None, ...], Field(max_length=20)]
    printed: Lines = ()
    kind: Literal["learning_rates"] = "learning_rates"


@strict
@dataclass(frozen=True, slots=True)
class Figure:
    """A returned number (None: not finite), the right one, and what the usual mistakes would give, by their names."""

    seen: float | None
    right: float
    mistakes: Annotated[tuple[tuple[Name, float], ...], Field(max_length=20)] = ()


@strict
@dataclass(frozen=True, slots=True)
class TestRun:
    """One call of `test`: a network, a loader, what came back and what it did to the network."""

    __test__ = False  # pytest collects classes named Test*

    setting: Literal["equal batches", "short last batch", "layers that eval() switches"]
    classes: Count
    images: Count
    batch: Count
    loss: Figure
    accuracy: Figure  # percent
    images_seen: Count
    trained: bool  # some part was in training mode while the network ran
    gradients: bool  # gradients were prepared while the network ran
    left_gradients: bool
    mode_kept: bool
    changed: Annotated[tuple[Name, ...], Field(max_length=20)]  # parameters and buffers with other values afterwards


@strict
@dataclass(frozen=True, slots=True)
class TestRuns:
    """`test` of exp2.py on networks and data that it has not seen."""

    __test__ = False  # pytest collects classes named Test*

    runs: Annotated[tuple[TestRun, ...], Field(max_length=10)]
    failed: Annotated[tuple[FailedCall, ...], Field(max_length=10)] = ()
    printed: Lines = ()
    kind: Literal["test_runs"] = "test_runs"


@strict
@dataclass(frozen=True, slots=True)
class Fit:
    """One call of `fit`. Errors are mean squared ones, worked out outside from the weights; None: not finite."""

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
class Moved:
    """How far a few epochs at this rate moved the weights (Euclidean); None: not finite."""

    learning_rate: float
    distance: float | None


@strict
@dataclass(frozen=True, slots=True)
class Fits:
    """`fit` of exp1.py on points that it has not seen."""

    fits: Annotated[tuple[Fit, ...], Field(max_length=10)]
    moved: Annotated[tuple[Moved, ...], Field(max_length=10)]
    failed: Annotated[tuple[FailedCall, ...], Field(max_length=10)] = ()
    printed: Lines = ()
    kind: Literal["fits"] = "fits"


@strict
@dataclass(frozen=True, slots=True)
class Extracted:
    """Features of a network with drawn weights: their shape, and how far they lie from what they should be.

    Distances are the largest difference as a share of the largest right value; None where none could be worked out.
    """

    network: Name
    shape: Annotated[tuple[int, ...], Field(max_length=8)]
    wanted: Annotated[tuple[int, ...], Field(max_length=8)]
    logits: Count  # columns of the network's own last layer
    distance: float | None
    mistakes: Annotated[tuple[tuple[Name, float], ...], Field(max_length=10)] = ()  # distance from what each would give


@strict
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
