"""Where the code does not say how its images are normalised, tries the candidates on training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.collect.documents import Documents
from grader.collect.equipment import Equipment
from grader.collect.normalisations import alternatives, same
from grader.collect.weights import choose_checkpoint, job_of, roughly, run_of
from grader.collect.yardstick import at_a_limit
from grader.dataset import ImageSet
from grader.evidence import Candidate, Failure, OutOfMemory, Preprocessing, PreprocessingChoice, TimedOut, Unavailable
from grader.evidence.wording import Wording, phrase
from grader.intake import place
from grader.labs import the_lab
from grader.records import Submission, message
from grader.sandbox import Reply

TRIAL_IMAGES = 2_000  # the first training images, as for the diagnosis
FEWEST_IMAGES = 250
VERY_FEW = 50  # where time or memory does not suffice for more
SIDE = 64  # pixels: above this, fewer images are tried, since each takes longer
MOST_FOUND = 8  # candidates of the code
MOST_NAME = 200  # characters
FOR_OPTIONS = 0.25  # of the time that is left for the accuracy

Logits = NDArray[np.float32]


class Inputs(NamedTuple):
    """How images become a network's input, and what else it may be; `candidates` is None if it is certain."""

    preprocessing: Preprocessing | Failure
    candidates: tuple[Preprocessing, ...] | None = None
    choice: PreprocessingChoice | None = None  # that led to it


class Option(NamedTuple):
    """A preprocessing that may be the right one, and what it is called."""

    name: Wording
    preprocessing: Preprocessing


def options(found: Sequence[Preprocessing]) -> tuple[Option, ...]:
    """Return what is tried: the code's candidates, then the lab's own constants, then the usual alternatives."""
    read = [Option(_named(one), one) for one in found[:MOST_FOUND]]
    usual = [Option(phrase(name), how) for name, how in alternatives().items()]
    return (*read, *(option for option in usual if not any(_same(option, one) for one in read)))


def _same(option: Option, read: Option) -> bool:
    one = read.preprocessing
    return same(option.preprocessing, one) and not one.resize and not one.crop


def _named(found: Preprocessing) -> Wording:
    return phrase(
        "normalised_by", file=found.source[-MOST_NAME:], line=found.line, mean=str(found.mean), deviation=str(found.std)
    )


def images_tried(tried: Sequence[Option], available: int, most: int = TRIAL_IMAGES) -> int:
    """Return on how many training images the options are compared."""
    side = max((option.preprocessing.crop or option.preprocessing.resize for option in tried), default=0)
    share = min(1.0, SIDE**2 / side**2) if side else 1.0
    return min(available, max(min(most, FEWEST_IMAGES), int(most * share)))


def try_options(
    submission: Submission, equipment: Equipment, documents: Documents
) -> PreprocessingChoice | Failure | None:
    """Run the weights on training images under each option; None if nothing is to be chosen, or nothing can be run.

    On fewer images where time or memory does not suffice; where it does not for those either, that failure. A failure
    of ours is returned as well.
    """
    path, images = choose_checkpoint(submission), equipment.images
    if documents.candidates is None or not equipment.choose_preprocessing:
        return None
    if not isinstance(path, str) or not isinstance(images, ImageSet):
        return None
    if not len(images.labels("train")):  # a lab's own set may lack them
        return no_training_images()
    tried = options(documents.candidates)
    found: PreprocessingChoice | Failure | None = None
    for most in (TRIAL_IMAGES, VERY_FEW):
        count = images_tried(tried, len(images.labels("train")), most)
        runs = roughly([run_of("images", option.preprocessing, count) for option in tried])
        job = job_of(place(submission, path), equipment, runs, "train")
        reply = equipment.sandbox.run(replace(job, limits=equipment.left("accuracy", FOR_OPTIONS)))
        if isinstance(reply, Reply):
            logits = [reply.arrays[f"logits_{index}"] for index in range(len(runs))]
            return compared(tried, logits, images.labels("train")[:count])
        if isinstance(reply, Unavailable):
            return reply  # as where this machine is out of memory: measuring may not fail a moment later
        if not at_a_limit(reply):
            return None  # measuring on test images fails in the same way, and says why
        found = reply
    return found


def no_training_images() -> Unavailable:
    """Return the failure where an open normalisation cannot be tried."""
    return Unavailable(
        message(
            "the code does not say with certainty how test images are normalised, and this lab has no training images"
            " on which that could be tried. Read it in the code, and mark the criterion by hand."
        )
    )


def try_each(
    tried: Sequence[Option], run: Callable[[Preprocessing], Reply | Failure], labels: NDArray[np.uint8]
) -> PreprocessingChoice | Failure | None:
    """Run a network under one option after the other; those under which it fails are left out.

    At a limit, or at a failure of ours, that is returned.
    """
    replies = []
    for option in tried:
        reply = run(option.preprocessing)
        if isinstance(reply, TimedOut | OutOfMemory | Unavailable):
            return reply  # what was tried before it would be the best of a few
        replies.append((option, reply))
    worked = [(option, reply.arrays["logits"]) for option, reply in replies if isinstance(reply, Reply)]
    return compared([option for option, _ in worked], [logits for _, logits in worked], labels) if worked else None


def compared(
    tried: Sequence[Option], logits: Sequence[Logits], labels: NDArray[np.uint8]
) -> PreprocessingChoice | None:
    """Count, for each option, where it is right and where the best one is; None if no logits are finite."""
    finite = [np.isfinite(one).all(axis=1) for one in logits]
    if not any(rows.any() for rows in finite):
        return None
    answers = [np.where(rows, one.argmax(axis=1), the_lab().classes) for one, rows in zip(logits, finite, strict=True)]
    right = [answer == labels for answer in answers]
    best = max(range(len(tried)), key=lambda index: int(right[index].sum()))
    candidates = tuple(
        Candidate(
            option.name,
            replace(option.preprocessing, also_found=()),
            int(hits.sum()),
            int((right[best] & ~hits).sum()),
            int((hits & ~right[best]).sum()),
            int((answer == answers[best]).sum()),
        )
        for option, hits, answer in zip(tried, right, answers, strict=True)
    )
    return PreprocessingChoice(candidates, len(labels))
