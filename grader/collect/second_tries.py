"""If the accuracy is surprising, tries the same weights on training images under the common normalisations."""

from __future__ import annotations

from dataclasses import replace

from grader.collect.choosing import Inputs
from grader.collect.equipment import Equipment
from grader.collect.normalisations import alternatives, same
from grader.collect.scoring import count_correct
from grader.collect.weights import Weights, choose_checkpoint, job_of, roughly, run_of
from grader.dataset import ImageSet
from grader.evidence import Accuracy, Claims, Diagnosis, Failure, Preprocessing, PreprocessingChoice, Trial
from grader.evidence.wording import phrase
from grader.intake import place
from grader.measures.choice import choose
from grader.measures.doubts import surprises
from grader.records import Submission
from grader.sandbox import Reply

TRIAL_IMAGES = (
    2_000  # the first training images: enough to distinguish preprocessings in a fifth of the test set's time
)

FOR_TRIALS = 0.5  # of the time that is left for the accuracy


def diagnose(
    submission: Submission,
    equipment: Equipment,
    weights: Weights,
    claims: Claims | Failure,
    inputs: Inputs,
) -> Diagnosis | Failure | None:
    """Count the training images classified correctly under each normalisation; None if nothing is surprising."""
    used, choice = inputs.preprocessing, inputs.choice
    accuracy, path = weights.accuracy, choose_checkpoint(submission)
    if not isinstance(accuracy, Accuracy) or not isinstance(used, Preprocessing):
        return None
    if not isinstance(equipment.images, ImageSet) or not isinstance(path, str):
        return None
    if accuracy.not_finite == accuracy.count:  # no normalisation fixes an overflow
        return None
    if not surprises(accuracy, claims if isinstance(claims, Claims) else None):
        return None
    if choice is not None:  # the same was tried already
        return _from_choice(choice)
    labels = equipment.images.labels("train")[:TRIAL_IMAGES]
    if not len(labels):
        return None
    named = {"as_graded": used, **{name: how for name, how in alternatives().items() if not same(how, used)}}
    tried = {name: replace(how, resize=used.resize, crop=used.crop) for name, how in named.items()}
    runs = roughly([run_of("images", how, len(labels)) for how in tried.values()])
    job = job_of(place(submission, path), equipment, runs, "train")
    reply = equipment.sandbox.run(replace(job, limits=equipment.left("accuracy", FOR_TRIALS)))
    if not isinstance(reply, Reply):
        return reply
    counts = [count_correct(reply.arrays[f"logits_{index}"], labels) for index in range(len(runs))]
    pairs = zip(tried.items(), counts, strict=True)
    return Diagnosis(tuple(Trial(phrase(name), how, correct, len(labels)) for (name, how), correct in pairs))


def _from_choice(choice: PreprocessingChoice) -> Diagnosis:
    used = choose(choice).candidate
    graded = Trial(phrase("as_graded"), used.preprocessing, used.correct, choice.count)
    others = (one for one in choice.candidates if one is not used)
    return Diagnosis((graded, *(Trial(one.name, one.preprocessing, one.correct, choice.count) for one in others)))
