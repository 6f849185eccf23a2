"""Grade one archive: open it, collect the evidence, and mark it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from grader.batch.unopened import refused
from grader.collect import Equipment, begun, collect
from grader.collect.archives import repacker
from grader.disk.scratch import scratch
from grader.gradebook.files import Graded
from grader.intake import Archive, open_submission
from grader.marking.mark import mark
from grader.marking.rubric import Rubric
from grader.records import MadeBy, Message, message
from grader.records.errors import BadSubmission


@dataclass(frozen=True, slots=True)
class Setup:
    """What all submissions of one run have in common."""

    equipment: Equipment
    rubric: Rubric
    made_by: MadeBy
    options: tuple[str, ...] = ()  # from the command line: those that can change a mark
    zero: bool = False  # an archive that cannot be opened earns nothing, by decision
    host: str = ""  # this machine, where another one has asked for the grade


def grade_archive(archive: Archive, setup: Setup, say: Callable[[Message], None]) -> Graded:
    """Grade one archive. A refused archive gets a Grade too; raises only for bugs in the grader."""
    say(message("unpacking"))
    command = shlex.join(["grade", archive.name, *setup.options])
    made_by = replace(setup.made_by, command=command)
    equipment = begun(setup.equipment)
    with scratch() as folder:
        try:
            repack = repacker(equipment.sandbox, equipment.left("archives"))
            submission = open_submission(archive, folder / "unpacked", repack=repack)
        except BadSubmission as error:
            return Graded(refused(archive, error.message, setup.rubric, made_by, setup.zero), None)
        evidence = collect(submission, equipment, say)
    return Graded(mark(evidence, setup.rubric, made_by), evidence)
