"""Combines findings, flags and lateness into a Grade."""

from __future__ import annotations

from dataclasses import replace

from grader.evidence import Evidence, Measurement
from grader.evidence.wording import english
from grader.marking.flags import raise_flags
from grader.marking.judge import judge
from grader.marking.lateness import lateness
from grader.marking.rubric import Rubric
from grader.measures.doubts import certain_accuracy
from grader.records import Adjustment, Flag, Grade, MadeBy, Mark, message


def mark(evidence: Evidence, rubric: Rubric, made_by: MadeBy) -> Grade:
    """Judge and add up. Runs no student code and needs no torch, so a class can be re-marked at any time."""
    findings = judge(evidence, rubric)
    scores, measured = certain_accuracy(evidence), evidence.seen(Measurement)
    if measured:
        made_by = replace(
            made_by, torch=measured.torch, device=measured.device, device_name=measured.device_name,
            precision=english(measured.precision), batch_size=measured.batch_size, logits_digest=measured.logits_digest,
            dataset_digest=measured.dataset_digest,
        )  # fmt: skip
    return Grade(
        student=evidence.student,
        digest=evidence.digest,
        archive=evidence.archive,
        marks=tuple(Mark(line.criterion, finding) for line, finding in zip(rubric.lines, findings, strict=True)),
        accuracy=scores.correct / scores.count if scores else None,
        made_by=replace(
            made_by, rubric=rubric.digest, dataset=scores.dataset if scores else "", sandbox=evidence.sandbox
        ),
        flags=(*raise_flags(evidence), *_not_isolated(evidence)),
        notes=evidence.notes,
        adjustments=_adjustments(evidence, rubric, made_by),
    )


def _adjustments(evidence: Evidence, rubric: Rubric, made_by: MadeBy) -> tuple[Adjustment, ...]:
    taken = rubric.late and lateness(evidence.student, rubric.late, rubric.points, made_by.graded_at[:10])
    return (taken,) if taken else ()


def _not_isolated(evidence: Evidence) -> tuple[Flag, ...]:
    if evidence.isolated:
        return ()
    if evidence.sandbox == "none":
        sentence = message(
            "Student code, where there was any, ran without isolation, because --sandbox {name} was given. It could"
            " have read the rubric and other submissions, and forged its results: read the code before you publish"
            " these points.",
            name=evidence.sandbox,
        )
        return (Flag("code not isolated", sentence),)
    sentence = message(
        "The weights were read in a process that is not isolated from this machine; 'grade doctor' says why."
    )
    return (Flag("weaker sandbox", sentence),)
