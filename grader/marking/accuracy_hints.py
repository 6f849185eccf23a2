"""Says how a network would gain most: what costs most comes first, then the surest way to more points."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claims,
    Diagnosis,
    Generalisation,
    GivenWeights,
    History,
    PreprocessingChoice,
)
from grader.evidence.wording import said as worded
from grader.labs import the_lab
from grader.marking.check import Case, Ramp
from grader.marking.choice_exhibits import chosen_by_measurement
from grader.measures.intervals import better_preprocessing, sampling_error
from grader.records import Message, Scalar, message

R = TypeVar("R", bound=Ramp)
FEW_EPOCHS = 10  # the lab's own schedule has ten
RISING = 0.5  # percentage points between the last epochs and as many before them: more than chance moves an average
SAME_WEIGHTS = 1.5  # percentage points: a history that is further off tells of other weights
HARDLY_MOVED = 0.01  # of their norm, from the given weights: the reference and the demo moved by more than all of it
FAR = 0.05  # a share: figures that differ by more were not counted on the same kind of images
_VALIDATION = re.compile(r"\bval(?:id(?:ation)?)?[ _-]?acc|验证集?的?(?:准确|精度|正确)", re.IGNORECASE)
COLLAPSED = 0.95  # of the images in one class: then the network does not look at them


def accuracy_hints(case: Case[Accuracy, R]) -> tuple[Message, ...]:
    """Return what to do, the most helpful first: a cause that was measured, then longer training, then details."""
    causes = [*_started_from(case.other(GivenWeights)), *_causes(case)]
    rest = () if better_preprocessing(case.other(Diagnosis)) else _next_step(case, bool(causes))
    choice = case.other(PreprocessingChoice)
    chosen = (chosen_by_measurement(choice),) if choice else ()
    mixed = _most_mixed(case.seen) if case.limits.credit(_share(case.seen)) < 1.0 else None
    details = (mixed,) if mixed and _commonest(case.seen)[1] < COLLAPSED else ()
    details = (*details, *_training_called_validation(case))
    return (*causes, *rest, *chosen, *details)


def _share(scores: Accuracy) -> float:
    return scores.correct / scores.count


def _started_from(found: GivenWeights | None) -> list[Message]:
    """Say that the weights are those that were given, or hardly differ from them. It never changes the mark."""
    same = [start for start in found.compared if start.same] if found else []
    if found and same:
        sentence = message(
            "{file} contains the same weights as {given}: if you did not overwrite that file, these are the weights you"
            " were given. Train them further with 'python {training_script} --resume {given}' and hand in the"
            " {checkpoint} that it writes.",
            file=found.path,
            given=same[0].file,
            training_script=the_lab().training_script,
            checkpoint=the_lab().checkpoint,
        )
        if any(start.of_the_lab for start in same):
            sentence = message(
                "These are the weights you were given: {file} is {given} of the template. Train them further with"
                " 'python {training_script} --resume {given}' and hand in the {checkpoint} that it writes.",
                file=found.path,
                given=same[0].file,
                training_script=the_lab().training_script,
                checkpoint=the_lab().checkpoint,
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


def _causes(case: Case[Accuracy, R]) -> Iterator[Message]:
    """Yield what explains a low accuracy: another normalisation, weights left aside, an overflow, one single answer."""
    likely = _likely_preprocessing(case.other(Diagnosis))
    if likely:
        yield likely
    checkpoint = case.other(Checkpoint)
    spare = checkpoint.spare_weights if checkpoint else ()
    if checkpoint and spare:
        yield message(
            "{file} contains weights that {network} does not have ({spare}); the accuracy was measured without them."
            " If your network uses them, train and hand in one of the lab's networks.",
            file=checkpoint.path,
            network=checkpoint.network,
            spare=", ".join(spare)[:200],
        )
    if case.seen.not_finite:
        yield message(
            "The network's outputs overflow although its weights are finite, as happens when training diverges. Check"
            " torch.isfinite(model(images)).all() in {training_script}, lower the learning rate, or hand in the"
            " weights of an earlier epoch.",
            training_script=the_lab().training_script,
        )
    elif not likely and not spare:
        yield from _one_answer(case.seen)


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
        better=best.correct / best.count, graded=graded.correct / graded.count,training_script=the_lab().training_script
    )  # fmt: skip


def _one_answer(scores: Accuracy) -> Iterator[Message]:
    name, share = _commonest(scores)
    if share == 1.0:
        yield message(
            "Every image is classified as '{name}': training did not work. Check that the loss falls below"
            " {guessing:.1f}, which is guessing, within the first epoch; that each batch calls zero_grad(), backward()"
            " and step(); and that the learning rate is not too high. Then measure again after model.eval() before you"
            " hand in.",
            name=name,
            guessing=math.log(len(scores.classes)),
        )
    elif share >= COLLAPSED:
        yield message(
            "{share:.1%} of the images are classified as '{name}': training did not work. Check that the loss falls"
            " below {guessing:.1f}, which is guessing, within the first epoch; that each batch calls zero_grad(),"
            " backward() and step(); and that the learning rate is not too high. Then measure again after model.eval()"
            " before you hand in.",
            name=name,
            share=share,
            guessing=math.log(len(scores.classes)),
        )


def _commonest(scores: Accuracy) -> tuple[str, float]:
    """Return the class that the network names most often, and its share of all answers."""
    answers = [sum(column) for column in zip(*scores.confusion, strict=True)]
    total, most = sum(answers), max(answers, default=0)
    return (scores.classes[answers.index(most)], most / total) if total else ("", 0.0)


def _training_called_validation(case: Case[Accuracy, R]) -> Iterator[Message]:
    """Name a validation accuracy that fits the training images and not the test images. It never changes the mark."""
    claims, share = case.other(Claims), _share(case.seen)
    for claim in claims.claims if claims else ():
        for correct, count in _on_training_images(case):
            training, gap = correct / count, claim.accuracy - share
            fits = gap > FAR and training - share > FAR and abs(claim.accuracy - training) <= gap / 2
            if fits and _VALIDATION.search(claim.quote):
                yield message(
                    "{source} prints {claimed:.1%} as a validation accuracy. The network classifies {training:.1%} of"
                    " {count:,} training images correctly, and {share:.1%} of the test images: the printed figure was"
                    " probably counted on training images.",
                    source=claim.source,
                    claimed=claim.accuracy,
                    training=training,
                    count=count,
                    share=share,
                )
                return


def _on_training_images(case: Case[Accuracy, R]) -> Iterator[tuple[int, int]]:
    """Yield how many training images were classified correctly, of how many: of all that were looked at."""
    found, diagnosis = case.other(Generalisation), case.other(Diagnosis)
    if found and found.training:
        yield found.correct_training, found.training
    if diagnosis and not better_preprocessing(diagnosis):
        yield diagnosis.trials[0].correct, diagnosis.trials[0].count


@dataclass(frozen=True, slots=True)
class _Training:
    """What the history says about the end of training: epochs, and the rise over the last of them in points."""

    epochs: int
    last: int
    rise: float


def _next_step(case: Case[Accuracy, R], explained: bool) -> Iterator[Message]:
    """Yield the next step in the rubric, with the way there where the history shows that training ended early."""
    share = _share(case.seen)
    credit = case.limits.credit(share)
    goal = next((figure for figure, worth in case.limits.knots if worth > credit), None)
    if goal is None:
        return
    training = None if explained else _training(case.other(History), case.seen)
    values: dict[str, Scalar] = {"goal": 100.0 * goal, "points": round(case.points * case.limits.credit(goal), 2)}
    yield _longer(training, share, values) or message(
        "The next step in the rubric is {goal:.2%}: {more:.1f} percentage points more.",
        goal=goal,
        more=100 * (goal - share),
    )


def _longer(training: _Training | None, share: float, values: dict[str, Scalar]) -> Message | None:
    """Advise longer training where it ended early; `values` are the goal in percent, and its points."""
    if training and training.epochs < FEW_EPOCHS:
        return message(
            "Train longer: {share:.1%} after {epochs} epochs; {goal:.4g}% gives {points:g} points.",
            **values,
            share=share,
            epochs=training.epochs,
        )
    if training and training.rise > RISING:
        return message(
            "Train longer: the test accuracy still rose, by {rise:.1f} points over the last {last} of {epochs} epochs;"
            " {goal:.4g}% gives {points:g} points.",
            **values,
            rise=training.rise,
            last=training.last,
            epochs=training.epochs,
        )
    return None


def _training(history: History | None, scores: Accuracy) -> _Training | None:
    """Return how the training of these weights ended; None if the history is missing or tells of others."""
    accuracies = [epoch.test_accuracy for epoch in history.epochs if epoch.test_accuracy is not None] if history else []
    if history is None or not accuracies:
        return None
    if abs(accuracies[-1] - 100 * _share(scores)) > SAME_WEIGHTS + 100 * sampling_error(scores):
        return None
    last = max(1, len(accuracies) // 5)
    end, before = accuracies[-last:], accuracies[-2 * last : -last]
    rise = sum(end) / last - sum(before) / last if before else 0.0
    return _Training(max(len(history.epochs), history.epochs[-1].epoch), last, rise)


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
