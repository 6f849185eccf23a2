"""Does the training history belong to the weights that were handed in with it?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard

from grader.evidence import Accuracy, Claims, History, Refused
from grader.marking.check import BadLimit, Case, check
from grader.measures.doubts import certain_accuracy
from grader.measures.intervals import sampling_error
from grader.records import Curve, Message, Point, Series, Verdict, message

MOST_CLAIMS = 3  # shown with the curve
BY_CHANCE = 15.0  # percent: a network that has diverged stays at such an accuracy, the same in every epoch
HALF = 0.5  # the record itself and its agreement with the weights count equally


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How far the recorded accuracy may be from the measured one, in percentage points; and the fewest epochs.

    A record of fewer epochs earns its share of the points for the record.
    """

    note: float
    fault: float
    fewest: int = 3

    def __post_init__(self) -> None:
        if not 0.0 <= self.note <= self.fault:
            raise BadLimit(message("note and fault must satisfy 0 <= note <= fault"))
        if self.fewest < 1:
            raise BadLimit(message("fewest must be at least 1"))


@check(reads=History, limits=HistoryLimits)
def training_history(case: Case[History, HistoryLimits]) -> Verdict:
    """Training history.

    The training history is complete and matches the weights.
    """
    scores = certain_accuracy(case.evidence)
    faults = _faults(case.seen)
    measured = 100.0 * scores.correct / scores.count if scores else None
    nearest = _nearest(case.seen, measured)
    agreement, sentence = _agreement(case, measured, nearest)
    record, short = (0.0, ()) if faults else _length(case.seen, case.limits.fewest)
    credit = HALF * record + HALF * agreement if nearest is not None else 0.0
    exhibit = (_curve(case.seen, measured, case.other(Claims)),) if nearest is not None else ()
    return Verdict(credit, sentence, (*faults, *short), exhibit)


def _length(history: History, fewest: int) -> tuple[float, tuple[Message, ...]]:
    """Return the share for the number of epochs, and what is missing: one epoch shows no course of training.

    Epochs that agree in every figure count as one, unless the network has learnt nothing.
    """
    figures = {
        (one.train_loss, one.train_accuracy, one.test_loss, one.test_accuracy)
        for one in history.epochs
        if one.test_accuracy is None or one.test_accuracy > BY_CHANCE
    }
    alike = len(history.epochs) > 1 and len(figures) == 1 and _best(history) > BY_CHANCE
    count = 1 if alike else len(history.epochs)
    if count >= fewest:
        return 1.0, ()
    if alike:
        hint = message("Record what each epoch measured: all {n} epochs have the same figures.", n=len(history.epochs))
    else:
        hint = message(
            "Record at least {fewest} epochs; this history has {count}. It should show how the accuracy developed.",
            fewest=fewest,
            count=count,
        )
    return count / fewest, (hint,)


def _best(history: History) -> float:
    return max((one.test_accuracy for one in history.epochs if one.test_accuracy is not None), default=0.0)


def _is_percentage(value: float | None) -> TypeGuard[float]:
    return value is not None and 0.0 <= value <= 100.0


def _nearest(history: History, measured: float | None) -> float | None:
    """Return the accuracy of the last or the best epoch, whichever is nearer to the measured one, in percent."""
    recorded = [epoch.test_accuracy for epoch in history.epochs if _is_percentage(epoch.test_accuracy)]
    if not recorded:
        return None
    target = recorded[-1] if measured is None else measured
    return min((recorded[-1], max(recorded)), key=lambda accuracy: abs(accuracy - target))


def _agreement(
    case: Case[History, HistoryLimits], measured: float | None, nearest: float | None
) -> tuple[float, Message]:
    epochs = len(case.seen.epochs)
    if nearest is None:
        return 0.0, message("{source} records {n} epochs, but no test accuracy.", source=case.seen.source, n=epochs)
    if measured is None:
        if isinstance(case.evidence.observation(Accuracy), Refused):
            return 0.0, message(
                "{n} epochs are recorded, but there are no usable weights to compare them with.", n=epochs
            )
        # A fault of ours must not cost the student.
        return 1.0, message(
            "{n} epochs are recorded; they were not compared, because no accuracy was measured.", n=epochs
        )
    gap = round(abs(nearest - measured), 6)  # 85.04 - 84.54 is a little more than 0.5
    figures = {"n": epochs, "recorded": nearest, "measured": measured, "gap": gap}
    scores = certain_accuracy(case.evidence)
    by_chance = 100.0 * sampling_error(scores) if scores else 0.0
    if gap <= case.limits.note + by_chance:
        return 1.0, message(
            "{n} epochs are recorded; the recorded {recorded:.2f}% agrees with the measured {measured:.2f}% within"
            " {gap:.2f} points.",
            **figures,
        )
    if gap <= case.limits.fault + by_chance:
        return 1.0, message(
            "{n} epochs are recorded; the recorded {recorded:.2f}% is {gap:.2f} points from the measured"
            " {measured:.2f}%, which averaging over batches can explain.",
            **figures,
        )
    return 0.0, message(
        "{n} epochs are recorded; the recorded {recorded:.2f}% is {gap:.2f} points from the measured {measured:.2f}%:"
        " the history belongs to other weights, or was measured differently.",
        **figures,
    )


def _faults(history: History) -> list[Message]:
    """List what makes the record incomplete, each with a fix."""
    faults = []
    numbers = [epoch.epoch for epoch in history.epochs]
    if len(set(numbers)) < len(numbers):
        faults.append(message("Record each epoch once; {count} are repeated.", count=len(numbers) - len(set(numbers))))
    ordered = sorted(set(numbers))
    gaps = sum(right - left - 1 for left, right in pairwise(ordered))
    started_late = bool(ordered) and ordered[0] > 1 and not history.resumed_from
    if gaps or started_late:
        missing = gaps + (ordered[0] if started_late else 0)
        faults.append(message("Record every epoch; {count} are missing.", count=missing))
    if history.not_numbers:
        count = history.not_numbers
        faults.append(message("Record finite numbers; {count} values are NaN, infinite or not numbers.", count=count))
    outside = [
        value
        for epoch in history.epochs
        for value in (epoch.train_accuracy, epoch.test_accuracy)
        if value is not None and not _is_percentage(value)
    ]
    if outside:
        faults.append(
            message("Record accuracies as percentages from 0 to 100; {value:g} is not one.", value=outside[0])
        )
    unmeasured = sum(epoch.test_accuracy is None for epoch in history.epochs)
    if unmeasured:
        faults.append(
            message("Measure the test accuracy after every epoch; epochs without it: {count}.", count=unmeasured)
        )
    return faults


def _curve(history: History, measured: float | None, claims: Claims | None) -> Curve:
    fields = (("train_accuracy", message("Training accuracy")), ("test_accuracy", message("Test accuracy")))
    series = []
    for field, name in fields:
        pairs = [(float(epoch.epoch), getattr(epoch, field)) for epoch in history.epochs]
        series.append(Series(name, tuple((x, y) for x, y in pairs if _is_percentage(y))))
    last = float(history.epochs[-1].epoch)
    points = [Point(message("Measured by the grader"), last, measured)] if measured is not None else []
    stated = [claim for claim in (claims.certain if claims else ()) if claim.source != history.source]
    for claim in stated[:MOST_CLAIMS]:
        points.append(Point(message("Claimed in {source}", source=claim.source), last, 100.0 * claim.accuracy))
    drawn = tuple(line for line in series if line.points)
    title = message("Training, as recorded in {source}", source=history.source)
    return Curve(title, message("Epoch"), message("Accuracy"), drawn, tuple(points), "%")
