"""Compares the weights handed in with those that students are given: the lab's file, and a copy in the submission."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import reference
from grader.collect.equipment import validated
from grader.collect.subject import Look, Subject
from grader.collect.weights import choose_checkpoint
from grader.disk.names import from_disk
from grader.evidence import Failure, GivenWeights
from grader.intake import place
from grader.labs import the_lab
from grader.records import Submission
from grader.sandbox import Job, Limits, Reply

LIMITS = Limits(seconds=60.0, megabytes=3_000)
HANDOUT = Path(reference.__file__).parent / "handout"
MOST_COPIES = 3


def look(subject: Subject) -> GivenWeights | Failure:
    """Compare them. Where there is nothing to compare, nothing is."""
    submission = subject.submission
    chosen = choose_checkpoint(submission)
    if not isinstance(chosen, str):
        return GivenWeights("", ())
    given = {f"given_{index}": source for index, source in enumerate(_sources(submission))}
    file = place(submission, chosen)
    files = {"checkpoint": file, **{key: path for key, (_, path, _) in given.items()}}
    inputs = {"file": from_disk(file.name), "given": list(given)}
    reply = subject.equipment.sandbox.run(Job("weights.given.compare_with_given", inputs, files, limits=LIMITS))
    if not isinstance(reply, Reply):
        return reply
    compared = _compared(reply.value.get("compared"), given)
    return validated(GivenWeights, {"path": chosen, "compared": compared})


def _sources(submission: Submission) -> list[tuple[str, Path, bool]]:
    """Return the name, the place and whether it is the lab's own of each file that holds the given weights."""
    copies = [file.path for file in submission.files if Path(file.path).name.casefold() == the_lab().given_weights]
    own = [(path, place(submission, path), False) for path in copies[:MOST_COPIES]]
    handed_out = HANDOUT / the_lab().given_weights
    return [*([(the_lab().given_weights, handed_out, True)] if handed_out.is_file() else []), *own]


def _compared(found: Any, given: Mapping[str, tuple[str, Path, bool]]) -> list[dict[str, Any]]:
    compared = []
    for one in found if isinstance(found, list) else ():
        match one:
            case [str(key), bool(same), int() | float() as distance] if key in given:
                name, _, of_the_lab = given[key]
                compared.append({"file": name, "of_the_lab": of_the_lab, "same": same, "distance": distance})
    return compared


LOOK = Look(GivenWeights, look)
