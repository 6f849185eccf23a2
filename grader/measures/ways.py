"""Ways from images to scores, as data: the allowed ones, and the mistakes that are tried as explanations of a report.

A new hypothesis is one entry; `python benchmarks/retrieval_rule.py` measures how reliably it is recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from grader.evidence import Pipeline
from grader.evidence.kinds.retrieval import Metric
from grader.labs import Lab, the_lab
from grader.records import Message, message

Tap = Literal["head", "last", "map", "position", "logits", "softmax"]
Compare = Literal["cosine", "dot", "query", "columns", "distance", "unit distance"]


@dataclass(frozen=True, slots=True)
class Way:
    """One way from images to scores. `change` overrides fields of the declared Pipeline."""

    name: str
    change: Mapping[str, Any] = field(default_factory=dict)
    to_crop: bool = False  # resized directly to the crop size
    training: bool = False  # BatchNorm uses the statistics of each single image
    bfloat16: bool = False  # convolutions and products in half precision
    tap: Tap = "head"
    compare: Compare = "cosine"
    largest_first: bool = True  # how the ranking is sorted by these scores
    metric: Metric | None = None  # tried only if the report states this metric

    @property
    def only_sorts(self) -> bool:
        """Whether its scores are correct and only their order is wrong."""
        return not (self.change or self.to_crop or self.training) and (self.tap, self.compare) == ("head", "cosine")

    def pipeline(self, declared: Pipeline) -> Pipeline:
        """Return the declared pipeline with the changes of this way."""
        side = (declared.crop or declared.resize) if self.to_crop else declared.resize
        return replace(declared, **{"resize": side, **self.change})

    def differs(self, declared: Pipeline) -> bool:
        """Return whether this way differs from the declared one."""
        right = (declared, False, "head", "cosine", True)
        return (self.pipeline(declared), self.training, self.tap, self.compare, self.largest_first) != right


DECLARED = Way("as declared")

ALLOWED = (  # honest choices that a report seldom states; tried if the declared way does not fit
    Way("not antialiased", {"antialias": False}),
    Way("antialiased", {"antialias": True}),
    Way("bicubic", {"interpolation": "bicubic", "antialias": True}),
    Way("last linear layer", tap="last"),
    Way("bfloat16", bfloat16=True),  # matters if scores are very close to each other
)
SAID_OF_ALLOWED = {
    "not antialiased": message("resized without antialiasing, as cv2 and older torchvision do"),
    "antialiased": message("resized with antialiasing"),
    "bicubic": message("bicubic interpolation"),
    "last linear layer": message("the input of the last linear layer as features"),
    "bfloat16": message("computed in bfloat16"),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong way. `said` describes what happened, `mend` says which line to change."""

    way: Way
    said: Message
    mend: Message


RAW = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def mistakes() -> tuple[Mistake, ...]:
    """Return the mistakes that are tried as explanations, with what is said of them in this lab."""
    return _mistakes(the_lab())


def mistake_called(name: str) -> Mistake:
    """Return the mistake of this name."""
    return next(mistake for mistake in mistakes() if mistake.way.name == name)


@cache
def _mistakes(lab: Lab) -> tuple[Mistake, ...]:
    return (
        Mistake(
            Way("BatchNorm in training mode", training=True),
            message(
                "BatchNorm ran in training mode: each image was normalised with its own statistics, which makes all"
                " images nearly alike"
            ),
            message(
                "In {features_script}, call model.eval() after loading the model.", features_script=lab.features_script
            ),
        ),
        Mistake(
            Way("input from 0 to 255", {**RAW, "scale": 1.0}),
            message("the network received pixels from 0 to 255"),
            message("Divide by 255 (transforms.ToTensor() does this) and normalise as the network's weights require."),
        ),
        Mistake(
            Way("input not normalised", RAW),
            message("the input was not normalised: the network received pixels from 0 to 1"),
            message("Add transforms.Normalize(mean, std) with the values for the network's weights."),
        ),
        Mistake(
            Way("mean and deviation 0.5", {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}),
            message("the input was normalised with mean and standard deviation 0.5, not with those declared"),
            message(
                "Use the values for the network's weights in transforms.Normalize; for ImageNet: (0.485, 0.456, 0.406),"
                " (0.229, 0.224, 0.225)."
            ),
        ),
        Mistake(
            Way("CIFAR-10's mean and deviation", {"mean": lab.mean, "std": (0.2023, 0.1994, 0.2010)}),
            message(
                "the input was normalised with {dataset}'s mean and standard deviation, not with those declared",
                dataset=lab.dataset,
            ),
            message(
                "Use the values for the network's weights in transforms.Normalize; for ImageNet: (0.485, 0.456, 0.406),"
                " (0.229, 0.224, 0.225)."
            ),
        ),
        Mistake(
            Way("blue first", {"blue_first": True}),
            message("red and blue are swapped (BGR), the order in which cv2 reads files"),
            message("Convert with cv2.cvtColor(image, cv2.COLOR_BGR2RGB), or read images with PIL."),
        ),
        Mistake(
            Way("resized to a square", {"squash": True, "crop": 0}, to_crop=True),
            message("images were resized directly to a square, not as declared"),
            message(
                "Declare this under 'preprocess' in {retrieval}, or resize the shorter side to 256 and crop to 224.",
                retrieval=lab.retrieval,
            )
            if lab.retrieval
            else message("Resize the shorter side to 256 and crop to 224."),
        ),
        Mistake(
            Way("not cropped", {"crop": 0}),
            message("images were resized without cropping, not as declared"),
            message("Add transforms.CenterCrop(224) after the resize, or declare the preprocessing that you used."),
        ),
        Mistake(
            Way("resized to the crop", to_crop=True),
            message("the shorter side was resized to the crop size, not as declared"),
            message("Use transforms.Resize(256) before CenterCrop(224), or declare the preprocessing that you used."),
        ),
        Mistake(
            Way("map not pooled", tap="map"),
            message("features were taken before the pooling: a map per channel, not one number"),
            message("Return model.avgpool(x).flatten(1) as features."),
        ),
        Mistake(
            Way("logits", tap="logits"),
            message("the network's class scores (logits) were used as features"),
            message("Return the input of the last layer, not its output: stop before model.fc or model.classifier."),
        ),
        Mistake(
            Way("softmax", tap="softmax"),
            message("the network's class probabilities (softmax) were used as features"),
            message("Return the input of the last layer, not its output: stop before model.fc or model.classifier."),
        ),
        Mistake(
            Way("dot product of features", compare="dot"),
            message("scores are dot products of features that were not scaled to unit length"),
            message("Divide each row of features by its Euclidean length (normalise) before similarity()."),
        ),
        Mistake(
            Way("only the query normalised", compare="query"),
            message("only the query's features were scaled to unit length, not those of the library"),
            message("Call normalise() on the library's features as well."),
        ),
        Mistake(
            Way("normalised over the wrong axis", compare="columns"),
            message("features were normalised across the images, not within each image"),
            message("In normalise(), compute the length of each row: dim=1."),
        ),
        Mistake(
            Way("normalised per position", tap="position", compare="dot"),
            message("features were normalised at each position of the map before they were flattened"),
            message("Flatten first, then normalise each row: normalise(x.flatten(1))."),
        ),
        Mistake(
            Way("distance of features as they are", compare="distance", largest_first=False),
            message("distances were computed from features that were not scaled to unit length"),
            message("Divide each row of features by its Euclidean length (normalise) before similarity()."),
        ),
        Mistake(
            Way("distance called similarity", compare="unit distance", largest_first=False, metric="cosine"),
            message("scores reported as cosine are Euclidean distances"),
            message(
                "Write 'euclidean' under 'metric' in {retrieval}, or compute the cosine: queries @ library.T.",
                retrieval=lab.retrieval,
            )
            if lab.retrieval
            else message(
                "Call them Euclidean distances in {report}, or compute the cosine: queries @ library.T.",
                report=lab.rankings_in,
            ),
        ),
        Mistake(
            Way("distance called similarity, largest first", compare="unit distance", metric="cosine"),
            message("scores reported as cosine are Euclidean distances, and the ranking lists the farthest images"),
            message("In similarity(), compute the cosine: queries @ library.T."),
        ),
        Mistake(
            Way("similarity sorted the wrong way", largest_first=False, metric="cosine"),
            message("the ranking lists the least similar images: the largest cosine is the best"),
            message(
                "In {retrieval_script}, call top_k with largest=True for cosine.", retrieval_script=lab.retrieval_script
            ),
        ),
        Mistake(
            Way("distance sorted the wrong way", largest_first=False, metric="euclidean"),
            message("the ranking lists the farthest images: the smallest distance is the best"),
            message(
                "In {retrieval_script}, call top_k with largest=False for euclidean.",
                retrieval_script=lab.retrieval_script,
            ),
        ),
    )
