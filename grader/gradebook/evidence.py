"""Read back the evidence for a grade, strictly."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from grader.disk.names import visible_path
from grader.evidence import EVIDENCE, Evidence
from grader.gradebook.earlier import upgraded_evidence
from grader.gradebook.files import text_in
from grader.records import Grade, message
from grader.records.errors import BadLab


def read_evidence(path: Path, grade: Grade) -> Evidence:
    """Read the evidence for this grade. Raises BadLab, also if it belongs to another submission."""
    shown = visible_path(path)
    try:
        evidence = EVIDENCE.validate_json(json.dumps(upgraded_evidence(json.loads(text_in(path)))))
    except (ValidationError, ValueError, RecursionError, AttributeError, LookupError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        sentence = message(
            "{file} is not evidence that this version can read: {reason}. Grade this submission again.",
            file=shown,
            reason=reason[:200],
        )
        raise BadLab(sentence) from error
    if (evidence.digest, evidence.archive) != (grade.digest, grade.archive):
        sentence = message(
            "{file} belongs to a different submission than the grade beside it. Grade this submission again.",
            file=shown,
        )
        raise BadLab(sentence)
    return evidence
