"""Collects evidence from a submission: runs the right probe on each file, then validates and scores the answers.

Labels stay here and are never part of a job: a child process gets images and returns logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from grader.collect.choosing import Inputs, try_options
from grader.collect.code import open_caller
from grader.collect.code.caller import Caller
from grader.collect.code.network import NOT_RUN, own_network
from grader.collect.documents import claims_of, read_claims, read_documents
from grader.collect.equipment import Equipment, begun
from grader.collect.looks import code_records, every_look
from grader.collect.retrieval import look_at_retrieval
from grader.collect.second_tries import diagnose
from grader.collect.subject import Subject
from grader.collect.textbook import best_variant
from grader.collect.weights import Weights, measure
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claims,
    ComparedRankings,
    Diagnosis,
    Evidence,
    Failure,
    Generalisation,
    History,
    Measurement,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    Refused,
    RetrievalImages,
    RetrievalReport,
    Seen,
    Tasks,
    kind_of,
)
from grader.measures.choice import choose
from grader.measures.doubts import why_no_mark
from grader.records import Message, Submission, message
from grader.sandbox import Sandbox

__all__ = ["NOT_RUN", "Equipment", "begun", "code_records", "collect"]

MOST_CLAIMS = 100

Outcome = tuple[type[object], object | Failure | None]  # a kind, and its record or why there is none; None: not tried


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
    tried = try_options(submission, equipment, documents)
    choice = tried if isinstance(tried, PreprocessingChoice) else None
    used = _chosen(choice, documents.preprocessing)
    inputs = Inputs(used, documents.candidates, choice)
    weights = measure(submission, equipment, replace(documents, preprocessing=used))
    claims = read_claims(submission, equipment.sandbox, (*weights.claims, *claims_of(documents.history)))
    diagnosis = diagnose(submission, equipment, weights, claims, inputs)
    say(message("testing the code"))
    looked = [(look.record, look.run(subject)) for look in every_look() if look.record not in equipment.skip]
    weights, claims, diagnosis = with_own_network(subject, inputs, Measured(weights, claims, diagnosis))
    if isinstance(weights.choice, PreprocessingChoice):
        used = _chosen(weights.choice, used)
    outcomes: list[Outcome] = [
        (Tasks, documents.tasks), (Preprocessing, used), (History, documents.history), (Claims, claims),
        (Checkpoint, weights.checkpoint), (Accuracy, weights.accuracy), (Measurement, weights.measurement),
        (OwnNetwork, weights.own), (Generalisation, weights.generalisation), (Diagnosis, diagnosis),
        (PreprocessingChoice, weights.choice or tried), *looked,
    ]  # fmt: skip
    if not {RetrievalReport, RetrievalImages, ComparedRankings} <= equipment.skip:
        say(message("recomputing the rankings"))
        found = look_at_retrieval(subject)
        outcomes += [
            (RetrievalReport, found.report), (RetrievalImages, found.images), (ComparedRankings, found.compared)
        ]  # fmt: skip
    return _evidence(replace(submission, notes=(*submission.notes, *caller.notes)), equipment.sandbox, outcomes)


class Measured(NamedTuple):
    """The weights, with the evidence for and against their accuracy."""

    weights: Weights
    claims: Claims | Failure
    diagnosis: Diagnosis | Failure | None

    @property
    def unsettled(self) -> bool:
        """Return whether the accuracy measured with a network of ours cannot be used as a mark."""
        if not isinstance(self.weights.accuracy, Accuracy) or not isinstance(self.weights.checkpoint, Checkpoint):
            return False
        claims = self.claims if isinstance(self.claims, Claims) else None
        diagnosis = self.diagnosis if isinstance(self.diagnosis, Diagnosis) else None
        return why_no_mark(self.weights.accuracy, self.weights.checkpoint, claims, diagnosis) is not None


def _chosen(choice: PreprocessingChoice | None, read: Preprocessing | Failure) -> Preprocessing | Failure:
    """Return the preprocessing that a choice leads to, with what else was found in the code; else what was read."""
    if choice is None or not isinstance(read, Preprocessing):
        return read
    return replace(choose(choice).candidate.preprocessing, also_found=read.also_found)


def with_own_network(subject: Subject, used: Inputs, measured: Measured) -> Measured:
    """Use the submission's own class if none of our networks settles the accuracy; else a textbook's network."""
    own = own_network(subject, used, measured.weights, measured.unsettled)
    if _refused(measured.weights, "variants") and (own is None or _refused(own, "none_fits")):
        own = best_variant(subject, used.preprocessing, measured.claims) or own
    if own is None:
        return measured
    # the diagnosis is for the weights without those that are now used
    return Measured(own, _with_claims(measured.claims, own), measured.diagnosis if own.own is None else None)


def _refused(weights: Weights, code: str) -> bool:
    return isinstance(weights.checkpoint, Refused) and weights.checkpoint.code == code


def _with_claims(claims: Claims | Failure, weights: Weights) -> Claims | Failure:
    """Add the claims of the checkpoint; claims already read are not read again."""
    if not isinstance(claims, Claims):
        return claims
    return replace(claims, claims=tuple(dict.fromkeys((*weights.claims, *claims.claims)))[:MOST_CLAIMS])


def _evidence(submission: Submission, sandbox: Sandbox, outcomes: Iterable[Outcome]) -> Evidence:
    seen = tuple(
        (kind_of(kind), found if isinstance(found, Failure) else Seen(found))
        for kind, found in outcomes
        if found is not None
    )
    whose = (submission.student, submission.digest, submission.archive)
    return Evidence(*whose, seen, submission.notes, sandbox.name, sandbox.isolated)
