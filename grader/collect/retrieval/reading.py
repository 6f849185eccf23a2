"""Reads the report in the sandbox: retrieval.json, else what looks like a printed ranking."""

from __future__ import annotations

from collections.abc import Iterable

from grader.collect.documents import DOCUMENT_LIMITS, MOST_DOCUMENTS, not_written
from grader.collect.equipment import validated
from grader.evidence import Failure, OpenTask, Refused, RetrievalReport
from grader.intake import place
from grader.lab import LAB
from grader.records import Submission
from grader.sandbox import Job, Reply, Sandbox


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
    if reply is None or (isinstance(reply, Refused) and not rankings):  # a written report need not contain a ranking
        return not_written(LAB.retrieval, open_tasks, LAB.retrieval_script, LAB.retrieval_tasks)
    return validated(RetrievalReport, reply.value) if isinstance(reply, Reply) else reply
