"""Measures which variant of a textbook's network the weights belong to, where no class was handed in that says it.

Activations and poolings leave no trace in weights. On training images the variant that was trained is right far more
often than the others; where none is beyond chance, or the submission claims more than the best one reaches, it is left
open, and the student is asked for the class.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.collect.equipment import Equipment
from grader.collect.subject import Subject
from grader.collect.weights import Weighed, Weights, choose_checkpoint, job_of, on_test_images, run_of
from grader.dataset import ImageSet
from grader.evidence import Accuracy, Checkpoint, Claims, Failure, Preprocessing
from grader.evidence.wording import phrase
from grader.intake import place
from grader.labs import the_lab
from grader.measures.doubts import falls_short
from grader.measures.intervals import SURE, beyond_chance
from grader.sandbox import ArraySpec, Reply

MOST_VARIANTS = 6  # as the probe has it
IMAGES = 5_000  # the first training images: on 2,000 two poolings of a little trained LeNet are not told apart

FOR_VARIANTS = 0.5  # of the time that is left for the accuracy


def best_variant(subject: Subject, used: Preprocessing | Failure, claims: Claims | Failure) -> Weights | None:
    """Return what the variant that wins on training images gives on test images; None if that leaves it open."""
    equipment, path = subject.equipment, choose_checkpoint(subject.submission)
    images = equipment.images
    if not isinstance(images, ImageSet) or not isinstance(path, str) or not isinstance(used, Preprocessing):
        return None
    labels = images.labels("train")[:IMAGES]
    answers = _answers(subject, path, run_of("images", used, len(labels)))
    variant = _winner({name: logits.argmax(axis=1) == labels for name, logits in answers.items()})
    if not variant:
        return None
    found = on_test_images(Weighed(subject.submission, path, equipment, used, variant))
    stated = Claims((*found.claims, *(claims.claims if isinstance(claims, Claims) else ())))
    if not isinstance(found.accuracy, Accuracy) or falls_short(found.accuracy, stated):
        return None
    return _noted(found, variant, len(answers), len(labels))


def _answers(subject: Subject, path: str, run: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Return the logits of each variant on training images."""
    equipment: Equipment = subject.equipment
    job = job_of(place(subject.submission, path), equipment, [run], "train")
    inputs = {key: value for key, value in job.inputs.items() if key != "runs"} | {"run": run}
    arrays = {f"logits_{index}": ArraySpec("<f4", (run["count"], the_lab().classes)) for index in range(MOST_VARIANTS)}
    limits = equipment.left("accuracy", FOR_VARIANTS)
    variants = replace(job, probe="weights.checkpoint.run_variants", inputs=inputs, arrays=arrays, limits=limits)
    reply = equipment.sandbox.run(variants)
    names = reply.value.get("variants") if isinstance(reply, Reply) else None
    if not isinstance(reply, Reply) or not isinstance(names, list):
        return {}
    return {str(name)[:100]: reply.arrays[f"logits_{index}"] for index, name in enumerate(names[:MOST_VARIANTS])}


def _winner(right: dict[str, NDArray[np.bool_]]) -> str:
    """Return the variant that is right more often than each other, and than guessing; "" if there is none."""
    ranked = sorted(right, key=lambda name: -int(right[name].sum()))
    if not ranked:
        return ""
    best = right[ranked[0]]
    guessing = 1 / the_lab().classes
    spread = SURE * (guessing * (1 - guessing) / len(best)) ** 0.5
    wins = all(beyond_chance(best, right[other]) for other in ranked[1:])
    return ranked[0] if wins and best.mean() > guessing + spread else ""


def _noted(found: Weights, variant: str, tried: int, count: int) -> Weights:
    if not isinstance(found.checkpoint, Checkpoint) or tried < 2:
        return found
    note = phrase("variant_measured", name=variant, tried=tried, count=count)
    return replace(found, checkpoint=replace(found.checkpoint, renamed=(*found.checkpoint.renamed, note)))
