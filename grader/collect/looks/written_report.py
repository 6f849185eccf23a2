"""Reads the text of the written report, for the person who marks it."""

from __future__ import annotations

from grader.collect.documents import DOCUMENT_LIMITS, files_of
from grader.collect.equipment import validated
from grader.collect.subject import Look, Subject
from grader.evidence import Failure, Refused, WrittenReport
from grader.labs import the_lab
from grader.records import joined, message
from grader.sandbox import Job, Reply


def look(subject: Subject) -> WrittenReport | Failure:
    """Read the text. Refused if there is no report."""
    submission, sandbox = subject.submission, subject.equipment.sandbox
    names, files = files_of(submission, submission.parts.reports)
    if not names and not the_lab().reports:
        return Refused("no_report", message("This lab asks for no written report."))
    if not names:
        return Refused(
            "no_report",
            message(
                "No written report was found. Hand in {reports}.",
                reports=joined("{first} or {second}", the_lab().reports),
            ),
        )
    reply = sandbox.run(Job("documents.report_text.read_report", {"names": names}, files, limits=DOCUMENT_LIMITS))
    return validated(WrittenReport, reply.value) if isinstance(reply, Reply) else reply


LOOK = Look(WrittenReport, look)
