"""Reads the report in the sandbox: retrieval.json, else what looks like a printed ranking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.collect.documents import DOCUMENT_LIMITS, MOST_DOCUMENTS, not_written
from grader.collect.equipment import validated
from grader.evidence import Failure, OpenTask, Refused, RetrievalReport, Unavailable
from grader.evidence.refusals import forms
from grader.intake import place
from grader.labs import the_lab
from grader.records import Submission, message
from grader.sandbox import Job, Reply, Sandbox

UNSURE, OTHER = "retrieval_unsure", "retrieval_other"  # of a probe: something may be a ranking, or only looks like one
MISSING = "missing"


def read_report(submission: Submission, sandbox: Sandbox, open_tasks: Iterable[OpenTask]) -> RetrievalReport | Failure:
    """Read the rankings in any format. Refused if there are none, naming the open task if that is the reason."""
    parts = submission.parts
    rankings = [name for name in (parts.retrieval, *parts.rankings) if name]
    names = [*rankings, *parts.reports][:MOST_DOCUMENTS]
    files = {name: place(submission, name) for name in names}
    job = Job(
        "rankings.reading.read_retrieval", {"names": names, "parts": parts.rankings}, files, limits=DOCUMENT_LIMITS
    )
    reply = sandbox.run(job) if names else None
    if isinstance(reply, Reply):
        return validated(RetrievalReport, reply.value)
    if isinstance(reply, Refused) and reply.code == UNSURE:  # a doubt of ours must not block a student
        return Unavailable(reply.message, UNSURE)
    if reply is None or (isinstance(reply, Refused) and not rankings):
        return _not_in_reports(reply, parts.reports, tuple(open_tasks))
    return reply


def _not_in_reports(reply: Refused | None, reports: Sequence[str], open_tasks: tuple[OpenTask, ...]) -> Refused:
    """Refuse where only written reports were handed in: they need not contain a ranking."""
    lab = the_lab()
    missing = not_written(lab.rankings_in, open_tasks, lab.retrieval_script, lab.retrieval_tasks)
    if missing.code != MISSING or (reply is None and lab.retrieval):
        return missing
    if reply is None:
        return Refused(MISSING, message("No ranking was handed in. {forms}", forms=forms()))
    if reply.code == OTHER:
        return reply
    sentence = message(
        "No ranking was found in {files}. {forms}",
        files=", ".join(reports)[:300],
        forms=forms(),
    )
    return Refused(MISSING, sentence)
