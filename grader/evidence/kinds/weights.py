"""Records about the weights: checkpoint, preprocessing, scores, further trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Lines, Name, Share
from grader.evidence.registry import record
from grader.evidence.wording import Wording
from grader.records import Picture, strict


@record
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the checkpoint process found in `final.pth`."""

    path: Name
    form: Literal["state dict", "wrapped state dict", "whole module"]
    wrapper: Name  # the key path that led to the state dict, "" for none: "net"
    network: Name  # "resnet20, shortcut A"
    parameters: Count
    dtypes: Annotated[tuple[Name, ...], Field(max_length=20)]  # as stored: "float16"
    extra_keys: Annotated[tuple[Name, ...], Field(max_length=200)]  # listed and never touched
    renamed: Annotated[tuple[Wording, ...], Field(max_length=20)]  # spellings that were understood
    unloaded: Annotated[tuple[Name, ...], Field(max_length=50)]  # classes whose code was not loaded
    spare_weights: Annotated[tuple[Name, ...], Field(max_length=200)] = ()  # of the extra keys, what may be layers
    values: Name = ""  # SHA-256 of all real values, whatever they are called; "" where that would tell nothing
    kind: Literal["checkpoint"] = "checkpoint"


@record
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
    also_found: Annotated[tuple[Wording, ...], Field(max_length=20)] = ()  # other, differing places
    kind: Literal["preprocessing"] = "preprocessing"


@strict
@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions within one tenth of the confidence scale: count, mean confidence, number correct."""

    count: Count
    confidence: Share
    correct: Count


@strict
@dataclass(frozen=True, slots=True)
class Mistake:
    """A misclassified test image: its index, true class, predicted class, and the softmax of the prediction."""

    image: Count
    truth: Name
    answer: Name
    confidence: Share
    picture: Picture | None = None


@record
@dataclass(frozen=True, slots=True)
class Accuracy:
    """The handed-in weights on the test images, computed outside the sandbox from logits."""

    dataset: Name
    classes: tuple[Name, ...]
    correct: Count
    count: Annotated[int, Field(gt=0)]
    confusion: tuple[tuple[int, ...], ...]  # rows are true classes, columns are predictions
    calibration: tuple[Bin, ...]
    not_finite: Count  # images whose logits hold NaN or infinity: counted as wrong
    whole: Count = 0  # images of the whole test set, where only its first `count` were measured
    surest_mistakes: Annotated[tuple[Mistake, ...], Field(max_length=20)] = ()  # the most confident first
    cut_short: bool = False  # time or memory did not suffice for more images
    kind: Literal["measured_accuracy"] = "measured_accuracy"


@record
@dataclass(frozen=True, slots=True)
class Measurement:
    """How the logits were computed, in enough detail to recompute them."""

    torch: Name
    device: Name
    device_name: Name
    precision: Wording
    batch_size: Count
    side: Count  # of the images as the network saw them, pixels
    second_looks: Count  # images evaluated in a fast way first and in plain float32 again
    seconds: Annotated[float, Field(ge=0.0)]
    logits_digest: Name
    dataset_digest: Name
    kind: Literal["measurement"] = "measurement"


@strict
@dataclass(frozen=True, slots=True)
class Trial:
    """The same weights on a fixed part of the training images under one preprocessing."""

    name: Wording
    preprocessing: Preprocessing
    correct: Count
    count: Annotated[int, Field(gt=0)]


@record
@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Trials for a low accuracy or one far from a claim; the first trial is the preprocessing that was graded."""

    trials: tuple[Trial, ...]
    kind: Literal["diagnosis"] = "diagnosis"


@strict
@dataclass(frozen=True, slots=True)
class Candidate:
    """The same weights on a fixed part of the training images under one of several possible preprocessings.

    "The best" is the first of those with the most images classified correctly.
    """

    name: Wording
    preprocessing: Preprocessing
    correct: Count
    only_best: Count  # images that the best one classifies correctly and this one does not
    only_this: Count  # the other way round
    agreeing: Count  # images that both give the same class


@record
@dataclass(frozen=True, slots=True)
class PreprocessingChoice:
    """What was tried because the code does not say with certainty how test images are preprocessed.

    Candidates found in the code come first, then the lab's own preprocessing, then the usual alternatives.
    """

    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1, max_length=30)]
    count: Annotated[int, Field(gt=0)]  # training images
    kind: Literal["preprocessing_choice"] = "preprocessing_choice"


@record
@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """The submission's own class that was run with the weights."""

    name: Name  # of the class, or of the function that builds the network
    file: Name
    line: Count
    printed: Lines = ()
    kind: Literal["own_network"] = "own_network"


@record
@dataclass(frozen=True, slots=True)
class Generalisation:
    """The same weights on images that no table of the test images holds: moved copies of some, and training images.

    A moved copy is mirrored and slightly shifted. Which images were taken was drawn from `seed`. Hard are the test
    images that the reference network gets wrong.
    """

    seed: Count
    moved: Annotated[int, Field(gt=0)]
    correct_moved: Count  # of the copies
    correct_before: Count  # of the same images unmoved
    training: Count = 0  # training images; 0 in evidence from before they were looked at
    correct_training: Count = 0
    hard: Count = 0  # 0 where they are not known: any images but those of CIFAR-10, all of them; earlier evidence
    correct_hard: Count = 0
    kind: Literal["generalisation"] = "generalisation"
