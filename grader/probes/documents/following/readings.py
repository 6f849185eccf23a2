"""From what was noticed in a program to what the test images go through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from grader.probes.documents.following import datasets
from grader.probes.documents.following.program import STOPPED, File, Program
from grader.probes.documents.following.transforms import apply
from grader.probes.documents.following.values import (
    DataSet,
    Pixels,
    Place,
    Seq,
    Table,
    Triple,
    Unbound,
    Value,
    triple,
)

IMAGENET = (0.485, 0.456, 0.406)
LARGE = 64  # sides from which images are made for other networks than the lab's


@dataclass(frozen=True, slots=True)
class Reading:
    """How test images become a network's input: resized and cropped where asked, then (pixel / scale - mean) / std."""

    mean: Triple
    std: Triple
    resize: int
    crop: int
    scale: float
    blue_first: bool
    place: Place

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two readings the same, wherever they are written."""
        rounded = tuple(round(value * self.scale, 4) for value in (*self.mean, *self.std))
        return (rounded, self.resize, self.crop, self.blue_first)


@dataclass(frozen=True, slots=True)
class Found:
    """Readings of the same weight: what may be said of the test images.

    `unread`: there is one more that is not known.
    """

    readings: tuple[Reading, ...]
    unread: bool = False

    @property
    def distinct(self) -> tuple[Reading, ...]:
        """Return each reading once."""
        return tuple({one.key: one for one in reversed(self.readings)}.values())[::-1]


def read_pixels(pixels: Pixels) -> Reading | None:
    """Return the mean and deviation that numbers were normalised with; None if it was done otherwise."""
    if pixels.integer or pixels.lost or min(pixels.slope) <= 0.0:
        return None
    std = [1 / (255 * slope) for slope in pixels.slope]
    mean = [-offset * deviation for offset, deviation in zip(pixels.offset, std, strict=True)]
    if pixels.guess:
        largest = max(*mean, *std) * 255
        factor = 255.0 if largest <= 2.0 else 1.0  # they were from 0 to 1 before
        mean, std = [factor * one for one in mean], [factor * one for one in std]
    scale = 1.0 if max(std) < 0.02 else 255.0
    rounded = [tuple(round(one * 255 / scale, 6) + 0.0 for one in values) for values in (mean, std)]
    means, stds = (triple(Seq(list(one))) for one in rounded)
    if means is None or stds is None or min(stds) <= 0.0 or max(map(abs, (*means, *stds))) >= 1000:
        return None
    return Reading(means, stds, pixels.resize, pixels.crop, scale, pixels.blue_first, pixels.place)


# --- of data sets -----------------------------------------------------------------------------------------------


def of_data_sets(program: Program, files: list[File]) -> dict[str, Found]:
    """Return the readings of data sets by what they are for: "lab test", "own test", "lab train", "own", ..."""
    found: dict[str, list[Reading | None]] = {}
    shown: dict[str, list[Reading | None]] = {}  # to a network
    for file in files:
        for data in list(file.noticed.data_sets):
            to_network = any(one.origin is data for one in file.noticed.inputs)
            for kind, reading in _of_data_set(program, file, data):
                found.setdefault(kind, []).append(reading)
                if to_network:
                    shown.setdefault(kind, []).append(reading)
    return {kind: _found(items, shown.get(kind, [])) for kind, items in found.items()}


def _found(items: list[Reading | None], shown: list[Reading | None]) -> Found:
    """Leave out images that are not normalised and that no network is given: those are looked at."""
    if shown:
        items = [one for one in items if one in shown or one is None or any(one.mean)]
    return Found(tuple(one for one in items if one is not None), None in items)


def loose_inputs(files: list[File]) -> bool:
    """Return whether images of unknown origin are normalised on their way to a network, or by hand."""
    for file in files:
        for pixels in (*file.noticed.inputs, *file.noticed.computed):
            reading = read_pixels(pixels) if pixels.origin is None and any(pixels.offset) else None
            if reading is not None and not _inverse(reading.mean, reading.std):
                return True
    return False


def _of_data_set(program: Program, file: File, data: DataSet) -> Iterator[tuple[str, Reading | None]]:
    if data.kind == "other":
        return
    state = program.state
    state.steps, state.noticed, shown = (
        file.steps,
        file.noticed,
        [one for one in file.noticed.inputs if one.origin is data],
    )
    computed = [one for one in file.noticed.computed if one.origin is data and one not in file.noticed.consumed]
    state.path = dict(data.held)
    try:
        for test in state.leaves(data.test):
            side = "" if test is None else " test" if test else " train"
            if not isinstance(test, bool | None):
                continue
            items = list(state.leaves(_images(program, data)))
            made = [one for one in items if not _untouched(one)]
            spoiled = any(one in state.spoiled for one in items if isinstance(one, Pixels))
            left: list[Value] = [None] if spoiled else []
            seen: list[Value] = [*shown] or left or made or [*computed]
            for pixels in seen:
                if not isinstance(pixels, Unbound):
                    kind = _inner(pixels, data) or ("lab" if data.kind == "lab" else "own") + (side or _named(data))
                    yield kind, read_pixels(pixels) if isinstance(pixels, Pixels) else None
    except STOPPED:
        file.whole = False
    finally:
        state.path = {}


def _inner(pixels: Value, data: DataSet) -> str:
    """Return what images are for that come from the lab's data set within one that does not say it."""
    inner = pixels.origin if isinstance(pixels, Pixels) and data.kind == "own" and data.test is None else None
    if inner is None or inner.kind != "lab" or not isinstance(inner.test, bool):
        return ""
    return "lab test" if inner.test else "lab train"


def _named(data: DataSet) -> str:
    """Return what the names around a data set say that it is for, if its arguments do not."""
    purpose = datasets.purpose(data.purposes)
    return f" {purpose}" if purpose == "test" or (purpose and data.kind != "lab") else ""


def _untouched(pixels: Value) -> bool:
    """Return whether these are images as the data set has them, which no network takes."""
    return isinstance(pixels, Pixels) and pixels.integer


def _images(program: Program, data: DataSet) -> Value:
    """Return the images of a data set's item."""

    def first(value: Value) -> Value:
        if isinstance(value, Seq) and value.items:
            return program.state.lift(first, value.items[0])
        if isinstance(value, Table) and value.items:
            return program.state.lift(first, next(iter(value.items.values())))
        return value

    return program.state.lift(first, datasets.item(program.state, data))


# --- where no data set tells ------------------------------------------------------------------------------------


def of_transforms(program: Program, files: list[File]) -> dict[str, Found]:
    """Return the readings of transforms by what their names say that they are for: "test", "train", ""."""
    found: dict[str, list[Reading]] = {}
    for file in files:
        placed: set[Place] = set()
        for pixels, purposes in chain(_chains(program, file), _by_hand(file)):
            reading = read_pixels(pixels)
            if reading is not None and not _inverse(reading.mean, reading.std):
                found.setdefault(datasets.purpose(purposes), []).append(reading)
                placed.add(pixels.place)
        for one in file.noticed.normalisers:
            if one.mean and one.std and one.place not in placed and not _inverse(one.mean, one.std):
                reading = Reading(one.mean, one.std, 0, 0, 255.0, False, one.place)
                found.setdefault(datasets.purpose(one.purposes), []).append(reading)
    return {kind: Found(tuple(readings)) for kind, readings in found.items()}


def _chains(program: Program, file: File) -> Iterator[tuple[Pixels, tuple[str, ...]]]:
    program.state.steps, program.state.noticed = file.steps, file.noticed
    try:
        for steps, purposes in list(file.noticed.chains):
            for pixels in program.state.leaves(apply(program.state, steps, Pixels())):
                if isinstance(pixels, Pixels) and (any(pixels.offset) or _normalises(file, pixels)):
                    yield pixels, purposes
    except STOPPED:
        file.whole = False


def _normalises(file: File, pixels: Pixels) -> bool:
    return any(one.place == pixels.place for one in file.noticed.normalisers)


def _by_hand(file: File) -> Iterator[tuple[Pixels, tuple[str, ...]]]:
    for pixels in file.noticed.computed:
        if pixels not in file.noticed.consumed and any(pixels.offset) and pixels.slope != (1.0, 1.0, 1.0):
            yield pixels, ()


def _inverse(mean: Triple, std: Triple) -> bool:
    """Return whether this undoes a normalisation, for showing pictures."""
    return min(mean) < 0.0 or min(std) <= 0.0 or (max(mean) == 0.0 and min(std) > 1.5)


def of_constants(files: list[File]) -> Found:
    """Return the template's constants MEAN and STD, three numbers each."""
    for file in files:
        for mean_name, std_name in (("MEAN", "STD"), ("mean", "std")):
            mean, std = (file.scope.names.get(name) for name in (mean_name, std_name))
            if isinstance(mean, Seq) and isinstance(std, Seq) and len(mean.items) == len(std.items) == 3:
                means, stds = triple(mean), triple(std)
                if means and stds and not _inverse(means, stds) and max(*means, *stds) < 1000:
                    place = file.place_of(mean_name)
                    return Found((Reading(means, stds, 0, 0, 255.0, False, place),))
    return Found(())


def imagenets(reading: Reading) -> bool:
    """Return whether this is how images are made for a network that was trained on ImageNet."""
    near = all(abs(one - other) < 1e-3 for one, other in zip(reading.mean, IMAGENET, strict=True))
    return near and max(reading.resize, reading.crop) >= LARGE
