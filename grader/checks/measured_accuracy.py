"""How well do the handed-in weights classify images that the network has not seen?"""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence import Accuracy, Checkpoint, Diagnosis, PreprocessingChoice
from grader.evidence.wording import said as worded
from grader.marking.accuracy_exhibits import accuracy_exhibits
from grader.marking.check import BadLimit, Case, Doubt, Ramp, check
from grader.marking.choice_exhibits import chosen_by_measurement
from grader.measures.choice import choose
from grader.measures.doubts import doubt
from grader.measures.intervals import better_preprocessing, wilson_interval
from grader.records import Message, Scalar, Verdict, message


@dataclass(frozen=True, slots=True)
class AccuracyRamp(Ramp):
    """Credit by share of test images classified correctly, from 0 to 1.

    `choose_preprocessing`: where the code does not say how images are normalised, training images decide.
    """

    choose_preprocessing: bool = True

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
    choice = case.other(PreprocessingChoice)
    if choice and not case.limits.choose_preprocessing:
        return Doubt(_forbidden(choice))
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
    hints = []
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
            " torch.isfinite(model(images)).all() in exp2.py, lower the learning rate, or hand in the weights of an"
            " earlier epoch."
        )
        hints.append(sentence)
    choice = case.other(PreprocessingChoice)
    if choice:
        hints.append(chosen_by_measurement(choice))
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


def _forbidden(choice: PreprocessingChoice) -> Message:
    return message(
        "the accuracy was measured with a normalisation that was chosen by measurement ({name}), which this rubric"
        " forbids. Grade this submission again with this rubric: the template's constants are then used.",
        name=worded(choose(choice).candidate.name),
    )


def _likely_preprocessing(diagnosis: Diagnosis | None) -> Message | None:
    """Name another preprocessing if the weights do clearly better with it. It never changes the mark."""
    best = better_preprocessing(diagnosis)
    if diagnosis is None or best is None:
        return None
    graded = diagnosis.trials[0]
    return message(
        "With {name}, the same weights classify {better:.1%} of {count:,} training images correctly, but only"
        " {graded:.1%} as graded: the network was probably trained that way. Write the transforms.Normalize that you"
        " trained with into exp2.py.",
        name=worded(best.name), count=best.count,
        better=best.correct / best.count, graded=graded.correct / graded.count,
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
