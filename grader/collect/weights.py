"""The handed-in weights measured: which file counts, the job for the sandbox, its logits scored against labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.collect.documents import not_written
from grader.collect.equipment import Bench, validated
from grader.collect.pixels import with_pictures
from grader.collect.scoring import digest, score
from grader.dataset import ImageSet
from grader.disk.names import from_disk
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claim,
    Failure,
    Measurement,
    Observation,
    Preprocessing,
    Refused,
    Seen,
    Unavailable,
    kind_of,
)
from grader.intake import place
from grader.lab import LAB
from grader.records import Message, Submission, message
from grader.sandbox import ArraySpec, Job, Reply


@dataclass(frozen=True, slots=True)
class Looked:
    observations: dict[str, Observation]
    claims: tuple[Claim, ...] = ()


def measure(submission: Submission, bench: Bench, used: Observation, tasks: Observation) -> Looked:
    chosen = choose_checkpoint(submission) or not_written(LAB.checkpoint, tasks)
    preprocessing = used.value if isinstance(used, Seen) else None
    if not isinstance(chosen, str):
        return _failed(chosen)
    if not isinstance(preprocessing, Preprocessing):
        assert not isinstance(used, Seen)
        return _failed(used)
    images = bench.images
    runs = (
        [run_of("images", preprocessing, len(images.labels("test")[: bench.part]))]
        if isinstance(images, ImageSet)
        else []
    )
    reply = bench.sandbox.run(job_of(place(submission, chosen), bench, runs, "test"))
    if not isinstance(reply, Reply):
        return _failed(reply)
    return _scored(reply, chosen, images)


def choose_checkpoint(submission: Submission) -> str | Failure | None:
    """The path of the weights to grade, or why it cannot be told; None where there are none at all."""
    parts = submission.parts
    if len(parts.checkpoints) == 1:
        return parts.checkpoints[0]
    if parts.checkpoints:
        names = ", ".join(parts.checkpoints)
        text = "there are {count} files named final.pth ({names}); ask the student which one counts"
        return Unavailable(message(text, count=len(parts.checkpoints), names=names[:300]))
    if parts.other_weights:
        text = "final.pth is missing; {other} is there. Rename the weights that should count to final.pth."
        return Refused("renamed", message(text, other=", ".join(parts.other_weights[:3])))
    return None


def _failed(failure: Failure) -> Looked:
    return Looked({kind_of(kind): failure for kind in (Checkpoint, Accuracy, Measurement)})


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


def job_of(weights: Path, bench: Bench, runs: list[dict[str, Any]], split: str) -> Job:
    files = {"checkpoint": weights}
    if isinstance(bench.images, ImageSet) and runs:
        files["images"] = bench.images.images_file("test" if split == "test" else "train")
    inputs = {"file": from_disk(weights.name), "device": bench.device, "threads": bench.threads, "runs": runs}
    arrays = {f"logits_{index}": ArraySpec("<f4", (run["count"], LAB.classes)) for index, run in enumerate(runs)}
    return Job("weights.checkpoint.run_checkpoint", inputs, files, arrays, bench.limits)


def _scored(reply: Reply, path: str, images: ImageSet | Message) -> Looked:
    found = reply.value.get("checkpoint")
    checkpoint = validated(Checkpoint, {**found, "path": path} if isinstance(found, dict) else {})
    claims = checkpoint_claim(reply.value.get("claim"), path)
    observations = {kind_of(Checkpoint): checkpoint}
    if isinstance(images, Message):
        return Looked({**observations, kind_of(Accuracy): Unavailable(images)}, claims)
    logits: NDArray[np.float32] = reply.arrays["logits_0"]
    labels = images.labels("test")
    scores = score(logits, labels, images.name, images.classes)
    observations[kind_of(Accuracy)] = Seen(with_pictures(scores, images))
    fields = reply.value.get("measurements")
    own = {"logits_digest": digest(logits), "dataset_digest": images.digest}
    first = fields[0] if isinstance(fields, list) and fields and isinstance(fields[0], dict) else {}
    observations[kind_of(Measurement)] = validated(Measurement, {**first, **own})
    return Looked(observations, claims)


def checkpoint_claim(found: Any, path: str) -> tuple[Claim, ...]:
    """What a checkpoint says of its own accuracy, as far as that can be one."""
    match found:
        case [str(key), int() | float() as value] if not isinstance(value, bool) and 0 <= value <= 100:
            return (Claim(value / 100.0 if value > 1 else float(value), path, 0, f"{key[:50]}: {value:g}"),)
    return ()
