"""Evidence and rubric to findings: runs each check, and puts every other outcome where it belongs."""

from __future__ import annotations

from typing import assert_never

from grader.by_hand import awaited
from grader.case import Case
from grader.evidence import (
    Crashed,
    Evidence,
    Failure,
    Malformed,
    OutOfMemory,
    PrintedTooMuch,
    Refused,
    Seen,
    TimedOut,
    Unavailable,
    WrittenReport,
)
from grader.phrases import phrase
from grader.records import Blocked, Finding, Judged, Listing, Message, Unjudged, message
from grader.rubric import Line, Rubric


def judge(evidence: Evidence, rubric: Rubric) -> tuple[Finding, ...]:
    """One finding for each line of the rubric. Pure: the same evidence gives the same findings, next week too."""
    return tuple(_finding(line, evidence) for line in rubric.lines)


def _finding(line: Line, evidence: Evidence) -> Finding:
    if line.check is None:
        report = evidence.observation(WrittenReport)
        return awaited(line.criterion.check, report, None if isinstance(report, Seen) else explain(report))
    outcome = evidence.observation(line.check.reads)
    if not isinstance(outcome, Seen):
        return _not_seen(line.check.name, outcome)
    try:
        return Judged(line.check.name, line.check.judge(Case(outcome.value, line.limits, evidence)))
    except Exception as error:  # a bug of ours must cost neither the student nor the rest of the class
        fault = "the check failed on this submission ({kind}: {error}); please report it"
        return Unjudged(line.check.name, message(fault, kind=type(error).__name__, error=str(error)[:300]))


def _not_seen(check: str, outcome: Failure) -> Finding:
    """Refusals are the student's to mend. No student code has run here, so that all else is a fault of ours."""
    match outcome:
        case Refused(details=details):
            return Blocked(check, explain(outcome), (Listing(message("In detail"), details),) if details else ())
        case Crashed(tail=tail):
            title = message("The last lines of the process that was looking")
            return Unjudged(check, explain(outcome), (Listing(title, tuple(tail.splitlines()[-20:])),))
        case _:
            return Unjudged(check, explain(outcome))


def explain(outcome: Failure) -> Message:
    """What became of looking, in a sentence."""
    match outcome:
        case Refused(message=sentence) | Unavailable(message=sentence):
            return sentence
        case Crashed():
            return message("Looking at this file ended in a crash, which says nothing about the student.")
        case TimedOut(seconds=seconds):
            late = "looking took more than {seconds:.0f} seconds; grade it again with a longer --time-limit"
            return message(late, seconds=seconds)
        case OutOfMemory(megabytes=megabytes):
            full = "looking took more than {megabytes:,} MB of memory; grade it again with a larger --memory"
            return message(full, megabytes=megabytes)
        case PrintedTooMuch(bytes=limit):
            return message("looking printed more than {limit:,} bytes, and was ended for that", limit=limit)
        case Malformed(reason=reason):
            return message("the sandbox's answer was thrown away: {reason}", reason=phrase(reason[:300]))
        case _:
            assert_never(outcome)
