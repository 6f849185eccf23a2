"""Reads from the code, without running it, how the submission normalised its test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.probes.documents.following.program import File, Program
from grader.probes.documents.following.readings import (
    Reading,
    imagenets,
    loose_inputs,
    of_constants,
    of_data_sets,
    of_transforms,
)
from grader.probes.documents.following.side import use_side
from grader.probes.documents.syntax import read_code
from grader.probes.refusals import Phrase, phrase

# what data sets are for, the most telling first
DATA_SETS = ("lab test", "own test", "lab", "lab train", "own", "own train")
TRAIN = ("lab train", "own train")  # what test images go through may be something else
MOST = 20


@dataclass(frozen=True, slots=True)
class _Answer:
    """The reading, if there is one, and the candidates if it is not certain; `others` were found for something else."""

    reading: Reading | None
    candidates: tuple[Reading, ...] = ()
    others: tuple[Reading, ...] = ()


def read_preprocessing(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Follow the transform of the test images through the files of `inputs["names"]`.

    Files named in `inputs["beside"]` are about other networks; `inputs["training"]` is the script that counts if
    several differ, and `inputs["side"]` the side of the lab's images in pixels, 32 unless it is given.

    Returns the fields of evidence.Preprocessing, and "candidates", a list of the same fields: empty if the reading is
    certain; else names alone speak for it. Without a reading, "found" is False, and "also_found" names what looks like
    a normalisation but could not be read.
    """
    use_side(int(inputs.get("side", 32)))
    names = [name for name in inputs["names"] if name.rpartition("/")[2].casefold() not in inputs["beside"]]
    program = Program(list(zip(names, read_code(names, files), strict=True)))
    training = inputs.get("training", "")
    first = [file for file in program.files if file.name.rpartition("/")[2].casefold() == training]
    answer = _answer(program, first)
    candidates = [_fields(one) for one in answer.candidates[:MOST]]
    if answer.reading is not None:
        also = [_place(one) for one in answer.others[:MOST]]
        return {**_fields(answer.reading), "also_found": also, "candidates": candidates}, {}
    unread = {one.place: one for file in program.files for one in file.noticed.normalisers if one.mean is None}
    said = [phrase("place_said", file=at.source, line=at.line, said=one.said) for at, one in [*unread.items()][:MOST]]
    also = [*said, *(_place(one) for one in answer.candidates)]
    return {"found": False, "candidates": candidates, "also_found": also[:MOST]}, {}


def _answer(program: Program, first: list[File]) -> _Answer:
    """Ask the data sets, then the transforms, then the template's constants; each time the training script first."""
    files = program.files
    own = _by_data_sets(program, first)
    if own and own.reading:
        return own
    named, whole = _by_name(program, first) or _by_constants(first), _by_data_sets(program, files)
    if whole and whole.reading:
        also = _distinct((*(own.candidates if own else ()), *((named.reading,) if named.reading else ())))
        unread = own is not None and not own.candidates
        if not unread and all(one.key == whole.reading.key for one in also):
            return whole
        return _Answer(None, _distinct((*also, whole.reading, *whole.others)))
    if own or whole:
        return _Answer(None, _distinct(one for each in (own, whole) if each for one in each.candidates))
    found = [named, _by_name(program, files), _by_constants(files)]
    return next((one for one in found if one and (one.reading or one.candidates)), _Answer(None))


def _by_data_sets(program: Program, files: list[File]) -> _Answer | None:
    """Take what the test images go through; None if there are no data sets."""
    sets = of_data_sets(program, files)
    everything = _distinct(one for each in sets.values() for one in each.readings)
    for kind in DATA_SETS:
        found = sets.get(kind)
        if found is None or not (found.readings or found.unread):
            continue
        certain = kind not in TRAIN and not found.unread and len(found.distinct) == 1
        if certain and _plausible(kind, found.distinct[0], files):
            return _Answer(found.distinct[0], (), _others(everything, found.distinct[0]))
        transforms = of_transforms(program, files).values()
        beside = (one for each in transforms for one in each.readings)
        return _Answer(None, _distinct((*found.distinct, *everything, *beside)))
    return None


def _plausible(kind: str, reading: Reading, files: list[File]) -> bool:
    """Return whether nothing in the code speaks against a reading."""
    elsewhere = not any(reading.mean) and loose_inputs(files)  # normalised where it cannot be followed
    for_others = kind.startswith("own") and imagenets(reading)
    return _whole(files, reading) and not elsewhere and not for_others


def _by_name(program: Program, files: list[File]) -> _Answer | None:
    """Take the only normalisation that there is, or the only one that is not for training by its name."""
    transforms = of_transforms(program, files)
    everything = _distinct(one for each in transforms.values() for one in each.readings)
    if not everything:
        return None
    test, rest, train = (transforms[kind].distinct if kind in transforms else () for kind in ("test", "", "train"))
    rest = tuple(one for one in rest if not imagenets(one)) or rest
    best = test or rest or train
    clear = len(best) == 1 and not (
        test and {one.key for one in rest if not imagenets(one)} - {one.key for one in test}
    )
    if clear and _whole(files, best[0]) and not imagenets(best[0]):
        others = _others(everything, best[0])
        named = any(not imagenets(one) for one in others)  # names alone tell which one is for testing
        return _Answer(best[0], (best[0], *others) if named else (), others)
    return _Answer(None, _distinct((*best, *everything)))


def _by_constants(files: list[File]) -> _Answer:
    found = of_constants(files).readings
    unread = any(one.mean is None for file in files for one in file.noticed.normalisers)
    return _Answer(found[0]) if found and not unread else _Answer(None, found)


def _whole(files: list[File], reading: Reading) -> bool:
    """Return whether the file that holds the reading was followed to its end."""
    return all(file.whole for file in files if reading.place.source.startswith(file.name))


def _distinct(readings: Any) -> tuple[Reading, ...]:
    found: dict[tuple[object, ...], Reading] = {}
    for one in readings:
        found.setdefault(one.key, one)
    return tuple(found.values())


def _others(everything: tuple[Reading, ...], certain: Reading) -> tuple[Reading, ...]:
    return tuple(
        one for one in everything if (one.mean, one.std, one.scale) != (certain.mean, certain.std, certain.scale)
    )


def _fields(reading: Reading) -> dict[str, Any]:
    return {
        "mean": reading.mean, "std": reading.std, "resize": reading.resize, "crop": reading.crop,
        "scale": reading.scale, "blue_first": reading.blue_first,
        "source": reading.place.source[:300], "line": reading.place.line,
    }  # fmt: skip


def _place(reading: Reading) -> Phrase:
    mean, deviation = str(reading.mean), str(reading.std)
    return phrase(
        "normalised_by", file=reading.place.source[:300], line=reading.place.line, mean=mean, deviation=deviation
    )
