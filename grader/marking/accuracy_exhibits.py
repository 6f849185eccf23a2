"""Show how the accuracy was measured, what was claimed, and where the network is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claims,
    Diagnosis,
    Generalisation,
    Measurement,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
)
from grader.evidence.wording import said as worded
from grader.marking.check import Case, Ramp, printed_listing
from grader.marking.choice_exhibits import choice_table
from grader.measures.doubts import SURPRISING
from grader.measures.intervals import (
    better_preprocessing,
    calibration_error,
    fits_training,
    sampling_error,
    wilson_interval,
)
from grader.records import (
    Bar,
    Bars,
    Cell,
    Curve,
    Exhibit,
    Gallery,
    LabelledPicture,
    Matrix,
    Message,
    Point,
    Series,
    Table,
    message,
)

R = TypeVar("R", bound=Ramp)
MOST_CLASSES = 100


def accuracy_exhibits(case: Case[Accuracy, R]) -> list[Exhibit]:
    """Return what a reader needs to follow the figure: curve, claims, classes, mistakes, calibration, measurement."""
    scores = case.seen
    totals = [sum(row) for row in scores.confusion]
    bars = tuple(Bar(name, scores.confusion[i][i], totals[i]) for i, name in enumerate(scores.classes) if totals[i])
    exhibits: list[Exhibit] = [
        _rubric_curve(case),
        Bars(message("Correctly classified images per class"), bars),
        *_matrix(scores),
        *_wrong_images(scores),
    ]
    claims = case.other(Claims)
    if claims and claims.claims:
        exhibits.insert(1, _claims_table(claims, case.other(Diagnosis), scores))
    exhibits += [_reliability(scores), _calibration(scores), _measured_table(case)]
    own, diagnosis = case.other(OwnNetwork), case.other(Diagnosis)
    choice = case.other(PreprocessingChoice)
    exhibits += [choice_table(choice)] if choice else ()
    exhibits += printed_listing(own.printed) if own else ()
    general = case.other(Generalisation)
    exhibits += [_other_images(general, scores)] if general else ()
    return [*exhibits, _trials_table(diagnosis)] if diagnosis else exhibits


def _rubric_curve(case: Case[Accuracy, R]) -> Curve:
    """Draw points over accuracy: a share of the points, in percent too, would be taken for an accuracy."""
    limits, scores = case.limits, case.seen
    share = scores.correct / scores.count
    low, high = wilson_interval(scores.correct, scores.count)

    def line(figures: Iterable[float]) -> tuple[tuple[float, float], ...]:
        return tuple((100.0 * figure, round(case.points * limits.credit(figure), 2)) for figure in figures)

    knots = [figure for figure, _ in limits.knots]
    lines = (
        Series(message("Rubric"), line((0.0, *knots, 1.0))),
        Series(message("95% interval"), line(sorted({low, share, high, *(k for k in knots if low < k < high)}))),
    )
    ((x, y),) = line((share,))
    here = Point(message("This submission"), x, y)
    title = message("From accuracy to points")
    return Curve(title, message("Test accuracy in percent"), message("Points"), lines, (here,))


def _claims_table(claims: Claims, diagnosis: Diagnosis | None, scores: Accuracy) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for claim in claims.claims:
        place: Cell = (
            message("{source}, line {line}", source=claim.source, line=claim.line) if claim.line else claim.source
        )
        compared = (
            _compared(claim.accuracy, diagnosis, scores)
            if claim.certain
            else message("read without certainty: not compared")
        )
        rows.append((f"{claim.accuracy:.2%}", place, claim.quote, compared))
    rows.append((f"{scores.correct / scores.count:.2%}", message("measured by the grader"), None, None))
    columns = (message("Accuracy"), message("Source"), message("Quote from the submission"), message("Comparison"))
    return Table(message("Claimed and measured accuracy"), columns, tuple(rows))


def _compared(claimed: float, diagnosis: Diagnosis | None, scores: Accuracy) -> Message:
    gap = round(100 * (claimed - scores.correct / scores.count), 6)  # 0.79 - 0.80 is a little more than 0.01
    if abs(gap) <= 100 * (SURPRISING + sampling_error(scores)):
        return message("agrees within {gap:.2f} points", gap=abs(gap))
    if gap < 0:
        return message("{gap:.2f} points below the measured accuracy", gap=-gap)
    better = better_preprocessing(diagnosis)
    if better is not None:
        return message(
            "{gap:.2f} points above the measured accuracy; the normalisation may be the reason: see {name} below",
            gap=gap,
            name=worded(better.name),
        )
    training = fits_training(claimed, scores, diagnosis)
    if training is not None:
        return message(
            "{gap:.2f} points above the measured accuracy; closer to the accuracy on training images, {training:.2%}",
            gap=gap,
            training=training,
        )
    return message("{gap:.2f} points above the measured accuracy", gap=gap)


def _measured_table(case: Case[Accuracy, R]) -> Table:
    rows: list[tuple[Cell, Cell]] = [(message("Images"), _images(case.seen))]
    checkpoint, used = case.other(Checkpoint), case.other(Preprocessing)
    measured = case.other(Measurement)
    if checkpoint:
        rows += [(message("Network"), checkpoint.network), (message("Parameters"), _parameters(checkpoint, case.seen))]
        said = message("{form}, {types}", form=_form(checkpoint), types=", ".join(checkpoint.dtypes))
        rows.append((message("Saved as"), said))
        rows += [(message("Adjusted names"), worded(note)) for note in checkpoint.renamed]
        if checkpoint.unloaded:
            rows.append((message("Classes whose code was not loaded"), ", ".join(checkpoint.unloaded)))
        if checkpoint.extra_keys:
            rows.append((message("Ignored"), ", ".join(checkpoint.extra_keys)[:300]))
    own = case.other(OwnNetwork)
    if own:
        sentence = message(
            "{name} in {file}, line {line}, was run on the images without their labels",
            name=own.name,
            file=own.file,
            line=own.line,
        )
        rows.append((message("Student code"), sentence))
    if used:
        said = message(
            "mean {mean}, standard deviation {deviation}", mean=_triple(used.mean), deviation=_triple(used.std)
        )
        rows.append((message("Normalisation"), said))
        rows.append((message("Read from"), _origin(used, case.other(PreprocessingChoice))))
        rows += [(message("Also found"), worded(other)) for other in used.also_found]
    claims = case.other(Claims)
    rows += [(message("Could not be read"), worded(file)) for file in (claims.unread if claims else ())]
    if measured:
        device = f"{measured.device} {measured.device_name}"
        said = message("{precision}, {device}", precision=worded(measured.precision), device=device)
        rows.append((message("Precision and device"), said))
        rows.append((message("Image size"), message("{side} pixels", side=measured.side)))
    return Table(message("How it was measured"), (message("Item"), message("Value")), tuple(rows))


def _parameters(checkpoint: Checkpoint, scores: Accuracy) -> Message:
    return message(
        "{parameters:,}, {share:,.1f} for each test image",
        parameters=checkpoint.parameters,
        share=checkpoint.parameters / max(scores.count, scores.whole),
    )


def _other_images(found: Generalisation, scores: Accuracy) -> Table:
    """Tabulate the accuracy on test images beside that on moved copies and on training images, for staff."""
    shares: list[tuple[Message, int, int]] = [
        (message("test images"), scores.correct, scores.count),
        (message("some of them"), found.correct_before, found.moved),
        (message("the same, mirrored and slightly shifted"), found.correct_moved, found.moved),
    ]
    shares += [(message("training images"), found.correct_training, found.training)] if found.training else ()
    if found.hard:
        hard = message("test images that the reference network gets wrong")
        shares.append((hard, found.correct_hard, found.hard))
    rows = tuple((name, f"{count:,}", f"{correct / count:.1%}") for name, correct, count in shares)
    columns = (message("Images"), message("Count"), message("Correct"))
    return Table(message("Test images beside others"), columns, rows, audience="staff")


def _form(checkpoint: Checkpoint) -> Message:
    forms = {
        "state dict": message("state dict"),
        "wrapped state dict": message("wrapped state dict"),
        "whole module": message("whole module"),
    }
    form = forms[checkpoint.form]
    return (
        message("{form} under the key {name}", form=form, name=f'"{checkpoint.wrapper}"')
        if checkpoint.wrapper
        else form
    )


def _matrix(scores: Accuracy) -> tuple[Exhibit, ...]:
    """Return the confusion matrix; of more classes than a page can show, none."""
    if len(scores.classes) > MOST_CLASSES:
        return ()
    return (Matrix(message("Confusion matrix: true and predicted classes"), scores.classes, scores.confusion),)


def _images(scores: Accuracy) -> Message:
    return message("{dataset}, {count:,} test images", dataset=scores.dataset, count=scores.count)


def _origin(used: Preprocessing, choice: PreprocessingChoice | None) -> Message:
    if choice:
        return message("chosen by measurement among {count} normalisations", count=len(choice.candidates))
    if not used.source and used.also_found:
        return message("the lab's constants, because the submission's own cannot be read without running its code")
    if not used.source:
        return message("the lab's constants, because the submission's code specifies none")
    return message("{source}, line {line}", source=used.source, line=used.line)


def _triple(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _wrong_images(scores: Accuracy) -> tuple[Gallery, ...]:
    shown = tuple(
        LabelledPicture(
            mistake.picture,
            (
                message("true class: {truth}", truth=mistake.truth),
                message("predicted: {answer}", answer=mistake.answer),
                message("confidence {share:.1%}", share=mistake.confidence),
            ),
        )
        for mistake in scores.surest_mistakes
        if mistake.picture
    )
    return (Gallery(message("Most confident mistakes"), shown),) if shown else ()


def _reliability(scores: Accuracy) -> Curve:
    bins = tuple((100.0 * b.confidence, 100.0 * b.correct / b.count) for b in scores.calibration if b.count)
    lines = (
        Series(message("This network, one dot per tenth"), bins),
        Series(message("Perfect calibration"), ((0.0, 0.0), (100.0, 100.0))),
    )
    title = message("Is the network right as often as it is confident?")
    return Curve(title, message("Mean confidence in percent"), message("Correct"), lines, y_unit="%")


def _calibration(scores: Accuracy) -> Table:
    rows = tuple(
        (f"{index * 10}-{index * 10 + 10} %", item.count, f"{item.confidence:.1%}", f"{item.correct / item.count:.1%}")
        for index, item in enumerate(scores.calibration)
        if item.count
    )
    error = calibration_error(scores.calibration)
    title = message("Confidence and accuracy (expected calibration error {error:.1%})", error=error)
    columns = (message("Confidence"), message("Images"), message("Mean confidence"), message("Correct"))
    return Table(title, columns, rows)


def _trials_table(diagnosis: Diagnosis) -> Table:
    rows = tuple(
        (worded(trial.name), f"{trial.correct:,}", f"{trial.correct / trial.count:.2%}") for trial in diagnosis.trials
    )
    title = message("The same weights on {count:,} training images", count=diagnosis.trials[0].count)
    return Table(title, (message("Normalisation"), message("Correct"), message("Share")), rows)
