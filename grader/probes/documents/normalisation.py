"""Reads from the code, without running it, how the submission normalised its test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.probes.documents.following.program import File, Program
from grader.probes.documents.following.readings import (
    Found,
    Reading,
    imagenets,
    loose_inputs,
    of_constants,
    of_data_sets,
    of_transforms,
)
from grader.probes.documents.syntax import read_code
from grader.probes.refusals import Phrase, phrase

# what data sets are for, the most telling first
DATA_SETS = ("lab test", "own test", "lab", "lab train", "own", "own train")
TRAIN = ("lab train", "own train")  # what test images go through may be something else
MOST = 20


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is certain, or else the candidates; `others` were also found, for something else."""

    certain: Reading | None
    candidates: tuple[Reading, ...] = ()
    others: tuple[Reading, ...] = ()


def read_preprocessing(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Follow the transform of the test images through the files of `inputs["names"]`.

    Files named in `inputs["beside"]` are about other networks; `inputs["training"]` is the script that counts if
    several differ.

    Returns the fields of evidence.Preprocessing if they are certain. Else {"found": False, "candidates": [...]}, each
    with these fields; "also_found" then names what looks like a normalisation but could not be read.
    """
    names = [name for name in inputs["names"] if name.rpartition("/")[2].casefold() not in inputs["beside"]]
    program = Program(list(zip(names, read_code(names, files), strict=True)))
    training = inputs.get("training", "")
    first = [file for file in program.files if file.name.rpartition("/")[2].casefold() == training]
    answer = _answer(program, first) if first else _Answer(None)
    if answer.certain is None:
        whole = _answer(program, program.files)
        candidates = _distinct((*answer.candidates, *whole.candidates, *whole.others))
        answer = whole if not answer.candidates else _Answer(None, candidates)
    if answer.certain is not None:
        return {**_fields(answer.certain), "also_found": [_place(one) for one in answer.others[:MOST]]}, {}
    unread = {one.place: one for file in program.files for one in file.noticed.normalisers if one.mean is None}
    said = [phrase("place_said", file=at.source, line=at.line, said=one.said) for at, one in [*unread.items()][:MOST]]
    known = [_fields(one) for one in answer.candidates[:MOST]]
    also = [*said, *(_place(one) for one in answer.candidates)]
    return {"found": False, "candidates": known, "also_found": also[:MOST]}, {}


def _answer(program: Program, files: list[File]) -> _Answer:
    """Ask the data sets, then the transforms, then the template's constants."""
    sets, transforms = of_data_sets(program, files), of_transforms(program, files)
    everything = _distinct(one for each in (*sets.values(), *transforms.values()) for one in each.readings)
    for kind in DATA_SETS:
        found = sets.get(kind)
        if found is None or not (found.readings or found.unread):
            continue
        certain = kind not in TRAIN and not found.unread and len(found.distinct) == 1
        certain = certain and (any(found.distinct[0].mean) or not loose_inputs(files))
        if certain and _whole(files, found.distinct[0]):
            others = _distinct(one for each in sets.values() for one in each.readings)
            return _Answer(found.distinct[0], (), _others(others, found.distinct[0]))
        return _Answer(None, _distinct((*found.distinct, *everything)))
    return _by_name(transforms, everything, files) or _by_constants(files)


def _by_name(transforms: Mapping[str, Found], everything: tuple[Reading, ...], files: list[File]) -> _Answer | None:
    """Take the only normalisation that there is, or the only one that is not for training by its name."""
    if not everything:
        return None
    test, rest, train = (transforms[kind].distinct if kind in transforms else () for kind in ("test", "", "train"))
    rest = tuple(one for one in rest if not imagenets(one)) or rest
    best = test or rest or train
    clear = len(best) == 1 and not (
        test and {one.key for one in rest if not imagenets(one)} - {one.key for one in test}
    )
    if clear and _whole(files, best[0]) and not imagenets(best[0]):
        return _Answer(best[0], (), _others(everything, best[0]))
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
