"""Measures the handed-in weights: chooses the file, runs it in the sandbox, scores its logits against labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.collect.documents import Documents, not_written
from grader.collect.equipment import Equipment, validated
from grader.collect.generalisation import Logits, OnTest, Part, counted, draw, seed_of
from grader.collect.pixels import with_pictures
from grader.collect.scoring import digest, score
from grader.collect.twice import Try, tried_twice
from grader.dataset import ImageSet
from grader.disk.names import from_disk
from grader.disk.scratch import scratch
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claim,
    Failure,
    Generalisation,
    Measurement,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    Refused,
    Unavailable,
)
from grader.evidence.fields import LONGEST
from grader.intake import place
from grader.labs import the_lab
from grader.records import Message, Submission, fits, in_question, message
from grader.sandbox import ArraySpec, Job, Limits, Reply

FOR_THE_REST = 0.5  # of the time that is left for the accuracy


@dataclass(frozen=True, slots=True)
class Weights:
    """The observations of the weights; `claims` are those that the file itself makes.

    `own` is set if the submission's own class was run instead of one of the grader's networks.
    """

    checkpoint: Checkpoint | Failure
    accuracy: Accuracy | Failure
    measurement: Measurement | Failure
    claims: tuple[Claim, ...] = ()
    own: OwnNetwork | Failure | None = None
    generalisation: Generalisation | None = None
    choice: PreprocessingChoice | Failure | None = None  # if the preprocessing was open with the submission's own class


def measure(submission: Submission, equipment: Equipment, documents: Documents) -> Weights:
    """Run the weights on the test images with the normalisation stated in the code, and score them."""
    chosen = choose_checkpoint(submission) or not_written(the_lab().checkpoint, documents.open_tasks)
    used = documents.preprocessing
    if not isinstance(chosen, str):
        return without(chosen)
    if not isinstance(used, Preprocessing):
        return without(used)
    return on_test_images(Weighed(submission, chosen, equipment, used))


@dataclass(frozen=True, slots=True)
class Weighed:
    """A file of weights by its path in the submission, and how a network of ours is run with it."""

    submission: Submission
    path: str
    equipment: Equipment
    used: Preprocessing
    variant: str = ""  # of the network; "" where the weights leave no choice
    limits: Limits | None = None  # of a job; None: what is left for the accuracy

    def job(self, runs: list[dict[str, Any]]) -> Job:
        """Return the job of these runs."""
        job = job_of(place(self.submission, self.path), self.equipment, runs, "test", self.variant)
        return replace(job, limits=self.limits) if self.limits else job


def on_test_images(weighed: Weighed) -> Weights:
    """Run the weights on the test images, on a few where time or memory does not suffice for all, and score them."""
    images, sandbox = weighed.equipment.images, weighed.equipment.sandbox
    if not isinstance(images, ImageSet):
        reply = sandbox.run(weighed.job([]))
        return scored(reply, weighed.path, images) if isinstance(reply, Reply) else without(reply)

    def attempt(one: Try) -> Weights | Failure:
        found = _beside_others(replace(weighed, equipment=one.equipment, limits=one.limits), images)
        return cut_short(found) if one.again and isinstance(found, Weights) else found

    found = tried_twice(attempt, weighed.equipment, weighed.equipment.device, weighed.path)
    return found if isinstance(found, Weights) else without(found)


def cut_short(found: Weights) -> Weights:
    """Note that time or memory did not suffice for more images."""
    if not isinstance(found.accuracy, Accuracy):
        return found
    return replace(found, accuracy=replace(found.accuracy, cut_short=True))


def _beside_others(weighed: Weighed, images: ImageSet) -> Weights | Failure:
    """Run the weights on the test images and, in the same job, on the first of the images beside them; score both."""
    count = len(images.labels("test")[: weighed.equipment.part])
    on_all = run_of("images", weighed.used, count)
    if not the_lab().calibrated:
        alone = weighed.equipment.sandbox.run(weighed.job([on_all]))
        return scored(alone, weighed.path, images) if isinstance(alone, Reply) else alone
    drawn = draw(images, count, seed_of(weighed.submission.digest))
    reply = _run_beside(weighed, drawn.first, [on_all])
    if not isinstance(reply, Reply):
        return reply
    found = scored(reply, weighed.path, images)
    if not isinstance(found.accuracy, Accuracy):
        return found

    def rest(part: Part) -> Logits | None:
        more = _run_beside(replace(weighed, limits=weighed.equipment.left("accuracy", FOR_THE_REST)), part, [])
        return more.arrays["logits_0"] if isinstance(more, Reply) else None

    test = OnTest(reply.arrays["logits_0"], found.accuracy, images)
    return replace(found, generalisation=counted(drawn, reply.arrays["logits_1"], test, rest))


def _run_beside(weighed: Weighed, part: Part, before: list[dict[str, Any]]) -> Reply | Failure:
    """Run on a part of the images beside the test images, roughly if something is run exactly before it."""
    run = {**run_of("beside", weighed.used, len(part.pixels)), "rough": bool(before)}
    job = weighed.job([*before, run])
    with scratch("images") as folder:
        file = folder / "beside.npy"
        np.save(file, part.pixels)
        return weighed.equipment.sandbox.run(replace(job, files={**job.files, "beside": file}))


def choose_checkpoint(submission: Submission) -> str | Failure | None:
    """Choose the path of the weights to grade, or say why that is not possible; None if there are none."""
    parts = submission.parts
    own = [file for file in submission.files if file.name.casefold() not in the_lab().handout]
    for rank, pattern in enumerate(the_lab().weights):
        left_out = [one for one in submission.left_out if the_lab().rank(one.name) >= rank]  # else another network's
        if (unclear := in_question(pattern, own, left_out)) is not None:
            return Unavailable(unclear.why)
        if any(fits(path.rpartition("/")[2], pattern) for path in parts.checkpoints):
            break  # what fits a later pattern does not matter
    if len(parts.checkpoints) == 1:
        wanted = [network for network, paths in parts.by_network if parts.checkpoints[0] in paths]
        return _of_several(parts.checkpoints[0], wanted) if len(wanted) > 1 else parts.checkpoints[0]
    if parts.checkpoints:
        names = ", ".join(parts.checkpoints)
        count, short = len(parts.checkpoints), names[:300]
        if len(the_lab().weights) > 1:
            sentence = message(
                "{count} files may be the weights ({names}); ask the student which one counts", count=count, names=short
            )
            return Unavailable(sentence)
        sentence = message(
            "there are {count} files named {checkpoint} ({names}); ask the student which one counts",
            count=count,
            names=short,
            checkpoint=the_lab().checkpoint,
        )
        return Unavailable(sentence)
    if parts.other_weights and parts.by_network:
        sentence = message(
            "{checkpoint} is missing, and {other} may be it; ask the student which network that is",
            other=", ".join(parts.other_weights[:3]),
            checkpoint=the_lab().checkpoint,
        )
        return Unavailable(sentence)
    if parts.other_weights:
        sentence = message(
            "{checkpoint} is missing; {other} is there. Rename the weights that should be graded to {checkpoint}.",
            other=", ".join(parts.other_weights[:3]),
            checkpoint=the_lab().checkpoint,
        )
        return Refused("renamed", sentence)
    return None


def _of_several(path: str, networks: list[str]) -> Unavailable:
    sentence = message(
        "{file} may hold the weights of {names}; ask the student which network that is",
        file=path,
        names=", ".join(networks),
    )
    return Unavailable(sentence)


def without(failure: Failure) -> Weights:
    """Return weights with nothing observed, because of this failure."""
    return Weights(failure, failure, failure)


def run_of(images: str, used: Preprocessing, count: int) -> dict[str, Any]:
    how = {
        "mean": used.mean,
        "std": used.std,
        "resize": used.resize,
        "crop": used.crop,
        "scale": used.scale,
        "reverse": used.blue_first,
    }
    return {"images": images, "count": count, **how}


def roughly(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return runs that are compared with each other: the first is exact, which shows how rough the others may be."""
    return [{**run, "rough": index > 0} for index, run in enumerate(runs)]


def job_of(weights: Path, equipment: Equipment, runs: list[dict[str, Any]], split: str, variant: str = "") -> Job:
    files = {"checkpoint": weights}
    if isinstance(equipment.images, ImageSet) and runs:
        files["images"] = equipment.images.images_file("test" if split == "test" else "train")
    inputs = {
        "file": from_disk(weights.name), "device": equipment.device, "threads": equipment.threads, "runs": runs,
        "classes": the_lab().classes, "channels": the_lab().image_shape[0],
        "side": the_lab().image_shape[-1],
    }  # fmt: skip
    if variant:
        inputs["variant"] = variant
    arrays = {f"logits_{index}": ArraySpec("<f4", (run["count"], the_lab().classes)) for index, run in enumerate(runs)}
    return Job("weights.checkpoint.run_checkpoint", inputs, files, arrays, equipment.left("accuracy"))


def scored(reply: Reply, path: str, images: ImageSet | Message) -> Weights:
    """Score the answer of a job of `job_of` whose first run is on the test images, or that has none without images."""
    found = reply.value.get("checkpoint")
    checkpoint = validated(Checkpoint, {**found, "path": path[:LONGEST]} if isinstance(found, dict) else {})
    claims = checkpoint_claim(reply.value.get("claim"), path)
    if isinstance(images, Message):
        return Weights(checkpoint, Unavailable(images), Unavailable(images), claims)
    logits: NDArray[np.float32] = reply.arrays["logits_0"]
    accuracy = with_pictures(score(logits, images.labels("test"), images.name, images.classes), images)
    fields = reply.value.get("measurements")
    first = fields[0] if isinstance(fields, list) and fields and isinstance(fields[0], dict) else {}
    own = {"logits_digest": digest(logits), "dataset_digest": images.digest}
    return Weights(checkpoint, accuracy, validated(Measurement, {**first, **own}), claims)


def checkpoint_claim(found: Any, path: str) -> tuple[Claim, ...]:
    """Return the accuracy that a checkpoint claims for itself, if plausible: with certainty if its key says test."""
    match found:
        case [str(key), int() | float() as value] if not isinstance(value, bool) and 0 <= value <= 100:
            share, quote = value / 100.0 if value > 1 else float(value), f"{key[:50]}: {value:g}"
            return (Claim(share, path[:LONGEST], 0, quote, certain="test" in key),)
    return ()
