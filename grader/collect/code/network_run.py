"""Runs a submission's own network on the test images and scores it.

It gets images without labels, in an order drawn for this run, mixed with mirrored and slightly shifted copies of some
and with training images. A trained network copes with that; a table of the test images, whose labels are public, does
not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grader.collect.budget import LEAST
from grader.collect.choosing import VERY_FEW, images_tried, no_training_images, options, try_each
from grader.collect.code.caller import Call, Caller
from grader.collect.equipment import Equipment, validated
from grader.collect.generalisation import Logits, OnTest, Part, Shuffled, counted, draw, secret_seed, shuffled
from grader.collect.pixels import with_pictures
from grader.collect.scoring import digest, score
from grader.collect.twice import Try, tried_twice
from grader.collect.weights import FOR_THE_REST, Weights, checkpoint_claim, cut_short, run_of
from grader.collect.yardstick import at_a_limit
from grader.dataset import ImageSet
from grader.disk.names import from_disk
from grader.disk.scratch import scratch
from grader.evidence import (
    Checkpoint,
    Failure,
    Measurement,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    Refused,
    Unavailable,
)
from grader.labs import the_lab
from grader.measures.choice import choose
from grader.records import Message, message
from grader.sandbox import ArraySpec, Job, Limits, Reply

TRIAL_IMAGES = 500  # the first training images: student code runs on the processor, in plain float32
FEW = 8  # images of the first try
PIXELS_IN_A_BATCH = 250 * 32 * 32  # as for the networks that the grader knows
KEPT_BACK = 0.75  # of the time that is left for the accuracy, while preprocessings are tried


@dataclass(frozen=True, slots=True)
class Fit:
    """A class or function in a script that builds a network for the handed-in weights."""

    script: str
    name: str
    line: int
    cell: int = 0  # of a notebook, counted from 1

    @property
    def file(self) -> str:
        """Where it stands: a file, or a cell of a notebook."""
        return f"{self.script}, cell {self.cell}" if self.cell else self.script


@dataclass(frozen=True, slots=True)
class Run:
    """The inputs for running a network."""

    caller: Caller
    equipment: Equipment
    path: str  # of the weights, in the submission
    weights: Path  # their file
    used: Preprocessing
    candidates: tuple[Preprocessing, ...] | None = None  # what may be right instead; None if `used` is certain
    most: int = PIXELS_IN_A_BATCH  # images in a batch

    @property
    def side(self) -> int:
        """Side of the images as the network sees them, in pixels."""
        resized = self.used.resize or the_lab().image_shape[-1]
        return min(self.used.crop, resized) or resized

    @property
    def batch(self) -> int:
        """Number of images per batch."""
        return max(1, min(self.most, PIXELS_IN_A_BATCH // self.side**2))

    def logits(self, fit: Fit, pixels: Path, count: int, limits: Limits | None) -> Reply | Failure:
        """Return logits of the first images of a file. Limits of None mean those of a small example."""
        inputs = {
            "weights": from_disk(self.weights.name), "name": fit.name, "threads": self.equipment.threads,
            "batch": self.batch, "run": run_of("images", self.used, count), "classes": the_lab().classes,
            "image": the_lab().image_shape,
        }  # fmt: skip
        files = {"checkpoint": self.weights, "images": pixels}
        arrays = {"logits": ArraySpec("<f4", (count, the_lab().classes))}
        call = Call(
            message("running {name}", name=fit.name),
            "code.own_network.run_network",
            inputs,
            arrays=arrays,
            files=files,
            limits=limits,
        )
        return self.caller.call_in(fit.script, call)


def measured(run: Run, fits: tuple[Fit, ...]) -> Weights | Failure:
    """Observe the weights with the network that fits, and their claims."""
    images = run.equipment.images
    if isinstance(images, Message):
        return Unavailable(images)
    job = Job(
        "weights.checkpoint.describe_weights",
        {"file": from_disk(run.weights.name)},
        {"checkpoint": run.weights},
        limits=run.equipment.left("accuracy"),
    )
    described = run.equipment.sandbox.run(job)  # where no student code runs
    if not isinstance(described, Reply):
        return described
    ready = _ready(run, fits, images)
    if not isinstance(ready, _Ready):
        return ready

    def attempt(one: Try) -> Weights | Failure:
        most = FEW if one.again else PIXELS_IN_A_BATCH
        found = _on_images(
            replace(ready, run=replace(ready.run, equipment=one.equipment, most=most)), described, images, one.limits
        )
        return cut_short(found) if one.again and isinstance(found, Weights) else found

    return tried_twice(attempt, run.equipment, "cpu", run.path)


@dataclass(frozen=True, slots=True)
class _Ready:
    """The network that fits, how it is run, and what was found out on the way."""

    run: Run
    fit: Fit
    printed: tuple[str, ...]
    choice: PreprocessingChoice | Failure | None


def _ready(run: Run, fits: tuple[Fit, ...], images: ImageSet) -> _Ready | Failure:
    """Choose the network that fits, and its preprocessing where that is open."""
    drawn = np.random.default_rng(secret_seed()).choice(len(images.labels("test")), size=FEW)
    with _written(images.images("test")[drawn]) as pixels:
        fit = _chosen(run, fits, pixels)
    if not isinstance(fit, Fit):
        return fit
    printed = run.caller.printed()
    choice = _try_options(run, fit, images)
    run.caller.printed()  # once for each option
    if isinstance(choice, PreprocessingChoice):
        run = replace(run, used=choose(choice).candidate.preprocessing)
    return _Ready(run, fit, printed, choice)


def _on_images(ready: _Ready, described: Reply, images: ImageSet, limits: Limits) -> Weights | Failure:
    """Run the network on the test images and on the first of the images beside them, in one order; score both."""
    run, fit = ready.run, ready.fit
    count = len(images.labels("test")[: run.equipment.part])
    drawn = draw(images, count, secret_seed()) if the_lab().calibrated else None
    more = drawn.first.pixels if drawn else images.images("test")[:0]
    shown = shuffled(np.concatenate([images.images("test")[:count], more]), drawn.seed if drawn else secret_seed())
    started = time.perf_counter()
    found = _logits(ready, shown, limits)
    seconds = round(time.perf_counter() - started, 3)
    if not isinstance(found, np.ndarray):
        return found
    printed = (*ready.printed, *run.caller.printed())
    logits, beside = np.split(found, [count])
    scores = score(logits, images.labels("test"), images.name, images.classes)

    def rest(part: Part) -> Logits | None:
        assert drawn is not None
        more = _logits(ready, shuffled(part.pixels, drawn.seed), run.equipment.left("accuracy", FOR_THE_REST))
        run.caller.printed()  # the same again
        return more if isinstance(more, np.ndarray) else None

    checkpoint, measurement = _described(ready, described, digest(logits), seconds)
    return Weights(
        checkpoint,
        with_pictures(scores, images),
        measurement,
        checkpoint_claim(described.value.get("claim"), run.path),
        validated(OwnNetwork, {"name": fit.name, "file": fit.file, "line": fit.line, "printed": printed}),
        counted(drawn, beside, OnTest(logits, scores, images), rest) if drawn else None,
        ready.choice,
    )


def _logits(ready: _Ready, shown: Shuffled, limits: Limits) -> Logits | Failure:
    """Return the logits of images in their order."""
    with _written(shown.pixels) as pixels:
        reply = ready.run.logits(ready.fit, pixels, len(shown.pixels), limits)
    return shown.in_order(reply.arrays["logits"]) if isinstance(reply, Reply) else reply


@contextmanager
def _written(pixels: NDArray[np.uint8]) -> Iterator[Path]:
    """Lend a file that holds images."""
    with scratch("images") as folder:
        file = folder / "images.npy"
        np.save(file, pixels)
        yield file


def _try_options(run: Run, fit: Fit, images: ImageSet) -> PreprocessingChoice | Failure | None:
    """Try the possible preprocessings on training images, if it is not certain which one is right."""
    if run.candidates is None or not run.equipment.choose_preprocessing:
        return None
    if not len(images.labels("train")):
        return no_training_images()
    tried = options(run.candidates)
    found: PreprocessingChoice | Failure | None = None
    for most, batch in ((TRIAL_IMAGES, PIXELS_IN_A_BATCH), (VERY_FEW, FEW)):
        count = images_tried(tried, len(images.labels("train")), most)
        shown, kept = (images.images_file("train"), count), run.equipment.left("accuracy", KEPT_BACK)
        one = partial(_under, replace(run, most=batch), fit, shown, kept)
        found = try_each(tried, one, images.labels("train")[:count])
        if not at_a_limit(found):
            break
    return found


def _under(run: Run, fit: Fit, shown: tuple[Path, int], kept: Limits, used: Preprocessing) -> Reply | Failure:
    """Run the network under a preprocessing on training images, as long as more than `kept` is left."""
    left = run.equipment.left("accuracy")
    limits = replace(left, seconds=max(LEAST, left.seconds - kept.seconds))
    return replace(run, used=used).logits(fit, *shown, limits)


def _chosen(run: Run, fits: tuple[Fit, ...], pixels: Path) -> Fit | Failure:
    """Choose the fit that works on a few images; several fits with the same outputs count as one."""
    replies = [(fit, run.logits(fit, pixels, FEW, None)) for fit in fits]
    working = [(fit, reply.arrays["logits"]) for fit, reply in replies if isinstance(reply, Reply)]
    if not working:
        _, first = replies[0]
        assert not isinstance(first, Reply)
        return first
    (fit, logits), *others = working
    for other, answer in others:
        if not np.allclose(logits, answer, rtol=1e-3, atol=1e-4, equal_nan=True):
            sentence = message(
                "{first} and {second} in {file} both build a network that fits the weights in {weights}, but their"
                " outputs differ, so the grader cannot tell which one was trained. Remove the other one.",
                first=fit.name,
                second=other.name,
                file=fit.file,
                weights=from_disk(run.weights.name),
            )
            return Refused("two_fit", sentence)
    return fit


def _described(
    ready: _Ready, described: Reply, logits_digest: str, seconds: float
) -> tuple[Checkpoint | Failure, Measurement | Failure]:
    """Build Checkpoint and Measurement from the answer of the sandbox without student code and from the run."""
    fields, machine = described.value.get("checkpoint"), described.value.get("machine")
    run, fit = ready.run, ready.fit
    own = {"path": run.path, "network": f"{fit.name} ({fit.file})"}
    assert isinstance(run.equipment.images, ImageSet)
    how = {
        "device": "cpu", "precision": "float32", "batch_size": run.batch, "side": run.side, "second_looks": 0,
        "seconds": seconds, "logits_digest": logits_digest, "dataset_digest": run.equipment.images.digest,
    }  # fmt: skip
    return (
        validated(Checkpoint, {**(fields if isinstance(fields, dict) else {}), **own}),
        validated(Measurement, {**(machine if isinstance(machine, dict) else {}), **how}),
    )
