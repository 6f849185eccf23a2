"""exp2.py: calls `test` on small networks, and computes every correct answer and every usual mistake here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grader.collect.code.caller import Call, Caller, observed
from grader.collect.subject import Look, Subject
from grader.evidence import Evaluation, FailedCall, Failure, Refused
from grader.labs import the_lab
from grader.sandbox import ArraySpec, Reply

Array = NDArray[np.float64]

SIDE, CELL = 32, 8
EPSILON = 1e-5  # nn.BatchNorm2d's own


@dataclass(frozen=True, slots=True)
class Setting:
    """One network with its images, drawn from a seed."""

    name: Literal["equal batches", "short last batch", "layers that eval() switches"]
    classes: int
    images: int
    batch: int
    switched: bool  # with BatchNorm and Dropout
    training: bool  # the mode in which the network comes in
    seed: int


SETTINGS = (
    # as many images per batch as classes: only then the wrong axis gives a figure
    Setting("equal batches", 10, 50, 10, switched=False, training=True, seed=4),
    Setting("short last batch", 4, 27, 12, switched=False, training=False, seed=3),
    Setting("layers that eval() switches", 23, 40, 16, switched=True, training=True, seed=3),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The parameters of a network in the order of its state, and the data it is measured on."""

    state: dict[str, NDArray[np.float32]]
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    logits: Array


def look(subject: Subject) -> Evaluation | Failure:
    """Call `test` in every setting. The first call decides whether there is anything to judge, and in which form.

    A function in the form of old courses knows one network, and may count on its number of classes.
    """
    caller = subject.caller
    runs, failed = [], []
    form = "template"
    for template in SETTINGS:
        setting = replace(template, classes=the_lab().classes) if form == "course" else template
        drawn = draw(setting)
        reply = _call(caller, setting, drawn)
        if isinstance(reply, Reply):
            form = "course" if reply.value.get("form") == "course" else "template"
            runs.append(_run(setting, drawn, reply))
        elif template is SETTINGS[0] or not isinstance(reply, Refused):
            return caller.refused(reply)
        else:
            failed.append(FailedCall(setting.name, reply.message))
    return observed(Evaluation, {"runs": runs, "form": form}, caller, failed)


def draw(setting: Setting) -> Drawn:
    """Draw parameters, images and labels of a setting; half of the labels match the network's predictions."""
    source = np.random.default_rng(setting.seed)
    cells = 3 * (SIDE // CELL) ** 2
    norm: dict[str, Array] = {}
    if setting.switched:
        norm = {
            "scale": source.uniform(0.5, 1.5, 3), "shift": source.normal(0, 0.5, 3),
            "running_mean": source.normal(1, 0.5, 3), "running_var": source.uniform(2, 6, 3),
        }  # fmt: skip
    last = {"weight": source.normal(0, 0.5, (setting.classes, cells)), "bias": source.normal(0, 1, setting.classes)}
    state = {name: value.astype(np.float32) for name, value in {**norm, **last}.items()}
    blocks = source.normal(0, 1.5, (setting.images, 3, SIDE // CELL, SIDE // CELL))
    images = 1 + np.kron(blocks, np.ones((CELL, CELL))) + source.normal(0, 1, (setting.images, 3, SIDE, SIDE))
    pixels: NDArray[np.float32] = images.astype(np.float32)
    logits = _logits(state, pixels.astype(float))
    labels = source.integers(setting.classes, size=setting.images)
    labels[::2] = logits.argmax(axis=1)[::2]
    return Drawn(state, pixels, labels, logits)


def _logits(state: dict[str, NDArray[np.float32]], images: Array) -> Array:
    """Compute the network in eval mode and double precision: BatchNorm with running statistics, no Dropout."""
    if "running_mean" in state:
        mean, var, scale, shift = (
            state[name].astype(float)[:, None, None] for name in ("running_mean", "running_var", "scale", "shift")
        )
        images = (images - mean) / np.sqrt(var + EPSILON) * scale + shift
    count = SIDE // CELL
    cells = images.reshape(len(images), 3, count, CELL, count, CELL).mean(axis=(3, 5)).reshape(len(images), -1)
    return np.asarray(cells @ state["weight"].astype(float).T + state["bias"])


def _call(caller: Caller, setting: Setting, drawn: Drawn) -> Reply | Failure:
    data: dict[str, NDArray[Any]] = {**drawn.state, "images": drawn.images, "labels": drawn.labels}
    arrays = {"state": ArraySpec("<f4", (sum(value.size for value in drawn.state.values()),))}
    inputs = {"batch": setting.batch, "training": setting.training}
    return caller.call(the_lab().script_of("test"), Call("test", "code.evaluation.call_test", inputs, data, arrays))


def _run(setting: Setting, drawn: Drawn, reply: Reply) -> dict[str, Any]:
    said = reply.value
    losses, hits = _losses(drawn.logits, drawn.labels), drawn.logits.argmax(axis=1) == drawn.labels
    wrong_loss, wrong_accuracy = _mistaken(setting, drawn)
    loss = {"seen": said.get("loss"), "right": float(losses.mean()), "mistakes": list(wrong_loss.items())}
    return {
        "setting": setting.name, "classes": setting.classes, "images": setting.images, "batch": setting.batch,
        "loss": loss if said.get("form") != "course" or said.get("loss") is not None else None,
        "accuracy": {
            "seen": said.get("accuracy"), "right": float(100 * hits.mean()), "mistakes": list(wrong_accuracy.items()),
            "within": said.get("within", 0.0),
        },
        "images_seen": said.get("images"),
        "training": setting.training,
        **{name: said.get(name) for name in ("trained", "gradients", "left_gradients", "mode_kept")},
        "changed": _changed(drawn, reply.arrays["state"]),
    }  # fmt: skip


def _losses(logits: Array, labels: NDArray[np.int64]) -> Array:
    """Return the cross entropy of each image."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels])


def _mistaken(setting: Setting, drawn: Drawn) -> tuple[dict[str, float], dict[str, float]]:
    """Return what the usual mistakes would give, by name: for the loss and for the accuracy."""
    starts = range(0, setting.images, setting.batch)
    parts = [slice(start, start + setting.batch) for start in starts]
    losses, hits = _losses(drawn.logits, drawn.labels), drawn.logits.argmax(axis=1) == drawn.labels
    by_batch = [float(losses[part].mean()) for part in parts]
    shares = [float(hits[part].mean()) for part in parts]
    soft = np.exp(drawn.logits - drawn.logits.max(axis=1, keepdims=True))
    soft /= soft.sum(axis=1, keepdims=True)
    right, share, count = float(losses.mean()), float(hits.mean()), setting.images
    down = 0
    for part in parts:  # compared as far as the two go together
        answers = drawn.logits[part].argmax(axis=0)
        length = min(len(answers), len(drawn.labels[part]))
        down += int((answers[:length] == drawn.labels[part][:length]).sum())
    hit = float(hits.sum())
    loss = {
        "sum over images": float(losses.sum()), "sum over batches": sum(by_batch),
        "divided twice": sum(by_batch) / count, "last batch": by_batch[-1], "first batch": by_batch[0],
        "softmax first": float(_losses(soft, drawn.labels).mean()), "swapped": 100 * share,
    }  # fmt: skip
    accuracy = {
        "fraction": share, "count": hit, "by batches": 100 * hit / len(parts), "last batch": 100 * shares[-1],
        "first batch": 100 * shares[0], "swapped": right, "wrong axis": 100 * down / count,
        "fixed batch": 100 * hit / (len(parts) * setting.batch),
    }  # fmt: skip
    if setting.images % setting.batch:
        loss["average of averages"] = sum(by_batch) / len(parts)
        accuracy["average of averages"] = 100 * sum(shares) / len(parts)
    return _apart(loss, right), _apart(accuracy, 100 * share)


def _apart(mistakes: dict[str, float], right: float) -> dict[str, float]:
    """Keep the mistakes whose value differs from the correct one: the others identify nothing."""
    return {name: value for name, value in mistakes.items() if abs(value - right) > 1e-3 * max(1.0, abs(right))}


def _changed(drawn: Drawn, after: NDArray[Any]) -> list[str]:
    changed, start = [], 0
    for name in _state_order(drawn.state):
        value = drawn.state[name]
        if not np.array_equal(after[start : start + value.size], value.ravel()):
            changed.append(name)
        start += value.size
    return changed


def _state_order(state: dict[str, Any]) -> list[str]:
    """Return the arrays in torch's order: for BatchNorm the parameters, then the statistics."""
    return [name for name in ("scale", "shift", "running_mean", "running_var", "weight", "bias") if name in state]


LOOK = Look(Evaluation, look, calls_code=True)
