"""Where the accuracy is not what it should be: the likely reason is looked for, and a doubtful figure is no mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grader.collect.equipment import Bench
from grader.collect.normalisations import ALTERNATIVES
from grader.collect.scoring import count_correct
from grader.collect.weights import choose_checkpoint, job_of, run_of
from grader.dataset import ImageSet
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claims,
    Diagnosis,
    Observation,
    Preprocessing,
    Seen,
    Trial,
    Unavailable,
    kind_of,
)
from grader.evidence.wording import phrase
from grader.intake import place
from grader.measures.intervals import better_preprocessing, sampling_error
from grader.records import Scalar, Submission, message
from grader.sandbox import Reply

TRIAL_IMAGES = 2_000  # the first training images: enough to tell preprocessings apart, a fifth of the test set's time
SURPRISING = 0.01  # a claim that much above the measured accuracy is looked into
POOR = 0.50  # below this any accuracy is looked into


def diagnose(submission: Submission, bench: Bench, seen: Mapping[str, Observation]) -> Observation | None:
    """Where the accuracy surprises: the same weights on training images, under the common preprocessings."""
    scores, claims, used = (_value(seen, kind) for kind in (Accuracy, Claims, Preprocessing))
    path = choose_checkpoint(submission)
    if not scores or not used or not isinstance(bench.images, ImageSet) or not isinstance(path, str):
        return None
    if not _surprises(scores, claims) or scores.not_finite == scores.count:  # no normalisation mends an overflow
        return None
    labels = bench.images.labels("train")[:TRIAL_IMAGES]
    named = {"as_graded": used, **{name: how for name, how in ALTERNATIVES.items() if not _same(how, used)}}
    tried = {name: replace(how, resize=used.resize, crop=used.crop) for name, how in named.items()}
    runs = [run_of("images", how, len(labels)) for how in tried.values()]
    reply = bench.sandbox.run(job_of(place(submission, path), bench, runs, "train"))
    if not isinstance(reply, Reply):
        return reply
    counts = [count_correct(reply.arrays[f"logits_{index}"], labels) for index in range(len(runs))]
    pairs = zip(tried.items(), counts, strict=True)
    return Seen(Diagnosis(tuple(Trial(phrase(name), how, correct, len(labels)) for (name, how), correct in pairs)))


def _surprises(scores: Accuracy, claims: Claims | None) -> bool:
    """Whether the accuracy is poor, or clearly below a claim."""
    share = scores.correct / scores.count
    highest = max((claim.accuracy for claim in claims.claims), default=0.0) if claims else 0.0
    return share < POOR or highest - share > SURPRISING + sampling_error(scores)


def settled(seen: Mapping[str, Observation]) -> Observation:
    """The scores; none where they surprise and the file holds weights that were left aside, which may be why."""
    scores, claims, checkpoint = (_value(seen, kind) for kind in (Accuracy, Claims, Checkpoint))
    explained = better_preprocessing(_value(seen, Diagnosis)) is not None
    if not scores or not checkpoint or not checkpoint.spare_weights or explained or not _surprises(scores, claims):
        return seen[kind_of(Accuracy)]
    text = (
        "{file} holds more weights than {network} has ({spare}). Measured without them it names {share:.2%} of the test"
        " images correctly, which is no mark if the submission's network uses them: look at its code, and ask the"
        " student for weights without them if it does not."
    )
    values: dict[str, Scalar] = {"file": checkpoint.path, "network": checkpoint.network}
    spare = ", ".join(checkpoint.spare_weights)
    return Unavailable(message(text, **values, spare=spare, share=scores.correct / scores.count))


def _value(seen: Mapping[str, Observation], kind: type[Any]) -> Any:
    outcome = seen.get(kind_of(kind))
    return outcome.value if isinstance(outcome, Seen) else None


def _same(one: Preprocessing, other: Preprocessing) -> bool:
    keys = ("mean", "std", "scale", "blue_first")
    return all(getattr(one, key) == getattr(other, key) for key in keys)
