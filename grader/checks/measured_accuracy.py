"""How well do the handed-in weights classify images that the network has not seen?"""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence import Accuracy, OutOfMemory, PreprocessingChoice, TimedOut, Unavailable
from grader.evidence.outcomes import not_looked_at
from grader.evidence.wording import said as worded
from grader.marking.accuracy_exhibits import accuracy_exhibits
from grader.marking.accuracy_hints import accuracy_hints
from grader.marking.check import BadLimit, Case, Doubt, Ramp, check
from grader.measures.choice import choose
from grader.measures.doubts import doubt
from grader.measures.intervals import SURE, wilson_interval
from grader.records import Message, Scalar, Verdict, message

ENOUGH = 100  # training images: with fewer, which normalisation is right is open unless it is clear


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
    """Test accuracy.

    The trained network classifies test images correctly.
    """
    if fault := doubt(case.evidence):
        return Doubt(fault)
    choice = case.other(PreprocessingChoice)
    if choice and not case.limits.choose_preprocessing:
        return Doubt(_forbidden(choice))
    scores = case.seen
    if (why := _undecided(case)) is not None:
        return Doubt(why, tuple(accuracy_exhibits(case)))
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
    hints = (_few(scores), *accuracy_hints(case)) if scores.cut_short else accuracy_hints(case)
    return Verdict(case.limits.credit(share), sentence, hints, tuple(accuracy_exhibits(case)))


def _few(scores: Accuracy) -> Message:
    return message(
        "Only {count:,} of {whole:,} test images were measured, since the network needs more time or memory for all of"
        " them than a submission has. They are enough to decide the points.",
        count=scores.count,
        whole=scores.whole,
    )


def _undecided(case: Case[Accuracy, AccuracyRamp]) -> Message | None:
    """Say why staff must measure again: time or memory ended the measurement before it decided the points."""
    scores, credit = case.seen, case.limits.credit
    share = scores.correct / scores.count
    if _may_be_another(case) and credit(share) < 1.0:
        tried = case.evidence.observation(PreprocessingChoice)
        if isinstance(tried, Unavailable):
            return tried.message
        return message(
            "there was not enough time or memory to find out how the images are normalised; with the normalisation that"
            " was used, {share:.2%} of {count:,} test images are classified correctly. Grade again with a longer"
            " --time-limit or a larger --memory.",
            share=share,
            count=scores.count,
        )
    low, high = wilson_interval(scores.correct, scores.count, SURE)
    if not scores.cut_short or credit(low) == credit(high):
        return None
    return message(
        "there was enough time and memory for {count:,} of {whole:,} test images only: {share:.1%} of these are"
        " classified correctly, so of all it may be {low:.0%} to {high:.0%}. Grade again with a longer --time-limit or"
        " a larger --memory.",
        count=scores.count, whole=scores.whole, share=share, low=low, high=high,
    )  # fmt: skip


def _may_be_another(case: Case[Accuracy, AccuracyRamp]) -> bool:
    """Return whether time, memory or the machine left the normalisation open, and another could earn more."""
    tried = case.evidence.observation(PreprocessingChoice)
    choice = case.other(PreprocessingChoice)
    if choice is None or choice.count >= ENOUGH or choose(choice).clear:
        return isinstance(tried, TimedOut | OutOfMemory | Unavailable) and not not_looked_at(tried)
    best = max(wilson_interval(one.correct, choice.count, SURE)[1] for one in choice.candidates)
    return case.limits.credit(best) > case.limits.credit(case.seen.correct / case.seen.count)


def _forbidden(choice: PreprocessingChoice) -> Message:
    return message(
        "the accuracy was measured with a normalisation that was chosen by measurement ({name}), which this rubric"
        " forbids. Grade this submission again with this rubric: the template's constants are then used.",
        name=worded(choose(choice).candidate.name),
    )
