"""Turns evidence and rubric into findings: runs each check, and maps every other outcome to a finding."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from grader.evidence import (
    Crashed,
    Evidence,
    Failure,
    Refused,
    Seen,
    Unavailable,
    WrittenReport,
)
from grader.evidence.explain import explain
from grader.marking.by_hand import awaited
from grader.marking.check import Case, Doubt
from grader.marking.left_out import reconsidered, why_no_report
from grader.marking.own_checks import is_own
from grader.marking.rubric import Line, Rubric
from grader.records import Blocked, Finding, Judged, Listing, Unjudged, Verdict, message


def judge(evidence: Evidence, rubric: Rubric) -> tuple[Finding, ...]:
    """Return one finding per line of the rubric. Pure: the same evidence always gives the same findings."""
    return tuple(_reconsidered(line, evidence.of(line.criterion.network)) for line in rubric.lines)


def _reconsidered(line: Line, evidence: Evidence) -> Finding:
    return reconsidered(_finding(line, evidence), line, evidence)


def _finding(line: Line, evidence: Evidence) -> Finding:
    if line.check is None:
        report = evidence.observation(WrittenReport)
        why = None if isinstance(report, Seen) else why_no_report(evidence) or explain(report)
        return awaited(line.criterion.check, report, why)
    outcome = evidence.observation(line.check.reads)
    if not isinstance(outcome, Seen):
        return _not_seen(line.criterion.check, outcome)
    try:
        verdict = _sound(line, line.check.judge(Case(outcome.value, line.limits, evidence, line.criterion.points)))
    except Exception as error:  # a bug of ours must cost neither the student nor the rest of the class
        sentence = message(
            "the check failed on this submission ({kind}: {error}); please report it",
            kind=type(error).__name__,
            error=str(error)[:300],
        )
        return Unjudged(line.criterion.check, sentence)
    if isinstance(verdict, Doubt):
        return Unjudged(line.criterion.check, verdict.fault, verdict.exhibits)
    return Judged(line.criterion.check, verdict)


def _sound(line: Line, verdict: Any) -> Verdict | Doubt:
    """Return a verdict; of a course's own check, which may return anything, as it is read back from a stored grade."""
    if not isinstance(verdict, Verdict | Doubt):
        raise TypeError(f"it returned {type(verdict).__name__}, not a Verdict")
    if isinstance(verdict, Doubt) or line.check is None or not is_own(line.check):
        return verdict
    stored = TypeAdapter(Verdict)
    return stored.validate_json(stored.dump_json(verdict, warnings="error"))


def _not_seen(check: str, outcome: Failure) -> Finding:
    """Block on a refusal, which the student can fix. Everything else is our fault: no student code has run here."""
    match outcome:
        case Refused(code=code, details=details):
            exhibits = (Listing(message("Details"), details),) if details else ()
            return Blocked(check, explain(outcome), exhibits, code)
        case Crashed(tail=tail):
            title = message("Last lines printed by the process")
            return Unjudged(check, explain(outcome), (Listing(title, tuple(tail.splitlines()[-20:])),))
        case Unavailable(code=code):
            return Unjudged(check, explain(outcome), (), code)
        case _:
            return Unjudged(check, explain(outcome))
