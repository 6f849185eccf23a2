"""Are the features of tasks 3.1 and 3.2 correct, and scaled to unit length?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grader.evidence import Extracted, FeatureVectors
from grader.marking.check import Case, Part, add_up, check, printed_listing, require_weights
from grader.records import Cell, Message, Scalar, Table, Verdict, message

CLOSE = 1e-3  # of the largest value; summing float32 in another order stays below 1e-5
FLATTENED = 0.5  # credit for the correct values in another shape
ZERO_ROW = 0.2  # of the credit for `normalise`

MISTAKES = {
    "colours": message("They are the features of the images with red and blue swapped: do not reorder the channels."),
    "training": message(
        "They are the features of the network in training mode, where BatchNorm uses the statistics of the batch:"
        " leave the network in eval mode."
    ),
    "normalised": message("They are correct, but already scaled to unit length: normalise() does that later."),
}

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class FeatureLimits:
    """The weight of each function."""

    alexnet: float
    resnet50: float
    normalise: float

    def __post_init__(self) -> None:
        require_weights(alexnet=self.alexnet, resnet50=self.resnet50, normalise=self.normalise)


@check(reads=FeatureVectors, limits=FeatureLimits)
def feature_vectors(case: Case[FeatureVectors, FeatureLimits]) -> Verdict:
    """3.1, 3.2 Features.

    Features of AlexNet and ResNet50 are taken before the last part, and normalise() scales rows to unit length.
    """
    seen, failed = case.seen, {one.call: one.message for one in case.seen.failed}
    found = {one.network: one for one in seen.extracted}
    alexnet = _extraction("alexnet", found, failed, case.limits.alexnet)
    resnet50 = _extraction("resnet50", found, failed, case.limits.resnet50)
    normalise = _normalisation(seen, failed, case.limits.normalise)
    if not alexnet.credit and not normalise.credit:  # the template gives resnet50_features away
        resnet50 = Part(resnet50.name, resnet50.weight, 0.0, resnet50.faults)
    praise = message("The features of both networks are correct, and normalise() scales rows to unit length.")
    return add_up((alexnet, resnet50, normalise), praise, (_table(seen), *printed_listing(seen.printed)))


def _extraction(network: str, found: dict[str, Extracted], failed: dict[str, Message], weight: float) -> Part:
    name = message("{function}()", function=f"{network}_features")
    if network not in found:
        fault = failed.get(f"{network}_features")
        return Part(name, weight, 0.0, (fault,) if fault else ())
    one = found[network]
    right = one.distance is not None and one.distance <= CLOSE
    if one.shape == one.wanted and right:
        return Part(name, weight, 1.0)
    return Part(name, weight, FLATTENED if right else 0.0, (_wrong(one),))


def _wrong(one: Extracted) -> Message:
    values: dict[str, Scalar | Message] = {"function": f"{one.network}_features", "images": one.wanted[0]}
    if one.shape != one.wanted:
        return message(
            "For {images} images, {function}() returned the shape {shape}; it should be {wanted}. {why}",
            **values,
            shape=str(one.shape),
            wanted=str(one.wanted),
            why=_why_shape(one),
        )
    likely = next((name for name, distance in one.mistakes if distance <= CLOSE), "")
    usual = message("Apply all parts of the network except the last, in order, and flatten the result.")
    values |= {"where": MISTAKES.get(likely, usual)}
    if one.distance is None:
        return message(
            "For {images} images, {function}() did not return the inputs of the network's last part: some values are"
            " not finite. {where}",
            **values,
        )
    return message(
        "For {images} images, {function}() did not return the inputs of the network's last part (the values differ by"
        " up to {distance:.1%} of the largest one). {where}",
        **values,
        distance=one.distance,
    )


def _why_shape(one: Extracted) -> Message:
    """Say which tensor of this shape is often mistaken for the features."""
    images, columns = one.wanted
    if one.shape == (images, one.logits):
        return message("These are logits, the output of the last part: the features are its input.")
    if math.prod(one.shape) == images * columns and one.shape[:1] == (images,):
        return message("These are still feature maps: flatten all but the first dimension with x.flatten(1).")
    if math.prod(one.shape) == images * columns:
        return message(
            "The images were flattened into each other: flatten all but the first dimension with x.flatten(1)."
        )
    if one.shape == (images, 4096):
        return message("Part of the classifier was already applied: the features are the input of the classifier.")
    if one.shape == (images, 256):
        return message("The 6 x 6 positions were averaged: flatten the maps with x.flatten(1) instead.")
    return message("Print the model, and follow its parts up to, but not including, the last one.")


# --- rows of length one ----------------------------------------------------------------------------------------


def _normalisation(seen: FeatureVectors, failed: dict[str, Message], weight: float) -> Part:
    name = message("{function}()", function="normalise")
    if "normalise" in failed:
        return Part(name, weight, 0.0, (failed["normalise"],))
    if seen.normalised is None:
        given = str((len(seen.rows), len(seen.rows[0])))
        sentence = message(
            "normalise() changed the shape from {given} to {found}; it should not change.",
            given=given,
            found=str(seen.normalised_shape),
        )
        return Part(name, weight, 0.0, (sentence,))
    zero = next(number for number, row in enumerate(seen.rows) if not any(row))
    kept = all(value == 0.0 for value in seen.normalised[zero])
    others = [number for number in range(len(seen.rows)) if number != zero]
    right = _alike(seen.normalised, _by(seen.rows, _length), others)
    faults = () if right else (_wrong_rows(seen, others),)
    if not kept:
        told = ", ".join("NaN" if value is None else f"{value:.3g}" for value in seen.normalised[zero])
        sentence = message(
            "normalise() turned a row of zeros into {row}; it should stay zero. Divide by the length, but never by"
            " less than a tiny number (see `clamp`), or find the function for this in torch.nn.functional.",
            row=told,
        )
        faults = (*faults, sentence)
    return Part(name, weight, (1.0 - ZERO_ROW) * right + ZERO_ROW * (right and kept), faults)


def _wrong_rows(seen: FeatureVectors, others: list[int]) -> Message:
    assert seen.normalised is not None
    columns = list(zip(*seen.rows, strict=True))
    by_column = [
        [value / (_length(column) or 1.0) for value, column in zip(row, columns, strict=True)] for row in seen.rows
    ]
    whole = math.sqrt(sum(value * value for row in seen.rows for value in row))
    usual: tuple[tuple[Message, Rows], ...] = (
        (message("Nothing was changed."), seen.rows),
        (message("The columns have length 1: compute the length of each row, along dim=1."), by_column),
        (
            message("The whole matrix was divided by one length: compute the length of each row, along dim=1."),
            _by(seen.rows, lambda row: whole),
        ),
        (
            message("Each row was divided by its sum of squares: take the square root first."),
            _by(seen.rows, lambda row: _length(row) ** 2),
        ),
        (
            message(
                "The absolute values of each row sum to 1 (L1 norm): divide by the square root of the sum of squares"
                " (L2 norm)."
            ),
            _by(seen.rows, lambda row: sum(map(abs, row))),
        ),
        (
            message("The largest value of each row is 1: divide by the square root of the sum of squares (L2 norm)."),
            _by(seen.rows, lambda row: max(map(abs, row))),
        ),
    )
    likely = next((told for told, rows in usual if _alike(seen.normalised, rows, others)), None)
    lengths = [_told_length(seen.normalised[number]) for number in others]
    return message(
        "After normalise(), the rows have the lengths {lengths}; each should have length 1 and keep its direction."
        " {where}",
        lengths=", ".join(lengths),
        where=likely or message("Divide each row by the square root of its sum of squares."),
    )


def _length(row: Sequence[float]) -> float:
    return math.sqrt(sum(value * value for value in row))


def _told_length(row: Sequence[float | None]) -> str:
    known = [value for value in row if value is not None]
    return f"{_length(known):.4g}" if len(known) == len(row) else "NaN"


def _by(rows: Rows, divisor: Callable[[Sequence[float]], float]) -> Rows:
    return [[value / (divisor(row) or 1.0) for value in row] for row in rows]


def _alike(seen: Sequence[Sequence[float | None]], right: Rows, numbers: Sequence[int]) -> bool:
    pairs: Iterator[tuple[float | None, float]] = (
        pair for number in numbers for pair in zip(seen[number], right[number], strict=True)
    )
    return all(value is not None and abs(value - wanted) <= CLOSE * max(1e-3, abs(wanted)) for value, wanted in pairs)


def _table(seen: FeatureVectors) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in seen.extracted:
        apart: Cell = message("not comparable") if one.distance is None else f"{one.distance:.2e}"
        rows.append((f"{one.network}_features", str(one.shape), str(one.wanted), apart))
    largest = message("Largest difference, relative to the largest value")
    columns = (message("Function"), message("Shape"), message("Expected"), largest)
    return Table(message("Features of networks with random weights"), columns, tuple(rows))
