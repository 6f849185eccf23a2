"""One archive, all the way: opened, looked at, judged, marked."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from grader.collect import Bench, collect
from grader.evidence import Evidence
from grader.intake import Archive, open_submission
from grader.mark import mark, refused
from grader.records import Grade, MadeBy, Message, message
from grader.records.errors import BadSubmission
from grader.rubric import Rubric


@dataclass(frozen=True, slots=True)
class Lab:
    """What all submissions of one run have in common."""

    bench: Bench
    rubric: Rubric
    made_by: MadeBy
    options: tuple[str, ...] = ()  # of the command line, as far as they can move a mark


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade with the evidence it stands on; None for an archive that could not be opened."""

    grade: Grade
    evidence: Evidence | None


def grade_archive(archive: Archive, lab: Lab, say: Callable[[Message], None]) -> Graded:
    """Grade one archive. A refusal is a Grade too; raises only for bugs of ours."""
    say(message("unpacking"))
    command = shlex.join(["grade", archive.name, *lab.options])
    made_by = replace(lab.made_by, command=command)
    with tempfile.TemporaryDirectory(prefix="grade-") as folder:
        try:
            submission = open_submission(archive, Path(folder) / "unpacked")
        except BadSubmission as error:
            return Graded(refused(archive, error.message, lab.rubric, made_by), None)
        evidence = collect(submission, lab.bench, say)
    return Graded(mark(evidence, lab.rubric, made_by), evidence)
