"""Are the features of tasks 3.1 and 3.2 those of the network, and brought to the length one?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grader.evidence import Extracted, FeatureVectors
from grader.marking.check import Case, Part, add_up, check, printed_listing, require_weights
from grader.records import Cell, Message, Scalar, Table, Verdict, message

CLOSE = 1e-3  # of the largest value; float32 in another order of summing stays below 1e-5
FLATTENED = 0.5  # credit for the right values in another shape
ZERO_ROW = 0.2  # of the credit for `normalise`

MISTAKES: dict[str, str] = {
    "colours": "They are those of the images with red and blue exchanged: leave the channels in their order.",
    "training": "They are those of the network in training mode, where BatchNorm uses the statistics of the batch:"
    " leave it in eval mode.",
    "normalised": "They are the right ones brought to the length 1 already: normalise() does that afterwards.",
}

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class FeatureLimits:
    """How much each function counts."""

    alexnet: float
    resnet50: float
    normalise: float

    def __post_init__(self) -> None:
        require_weights(alexnet=self.alexnet, resnet50=self.resnet50, normalise=self.normalise)


@check(reads=FeatureVectors, limits=FeatureLimits)
def feature_vectors(case: Case[FeatureVectors, FeatureLimits]) -> Verdict:
    """Features of AlexNet and ResNet50 are those before their last part, and rows are brought to the length one."""
    seen, failed = case.seen, {one.call: one.message for one in case.seen.failed}
    found = {one.network: one for one in seen.extracted}
    alexnet = _extraction("alexnet", found, failed, case.limits.alexnet)
    resnet50 = _extraction("resnet50", found, failed, case.limits.resnet50)
    normalise = _normalisation(seen, failed, case.limits.normalise)
    if not alexnet.credit and not normalise.credit:  # the template gives resnet50_features away
        resnet50 = Part(resnet50.name, resnet50.weight, 0.0, resnet50.faults)
    praise = message("The features of both networks are right, and rows are brought to the length 1.")
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
        text = "For {images} images {function}() returned the shape {shape}; it should be {wanted}. {why}"
        why = message(_why_shape(one))
        return message(text, **values, shape=str(one.shape), wanted=str(one.wanted), why=why)
    likely = next((name for name, distance in one.mistakes if distance <= CLOSE), "")
    where = MISTAKES.get(
        likely, "Run the parts of the network before its last one, in their order, and flatten the result."
    )
    values |= {"where": message(where)}
    if one.distance is None:
        text = (
            "Of {images} images {function}() returned other numbers than those that go into the last part of the"
            " network: not all are finite. {where}"
        )
        return message(text, **values)
    text = (
        "Of {images} images {function}() returned other numbers than those that go into the last part of the network"
        " (up to {distance:.1%} of the largest apart). {where}"
    )
    return message(text, **values, distance=one.distance)


def _why_shape(one: Extracted) -> str:
    """What is often taken for the features, by its shape."""
    images, columns = one.wanted
    flatten = "flatten all but the first dimension, x.flatten(1)."
    if one.shape == (images, one.logits):
        return "These are logits, the result of the last part: the features are what goes into it."
    if math.prod(one.shape) == images * columns and one.shape[:1] == (images,):
        return "They are still maps: " + flatten
    if math.prod(one.shape) == images * columns:
        return "The images run into each other: " + flatten
    if one.shape == (images, 4096):
        return "A part of the classifier has worked on them already: the features are what goes into it."
    if one.shape == (images, 256):
        return "The 6 x 6 places were averaged away: flatten the maps, x.flatten(1)."
    return "Print the model, and follow its parts up to the last one."


# --- rows of length one ----------------------------------------------------------------------------------------


def _normalisation(seen: FeatureVectors, failed: dict[str, Message], weight: float) -> Part:
    name = message("{function}()", function="normalise")
    if "normalise" in failed:
        return Part(name, weight, 0.0, (failed["normalise"],))
    if seen.normalised is None:
        text = "normalise() turned the shape {given} into {found}; it should stay."
        given = str((len(seen.rows), len(seen.rows[0])))
        return Part(name, weight, 0.0, (message(text, given=given, found=str(seen.normalised_shape)),))
    zero = next(number for number, row in enumerate(seen.rows) if not any(row))
    kept = all(value == 0.0 for value in seen.normalised[zero])
    others = [number for number in range(len(seen.rows)) if number != zero]
    right = _alike(seen.normalised, _by(seen.rows, _length), others)
    faults = () if right else (_wrong_rows(seen, others),)
    if not kept:
        text = (
            "normalise() turned a row of zeros into {row}; it should stay. Divide by the length, but never by less than"
            " a tiny number (see `clamp`), or look for what torch.nn.functional has for this."
        )
        told = ", ".join("NaN" if value is None else f"{value:.3g}" for value in seen.normalised[zero])
        faults = (*faults, message(text, row=told))
    return Part(name, weight, (1.0 - ZERO_ROW) * right + ZERO_ROW * (right and kept), faults)


def _wrong_rows(seen: FeatureVectors, others: list[int]) -> Message:
    assert seen.normalised is not None
    columns = list(zip(*seen.rows, strict=True))
    by_column = [
        [value / (_length(column) or 1.0) for value, column in zip(row, columns, strict=True)] for row in seen.rows
    ]
    whole = math.sqrt(sum(value * value for row in seen.rows for value in row))
    usual: dict[str, Rows] = {
        "Nothing was changed.": seen.rows,
        "The columns have that length: take it along dim=1.": by_column,
        "The whole table was divided by one length: take the length along dim=1.": _by(seen.rows, lambda row: whole),
        "The sum of squares still needs its square root.": _by(seen.rows, lambda row: _length(row) ** 2),
        "The absolute values of each row sum to 1 (L1): wanted is the root of the sum of squares.": _by(
            seen.rows, lambda row: sum(map(abs, row))
        ),
        "The largest value of each row is 1: wanted is the root of the sum of squares.": _by(
            seen.rows, lambda row: max(map(abs, row))
        ),
    }
    likely = next((text for text, rows in usual.items() if _alike(seen.normalised, rows, others)), "")
    lengths = [_told_length(seen.normalised[number]) for number in others]
    text = (
        "After normalise() the rows have the lengths {lengths}; each should have 1, and the direction it had. {where}"
    )
    where = message(likely or "Divide each row by the root of its sum of squares.")
    return message(text, lengths=", ".join(lengths), where=where)


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
    columns = ("Function", "Shape", "Asked for", "Largest difference, as a share of the largest value")
    return Table(
        message("Features of networks with drawn weights"), tuple(message(text) for text in columns), tuple(rows)
    )
