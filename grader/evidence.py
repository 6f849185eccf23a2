"""What each probe may report: plain records, validated on the way in, from which checks judge.

A record is what was *observed*, never what it is worth. Every record can be written to JSON and read back, so that a
class can be marked again next week without running anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar, cast

from pydantic import Field, TypeAdapter

from grader.records import Message, Parts, Student, SubmittedFile, strict

Name = Annotated[str, Field(max_length=500)]  # nothing that a person reads in one glance is longer
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


@strict
@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a submission, by name and size in bytes."""

    files: tuple[SubmittedFile, ...]
    parts: Parts
    kind: Literal["layout"] = "layout"


@strict
@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task of the template that still raises NotImplementedError with its number."""

    number: Name  # "2.1"
    text: Name
    file: Name
    line: Count


@strict
@dataclass(frozen=True, slots=True)
class Tasks:
    """The template's tasks that are not done, in the order of files and lines; none for a submission without it."""

    open: Annotated[tuple[OpenTask, ...], Field(max_length=50)]
    kind: Literal["tasks"] = "tasks"

    def numbers(self, file: str = "") -> str:
        """The numbers, of one file or of all, for a sentence: "2.1, 2.2"; "" for none."""
        return ", ".join(task.number for task in self.open if not file or task.file == file)


@strict
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `final.pth` is, as the checkpoint child found it."""

    path: Name
    form: Literal["state dict", "wrapped state dict", "whole module"]
    wrapper: Name  # the key path that led to the state dict, "" for none: "net"
    network: Name  # "resnet20, shortcut A"
    parameters: Count
    dtypes: Annotated[tuple[Name, ...], Field(max_length=20)]  # as stored: "float16"
    extra_keys: Annotated[tuple[Name, ...], Field(max_length=200)]  # listed and never touched
    renamed: Annotated[tuple[Name, ...], Field(max_length=20)]  # spellings that were understood: "module. left out"
    unloaded: Annotated[tuple[Name, ...], Field(max_length=50)]  # classes whose code stayed out
    spare_weights: Annotated[tuple[Name, ...], Field(max_length=200)] = ()  # of the extra keys, what may be layers
    kind: Literal["checkpoint"] = "checkpoint"


@strict
@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How images become network inputs: resized and cropped where asked, then (pixel / scale - mean) / std."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Annotated[int, Field(ge=0, le=512)] = 0  # side in pixels; 0: as the data set has it
    crop: Annotated[int, Field(ge=0, le=512)] = 0  # side of the centre that is kept, pixels; 0: all of it
    scale: Annotated[float, Field(gt=0.0)] = 255.0  # 1.0 for a network that takes 0 to 255
    blue_first: bool = False  # as cv2 reads files
    source: Name = ""  # "exp2.py"; "" for the template's constants
    line: Count = 0
    also_found: Annotated[tuple[Name, ...], Field(max_length=20)] = ()  # other, differing places, as "file, line 3"
    kind: Literal["preprocessing"] = "preprocessing"


@strict
@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of one tenth of the confidence scale: how many, how confident on average, how many right."""

    count: Count
    confidence: Share
    correct: Count


@strict
@dataclass(frozen=True, slots=True)
class TestScores:
    """The handed-in weights on the test images, computed outside the sandbox from logits."""

    __test__ = False  # pytest collects classes named Test*

    dataset: Name
    classes: tuple[Name, ...]
    correct: Count
    count: Annotated[int, Field(gt=0)]
    confusion: tuple[tuple[int, ...], ...]  # rows the truth, columns the prediction
    calibration: tuple[Bin, ...]
    not_finite: Count  # images whose logits hold NaN or infinity: counted as wrong
    whole: Count = 0  # images of the whole test set, where only its first `count` were measured
    kind: Literal["test_scores"] = "test_scores"


@strict
@dataclass(frozen=True, slots=True)
class Measurement:
    """How the logits were computed: enough to compute them again."""

    torch: Name
    device: Name
    device_name: Name
    precision: Name
    batch_size: Count
    side: Count  # of the images as the network saw them, pixels
    second_looks: Count  # images evaluated in bfloat16 first and in float32 again
    seconds: Annotated[float, Field(ge=0.0)]
    logits_digest: Name
    dataset_digest: Name
    kind: Literal["measurement"] = "measurement"


@strict
@dataclass(frozen=True, slots=True)
class Trial:
    """The same weights on a fixed part of the training images under one preprocessing."""

    name: Name
    preprocessing: Preprocessing
    correct: Count
    count: Annotated[int, Field(gt=0)]


@strict
@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Tried where the accuracy is low or far from a claim; the first trial is the preprocessing that was graded."""

    trials: tuple[Trial, ...]
    kind: Literal["diagnosis"] = "diagnosis"


@strict
@dataclass(frozen=True, slots=True)
class Epoch:
    """One record of a history; accuracies in percent as written; None where missing or not a finite number."""

    epoch: int
    learning_rate: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None


@strict
@dataclass(frozen=True, slots=True)
class History:
    """The training history as handed in, in its own order."""

    source: Name
    epochs: Annotated[tuple[Epoch, ...], Field(max_length=5000)]
    not_numbers: Count = 0  # values that are NaN, infinite or no number at all
    fractions: bool = False  # accuracies were written as 0 to 1 and are given here in percent
    model: Name = ""
    recipe: Name = ""
    resumed_from: Name = ""
    kind: Literal["history"] = "history"


@strict
@dataclass(frozen=True, slots=True)
class Claim:
    """An accuracy that the submission states, as a share, with the words around it."""

    accuracy: Share
    source: Name
    line: Count  # 0 where lines mean nothing
    quote: Name


@strict
@dataclass(frozen=True, slots=True)
class Claims:
    """Every test accuracy that a submission states, in the order in which they were found."""

    claims: Annotated[tuple[Claim, ...], Field(max_length=100)]
    unread: Annotated[tuple[Name, ...], Field(max_length=50)] = ()  # files that could not be read, with the reason
    kind: Literal["claims"] = "claims"


# --- what student code did, run on inputs that it has not seen ---------------------------------------------------

Lines = Annotated[tuple[Annotated[str, Field(max_length=400)], ...], Field(max_length=200)]


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


Record = (
    Layout
    | Tasks
    | Checkpoint
    | Preprocessing
    | TestScores
    | Measurement
    | Diagnosis
    | History
    | Claims
    | LearningRates
    | TestRuns
    | Fits
    | FeatureVectors
)


# --- what became of looking ------------------------------------------------------------------------------------


@strict
@dataclass(frozen=True, slots=True)
class Seen:
    """The probe reported; the record was validated."""

    value: Annotated[Record, Field(discriminator="kind")]
    outcome: Literal["seen"] = "seen"


@strict
@dataclass(frozen=True, slots=True)
class Refused:
    """What was handed in cannot be used, and the student can mend it: one sentence says how."""

    message: Message
    details: tuple[str, ...] = ()
    outcome: Literal["refused"] = "refused"


@strict
@dataclass(frozen=True, slots=True)
class Crashed:
    """The child died. `tail` holds its last lines."""

    tail: str
    outcome: Literal["crashed"] = "crashed"


@strict
@dataclass(frozen=True, slots=True)
class TimedOut:
    """The child was ended at its time limit."""

    seconds: float
    outcome: Literal["timed out"] = "timed out"


@strict
@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The child was ended at its memory limit."""

    megabytes: int
    outcome: Literal["out of memory"] = "out of memory"


@strict
@dataclass(frozen=True, slots=True)
class PrintedTooMuch:
    """The child was ended because it printed without end; limit in bytes."""

    bytes: int
    outcome: Literal["printed too much"] = "printed too much"


@strict
@dataclass(frozen=True, slots=True)
class Malformed:
    """The child's answer is not of the agreed form; it is thrown away whole."""

    reason: str
    outcome: Literal["malformed"] = "malformed"


@strict
@dataclass(frozen=True, slots=True)
class Unavailable:
    """We could not look: no data set, no sandbox. Never the student's fault."""

    message: Message
    outcome: Literal["unavailable"] = "unavailable"


Failure = Refused | Crashed | TimedOut | OutOfMemory | PrintedTooMuch | Malformed | Unavailable
Observation = Seen | Failure

R = TypeVar("R")


@strict
@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was observed of one submission; the sole input of judging."""

    student: Student
    digest: str
    archive: str
    observations: tuple[tuple[str, Annotated[Observation, Field(discriminator="outcome")]], ...]  # by record kind
    notes: tuple[Message, ...] = ()
    sandbox: str = ""

    def observation(self, record: type[object]) -> Observation:
        """What became of looking for this kind of record."""
        kind = kind_of(record)
        for name, outcome in self.observations:
            if name == kind:
                return outcome
        return Malformed(f"no observation of {kind} was collected")

    def seen(self, record: type[R]) -> R | None:
        """The record itself, or None where it was not seen."""
        outcome = self.observation(record)
        return cast("R", outcome.value) if isinstance(outcome, Seen) else None


def kind_of(record: type[object]) -> str:
    """The name under which a record is stored: the default of its `kind` field."""
    return str(record.__dataclass_fields__["kind"].default)  # type: ignore[attr-defined]


EVIDENCE: TypeAdapter[Evidence] = TypeAdapter(Evidence)
