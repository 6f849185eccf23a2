"""Says how a network would gain most: what costs most comes first, then the surest way to more points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from grader.evidence import Accuracy, Checkpoint, Diagnosis, GivenWeights, History, PreprocessingChoice
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
COLLAPSED = 0.95  # of the images in one class: then the network does not look at them


def accuracy_hints(case: Case[Accuracy, R]) -> tuple[Message, ...]:
    """Return what to do, the most helpful first: a cause that was measured, then longer training, then details."""
    causes = [*_started_from(case.other(GivenWeights)), *_causes(case)]
    rest = () if better_preprocessing(case.other(Diagnosis)) else _next_step(case, bool(causes))
    choice = case.other(PreprocessingChoice)
    chosen = (chosen_by_measurement(choice),) if choice else ()
    mixed = _most_mixed(case.seen) if case.limits.credit(_share(case.seen)) < 1.0 else None
    details = (mixed,) if mixed and _commonest(case.seen)[1] < COLLAPSED else ()
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
