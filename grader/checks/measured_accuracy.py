"""How well do the handed-in weights classify images that the network has not seen?"""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence import Accuracy, Checkpoint, Diagnosis, GivenWeights
from grader.evidence.wording import said as worded
from grader.lab import LAB
from grader.marking.accuracy_exhibits import accuracy_exhibits
from grader.marking.check import BadLimit, Case, Doubt, Ramp, check
from grader.measures.doubts import doubt
from grader.measures.intervals import better_preprocessing, wilson_interval
from grader.records import Message, Scalar, Verdict, message

HARDLY_MOVED = 0.01  # of their norm, from the given weights: the reference and the demo moved by more than all of it


@dataclass(frozen=True, slots=True)
class AccuracyRamp(Ramp):
    """Credit by share of test images classified correctly, from 0 to 1."""

    def __post_init__(self) -> None:
        Ramp.__post_init__(self)
        wrong = next((figure for figure, _ in self.knots if not 0.0 <= figure <= 1.0), None)
        if wrong is not None:  # everybody would silently get nothing, or everything
            sentence = message(
                "knots: accuracies must be between 0 and 1 (0.7 means 70%), not {number:g}", number=wrong
            )
            raise BadLimit(sentence)


@check(reads=Accuracy, limits=AccuracyRamp)
def measured_accuracy(case: Case[Accuracy, AccuracyRamp]) -> Verdict | Doubt:
    """The trained network classifies test images correctly."""
    if fault := doubt(case.evidence):
        return Doubt(fault)
    scores = case.seen
    share = scores.correct / scores.count
    low, high = wilson_interval(scores.correct, scores.count)
    values: dict[str, Scalar] = {"correct": scores.correct, "count": scores.count, "share": share}
    values |= {"low": low, "high": high}
    sentence = message(
        "{correct:,} of {count:,} test images are classified correctly: {share:.2%} (95% interval {low:.1%} to"
        " {high:.1%}).",
        **values,
    )
    if scores.not_finite:
        sentence = message(
            "{correct:,} of {count:,} test images are classified correctly: {share:.2%} (95% interval {low:.1%} to"
            " {high:.1%}). For {not_finite:,} of them, the network returns NaN or infinite values, which do not"
            " predict a class.",
            **values,
            not_finite=scores.not_finite,
        )
    return Verdict(case.limits.credit(share), sentence, tuple(_hints(case, share)), tuple(accuracy_exhibits(case)))


def _hints(case: Case[Accuracy, AccuracyRamp], share: float) -> list[Message]:
    hints = _started_from(case.other(GivenWeights))
    likely = _likely_preprocessing(case.other(Diagnosis))
    if likely:
        hints.append(likely)
    checkpoint = case.other(Checkpoint)
    if checkpoint and checkpoint.spare_weights:
        spare = ", ".join(checkpoint.spare_weights)[:200]
        sentence = message(
            "{file} contains weights that {network} does not have ({spare}); the accuracy was measured without them."
            " If your network uses them, train and hand in one of the lab's networks.",
            file=checkpoint.path,
            network=checkpoint.network,
            spare=spare,
        )
        hints.append(sentence)
    if case.seen.not_finite:
        sentence = message(
            "The network's outputs overflow although its weights are finite, as happens when training diverges. Check"
            " torch.isfinite(model(images)).all() in {training_script}, lower the learning rate, or hand in the weights"
            " of an earlier epoch.",
            training_script=LAB.training_script,
        )
        hints.append(sentence)
    mixed = _most_mixed(case.seen)
    if case.limits.credit(share) < 1.0 and mixed:
        hints.append(mixed)
    goal = next((figure for figure, credit in case.limits.knots if credit > case.limits.credit(share)), None)
    if goal is not None and not likely:
        hints.append(
            message(
                "The next step in the rubric is {goal:.2%}: {more:.1f} percentage points more.",
                goal=goal,
                more=100 * (goal - share),
            )
        )
    return hints


def _started_from(found: GivenWeights | None) -> list[Message]:
    """Say that the weights are those that were given, or hardly differ from them. It never changes the mark."""
    same = [start for start in found.compared if start.same] if found else []
    if found and same:
        sentence = message(
            "{file} contains the same weights as {given}: if you did not overwrite that file, these are the weights you"
            " were given. Train them further with 'python exp2.py --resume {given}' and hand in the final.pth that it"
            " writes.",
            file=found.path,
            given=same[0].file,
        )
        if any(start.of_the_lab for start in same):
            sentence = message(
                "These are the weights you were given: {file} is {given} of the template. Train them further with"
                " 'python exp2.py --resume {given}' and hand in the final.pth that it writes.",
                file=found.path,
                given=same[0].file,
            )
        return [sentence]
    near = [start for start in found.compared if start.distance <= HARDLY_MOVED] if found else []
    if not found or not near:
        return []
    sentence = message(
        "The weights differ from those of {given} by {share:.2%} of their norm: training hardly moved them.",
        given=near[0].file,
        share=near[0].distance,
    )
    return [sentence]


def _likely_preprocessing(diagnosis: Diagnosis | None) -> Message | None:
    """Name another preprocessing if the weights do clearly better with it. It never changes the mark."""
    best = better_preprocessing(diagnosis)
    if diagnosis is None or best is None:
        return None
    graded = diagnosis.trials[0]
    return message(
        "With {name}, the same weights classify {better:.1%} of {count:,} training images correctly, but only"
        " {graded:.1%} as graded: the network was probably trained that way. Write the transforms.Normalize that you"
        " trained with into {training_script}.",
        name=worded(best.name), count=best.count,
        better=best.correct / best.count, graded=graded.correct / graded.count,training_script=LAB.training_script
    )  # fmt: skip


def _most_mixed(scores: Accuracy) -> Message | None:
    pairs = [
        (wrong, scores.classes[true], scores.classes[guess])
        for true, row in enumerate(scores.confusion)
        for guess, wrong in enumerate(row)
        if guess != true
    ]
    count, true, guess = max(pairs, default=(0, "", ""))
    if not count:
        return None
    return message(
        "The most common mistake: {true} classified as {guess}, {count} times.", true=true, guess=guess, count=count
    )
