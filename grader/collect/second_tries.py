"""If the accuracy is surprising, tries the same weights on training images under the common normalisations."""

from __future__ import annotations

from dataclasses import replace

from grader.collect.equipment import Equipment
from grader.collect.normalisations import ALTERNATIVES
from grader.collect.scoring import count_correct
from grader.collect.weights import Weights, choose_checkpoint, job_of, run_of
from grader.dataset import ImageSet
from grader.evidence import Accuracy, Claims, Diagnosis, Failure, Preprocessing, Trial
from grader.evidence.wording import phrase
from grader.intake import place
from grader.measures.doubts import surprises
from grader.records import Submission
from grader.sandbox import Reply

TRIAL_IMAGES = (
    2_000  # the first training images: enough to distinguish preprocessings in a fifth of the test set's time
)


def diagnose(
    submission: Submission,
    equipment: Equipment,
    weights: Weights,
    claims: Claims | Failure,
    used: Preprocessing | Failure,
) -> Diagnosis | Failure | None:
    """Count the training images classified correctly under each normalisation; None if nothing is surprising."""
    accuracy, path = weights.accuracy, choose_checkpoint(submission)
    if not isinstance(accuracy, Accuracy) or not isinstance(used, Preprocessing):
        return None
    if not isinstance(equipment.images, ImageSet) or not isinstance(path, str):
        return None
    if accuracy.not_finite == accuracy.count:  # no normalisation fixes an overflow
        return None
    if not surprises(accuracy, claims if isinstance(claims, Claims) else None):
        return None
    labels = equipment.images.labels("train")[:TRIAL_IMAGES]
    named = {"as_graded": used, **{name: how for name, how in ALTERNATIVES.items() if not _same(how, used)}}
    tried = {name: replace(how, resize=used.resize, crop=used.crop) for name, how in named.items()}
    runs = [run_of("images", how, len(labels)) for how in tried.values()]
    reply = equipment.sandbox.run(job_of(place(submission, path), equipment, runs, "train"))
    if not isinstance(reply, Reply):
        return reply
    counts = [count_correct(reply.arrays[f"logits_{index}"], labels) for index in range(len(runs))]
    pairs = zip(tried.items(), counts, strict=True)
    return Diagnosis(tuple(Trial(phrase(name), how, correct, len(labels)) for (name, how), correct in pairs))


def _same(one: Preprocessing, other: Preprocessing) -> bool:
    keys = ("mean", "std", "scale", "blue_first")
    return all(getattr(one, key) == getattr(other, key) for key in keys)
