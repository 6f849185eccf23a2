"""Collects evidence from a submission: runs the right probe on each file, then validates and scores the answers.

Labels stay here and are never part of a job: a child process gets images and returns logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.collect.code import open_caller
from grader.collect.code.caller import Caller
from grader.collect.code.network import NOT_RUN
from grader.collect.documents import read_documents
from grader.collect.equipment import Equipment, begun
from grader.collect.looks import code_records, every_look
from grader.collect.networks import Outcome, measure_networks, with_own_networks
from grader.collect.retrieval import look_at_retrieval
from grader.collect.subject import Subject
from grader.evidence import (
    ComparedRankings,
    Evidence,
    Failure,
    History,
    Observations,
    RetrievalImages,
    RetrievalReport,
    Seen,
    Tasks,
    kind_of,
)
from grader.records import Message, Submission, message

__all__ = ["NOT_RUN", "Equipment", "begun", "code_records", "collect"]


def collect(submission: Submission, equipment: Equipment, say: Callable[[Message], None]) -> Evidence:
    """Observe everything that was handed in. No content of a submission makes it raise."""
    equipment = begun(equipment)
    with open_caller(submission, equipment) as caller:
        return _collect(submission, equipment, caller, say)


def _collect(submission: Submission, equipment: Equipment, caller: Caller, say: Callable[[Message], None]) -> Evidence:
    """Run the stages in the order of their dependencies."""
    say(message("reading the submission"))
    documents = read_documents(submission, equipment.sandbox)
    caller.note_open(documents.open_tasks)
    subject = Subject(submission, equipment, caller, documents.open_tasks)
    say(message("measuring the accuracy"))
    measured = measure_networks(submission, equipment, documents)
    say(message("testing the code"))
    looked = [(look.record, look.run(subject)) for look in every_look() if look.record not in equipment.skip]
    main, *others = with_own_networks(subject, measured)
    outcomes: list[Outcome] = [(Tasks, documents.tasks), (History, documents.history), *main.outcomes(), *looked]
    if not {RetrievalReport, RetrievalImages, ComparedRankings} <= equipment.skip:
        say(message("recomputing the rankings"))
        found = look_at_retrieval(subject)
        outcomes += [
            (RetrievalReport, found.report), (RetrievalImages, found.images), (ComparedRankings, found.compared)
        ]  # fmt: skip
    sandbox = equipment.sandbox
    return Evidence(
        submission.student, submission.digest, submission.archive, _seen(outcomes),
        (*submission.notes, *caller.notes), sandbox.name, sandbox.isolated,
        main.name, tuple((one.name, _seen(one.outcomes())) for one in others),
    )  # fmt: skip


def _seen(outcomes: Iterable[Outcome]) -> Observations:
    return tuple(
        (kind_of(kind), found if isinstance(found, Failure) else Seen(found))
        for kind, found in outcomes
        if found is not None
    )
