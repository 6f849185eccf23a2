"""A network of the submission's own, run on the test images and scored.

It gets images and no labels, in an order drawn for this run, and among them copies of some that were mirrored and
shifted a little. A network hardly minds that; a table of the test images, whose labels are public, does not know them.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.collect.code.caller import Call, Caller
from grader.collect.code.shifted_copies import Shown, shuffle_with_copies
from grader.collect.equipment import Bench, validated
from grader.collect.pixels import with_pictures
from grader.collect.scoring import count_correct, digest, score
from grader.collect.weights import checkpoint_claim, run_of
from grader.dataset import ImageSet
from grader.disk.names import from_disk
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claim,
    Claims,
    Failure,
    Measurement,
    Observation,
    OwnNetwork,
    Preprocessing,
    Refused,
    Seen,
    Unavailable,
    kind_of,
)
from grader.lab import LAB
from grader.records import Message, message
from grader.sandbox import ArraySpec, Job, Limits, Reply

SEED_BITS = 48
FEW = 8  # images of the first try
PIXELS_IN_A_BATCH = 250 * 32 * 32  # as for the networks that the grader knows
SMALLEST_BATCH = 16
MOST_CLAIMS = 100
TWO_FIT = (
    "{first} and {second} in {file} both build a network for the weights in {weights}, and they answer differently:"
    " which of them was trained cannot be told. Leave the other out."
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A class or function of a script that builds a network of the handed-in weights."""

    script: str
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a network is run with."""

    caller: Caller
    bench: Bench
    path: str  # of the weights, in the submission
    weights: Path  # where they lie
    used: Preprocessing

    @property
    def side(self) -> int:
        """Of the images as the network sees them, pixels."""
        resized = self.used.resize or 32
        return min(self.used.crop, resized) or resized

    @property
    def batch(self) -> int:
        """Images that are shown at once."""
        return max(SMALLEST_BATCH, PIXELS_IN_A_BATCH // self.side**2)

    def logits(self, fit: Fit, pixels: Path, count: int, limits: Limits | None) -> Reply | Failure:
        """Of the first images of a file. Limits of None are those of a small example."""
        inputs = {
            "weights": from_disk(self.weights.name), "name": fit.name, "threads": self.bench.threads,
            "batch": self.batch, "run": run_of("images", self.used, count),
        }  # fmt: skip
        files = {"checkpoint": self.weights, "images": pixels}
        arrays = {"logits": ArraySpec("<f4", (count, LAB.classes))}
        call = Call(
            message("running {name}", name=fit.name),
            "code.own_network.run_network",
            inputs,
            arrays=arrays,
            files=files,
            limits=limits,
        )
        return self.caller.call_in(fit.script, call)


def measured(run: Run, fits: tuple[Fit, ...], seen: Mapping[str, Observation]) -> dict[str, Observation] | Failure:
    """What is observed of the weights, by kind, with the claims of `seen` and their own."""
    images = run.bench.images
    if isinstance(images, Message):
        return Unavailable(images)
    job = Job(
        "weights.checkpoint.describe_weights",
        {"file": from_disk(run.weights.name)},
        {"checkpoint": run.weights},
        limits=run.bench.limits,
    )
    described = run.bench.sandbox.run(job)  # where no student code runs
    if not isinstance(described, Reply):
        return described
    count = len(images.labels("test")[: run.bench.part])
    seed = secrets.randbits(SEED_BITS)
    shown = shuffle_with_copies(images.images("test")[:count], seed)
    with tempfile.TemporaryDirectory(prefix="grade-images-") as folder:
        pixels = Path(folder) / "images.npy"
        np.save(pixels, shown.pixels)
        fit = _chosen(run, fits, pixels)
        if not isinstance(fit, Fit):
            return fit
        started = time.perf_counter()
        reply = run.logits(fit, pixels, len(shown.pixels), run.bench.limits)
        seconds = round(time.perf_counter() - started, 3)
    if not isinstance(reply, Reply):
        return reply
    own = {"name": fit.name, "file": fit.script, "line": fit.line, "seed": seed, "printed": run.caller.printed()}
    return {
        **_scored(images, shown, reply, own),
        **_described(run, fit, described, digest(shown.in_order(reply.arrays["logits"])[0]), seconds),
        kind_of(Claims): _with_claim(seen[kind_of(Claims)], checkpoint_claim(described.value.get("claim"), run.path)),
    }


def _chosen(run: Run, fits: tuple[Fit, ...], pixels: Path) -> Fit | Failure:
    """Of what fits what works, tried on a few images; two are one where they answer the same."""
    replies = [(fit, run.logits(fit, pixels, FEW, None)) for fit in fits]
    working = [(fit, reply.arrays["logits"]) for fit, reply in replies if isinstance(reply, Reply)]
    if not working:
        _, first = replies[0]
        assert not isinstance(first, Reply)
        return first
    (fit, logits), *others = working
    for other, answer in others:
        if not np.allclose(logits, answer, rtol=1e-3, atol=1e-4, equal_nan=True):
            names = {"first": fit.name, "second": other.name, "file": fit.script}
            return Refused("two_fit", message(TWO_FIT, **names, weights=from_disk(run.weights.name)))
    return fit


def _scored(images: ImageSet, shown: Shown, reply: Reply, own: dict[str, Any]) -> dict[str, Observation]:
    labels = images.labels("test")
    logits, copies = shown.in_order(reply.arrays["logits"])
    own["moved"] = len(copies)
    own["correct"] = count_correct(copies, labels[shown.copied])
    own["correct_before"] = count_correct(logits[shown.copied], labels[shown.copied])
    return {
        kind_of(Accuracy): Seen(with_pictures(score(logits, labels, images.name, images.classes), images)),
        kind_of(OwnNetwork): validated(OwnNetwork, own),
    }


def _described(run: Run, fit: Fit, described: Reply, logits_digest: str, seconds: float) -> dict[str, Observation]:
    """Checkpoint and Measurement, from what the sandbox without student code says and from what is known here."""
    fields, machine = described.value.get("checkpoint"), described.value.get("machine")
    own = {"path": run.path, "network": f"{fit.name} ({fit.script})"}
    assert isinstance(run.bench.images, ImageSet)
    how = {
        "device": "cpu", "precision": "float32", "batch_size": run.batch, "side": run.side, "second_looks": 0,
        "seconds": seconds, "logits_digest": logits_digest, "dataset_digest": run.bench.images.digest,
    }  # fmt: skip
    return {
        kind_of(Checkpoint): validated(Checkpoint, {**(fields if isinstance(fields, dict) else {}), **own}),
        kind_of(Measurement): validated(Measurement, {**(machine if isinstance(machine, dict) else {}), **how}),
    }


def _with_claim(claims: Observation, own: tuple[Claim, ...]) -> Observation:
    if isinstance(claims, Seen) and isinstance(claims.value, Claims):
        return Seen(replace(claims.value, claims=tuple(dict.fromkeys((*own, *claims.value.claims)))[:MOST_CLAIMS]))
    return claims
