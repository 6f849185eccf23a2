"""Findings and flags to a Grade, and a Grade to and from its file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader.evidence import Evidence, Measurement, TestScores
from grader.flags import raise_flags
from grader.intake import Archive, file_digest
from grader.judge import judge
from grader.late import lateness
from grader.records import Adjustment, Blocked, Flag, Grade, MadeBy, Manual, Mark, Message, Unjudged, message
from grader.records.errors import BadLab
from grader.rubric import Rubric

_GRADE: TypeAdapter[Grade] = TypeAdapter(Grade)
SUMMARY = ("total", "points", "needs_human")  # told at the top level beside the record, for whoever reads only these


def mark(evidence: Evidence, rubric: Rubric, made_by: MadeBy) -> Grade:
    """Judge and add up. It runs no code of a student and needs no torch: a class can be marked again at any time."""
    findings = judge(evidence, rubric)
    scores, measured = evidence.seen(TestScores), evidence.seen(Measurement)
    if measured:
        made_by = replace(
            made_by, torch=measured.torch, device=measured.device, device_name=measured.device_name,
            precision=measured.precision, batch_size=measured.batch_size, logits_digest=measured.logits_digest,
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
        flags=(*raise_flags(evidence), *_plain_sandbox(evidence)),
        notes=evidence.notes,
        adjustments=_adjustments(evidence, rubric, made_by),
    )


def _adjustments(evidence: Evidence, rubric: Rubric, made_by: MadeBy) -> tuple[Adjustment, ...]:
    taken = rubric.late and lateness(evidence.student, rubric.late, rubric.points, made_by.graded_at[:10])
    return (taken,) if taken else ()


def _plain_sandbox(evidence: Evidence) -> tuple[Flag, ...]:
    if evidence.sandbox != "plain":
        return ()
    text = "The weights were read in a process with lowered limits, without bubblewrap; 'grade doctor' says why."
    return (Flag("weaker sandbox", message(text)),)


def refused(archive: Archive, cause: Message, rubric: Rubric, made_by: MadeBy) -> Grade:
    """The Grade of an archive that cannot be opened: every finding is blocked by the same cause."""
    digest = file_digest(archive.path) if archive.path.is_file() else ""
    marks = tuple(Mark(line.criterion, Blocked(line.criterion.check, cause)) for line in rubric.lines)
    made_by = replace(made_by, rubric=rubric.digest)
    return Grade(archive.student, digest, archive.name, marks, None, made_by, unusable=True)


def bug(archive: Archive, error: Exception, rubric: Rubric, made_by: MadeBy) -> Grade:
    """The Grade where the grader itself failed."""
    text = "the grader failed on this submission ({kind}: {error}); please report it"
    return unmarked(archive, message(text, kind=type(error).__name__, error=str(error)[:300]), rubric, made_by)


def unmarked(archive: Archive, fault: Message, rubric: Rubric, made_by: MadeBy) -> Grade:
    """The Grade of an archive that could not be looked at here: no marks, and staff act on the fault."""
    findings = (
        Manual(line.criterion.check, fault) if line.check is None else Unjudged(line.criterion.check, fault)
        for line in rubric.lines
    )  # fmt: skip
    marks = tuple(Mark(line.criterion, finding) for line, finding in zip(rubric.lines, findings, strict=True))
    return Grade(archive.student, "", archive.name, marks, None, replace(made_by, rubric=rubric.digest))


def to_json(grade: Grade) -> str:
    """`grade.json`: the whole record, and at its top level what most readers want."""
    record: dict[str, Any] = _GRADE.dump_python(grade, mode="json")
    head = {"schema": record.pop("schema"), **{name: getattr(grade, name) for name in SUMMARY}}
    return json.dumps({**head, **record}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def from_json(text: str, file: str) -> Grade:
    """Read `grade.json` back, strictly. Raises BadLab where it is not a grade of this version."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("it holds no record")
        return _GRADE.validate_json(json.dumps({key: value for key, value in data.items() if key not in SUMMARY}))
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise _not_a_grade(file, reason) from error
    except (ValueError, RecursionError) as error:
        raise _not_a_grade(file, str(error)) from error


def _not_a_grade(file: str, reason: str) -> BadLab:
    return BadLab(message("{file} is not a grade of this version: {reason}.", file=file, reason=reason[:200]))
