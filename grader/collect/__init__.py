"""A submission to evidence: which probe looks at which file, and what comes back checked and scored.

Labels exist here and never in a job: a child gets images and returns logits.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.collect.code import CODE_RECORDS, NEEDS_A_SANDBOX, Caller, open_caller, own_network, run_code
from grader.collect.documents import (
    claims_of,
    look_at_layout,
    read_claims,
    read_history,
    read_preprocessing,
    read_tasks,
    read_written_report,
)
from grader.collect.equipment import Bench, processors
from grader.collect.retrieval import look_at_retrieval
from grader.collect.second_tries import diagnose, settled
from grader.collect.weights import measure
from grader.evidence import (
    Accuracy,
    Claims,
    Diagnosis,
    Evidence,
    History,
    Layout,
    Observation,
    OwnNetwork,
    Preprocessing,
    Tasks,
    WrittenReport,
    kind_of,
)
from grader.records import Message, Submission, message

__all__ = ["CODE_RECORDS", "NEEDS_A_SANDBOX", "Bench", "collect", "processors"]


def collect(submission: Submission, bench: Bench, say: Callable[[Message], None]) -> Evidence:
    """Look at everything that was handed in. Never raises for anything that a submission holds."""
    with open_caller(submission, bench) as caller:
        return _collect(submission, bench, caller, say)


def _collect(submission: Submission, bench: Bench, caller: Caller, say: Callable[[Message], None]) -> Evidence:
    say(message("reading what was handed in"))
    tasks = read_tasks(submission, bench.sandbox)
    used = read_preprocessing(submission, bench.sandbox)
    history = read_history(submission, bench.sandbox, tasks)
    say(message("measuring the accuracy"))
    looked = measure(submission, bench, used, tasks)
    claims = read_claims(submission, bench.sandbox, (*looked.claims, *claims_of(history)))
    seen: dict[str, Observation] = {
        kind_of(Layout): look_at_layout(submission, tasks),
        kind_of(Tasks): tasks,
        kind_of(Preprocessing): used,
        kind_of(History): history,
        kind_of(Claims): claims,
        kind_of(WrittenReport): read_written_report(submission, bench.sandbox),
        **looked.observations,
    }
    trials = diagnose(submission, bench, seen)
    if trials is not None:
        seen[kind_of(Diagnosis)] = trials
    seen[kind_of(Accuracy)] = settled(seen)
    say(message("trying the code"))
    seen |= run_code(caller, tasks, bench)
    own = own_network(caller, submission, bench, seen)
    if kind_of(OwnNetwork) in own:
        seen.pop(kind_of(Diagnosis), None)  # of the weights without those that are now used
    seen |= own
    say(message("computing the rankings anew"))
    seen |= look_at_retrieval(submission, bench, tasks)
    return Evidence(
        submission.student, submission.digest, submission.archive, tuple(seen.items()), submission.notes,
        bench.sandbox.name, bench.sandbox.isolated,
    )  # fmt: skip
