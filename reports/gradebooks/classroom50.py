"""Classroom 50: `result.json` of one submission. Scores are integers, each rounded separately, halves upwards.

The student is named in the environment of its runner, which itself adds owner and kind of assignment. The
student reads the result, so it contains nothing for staff.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from grader.records import Grade, Mark
from reports.gradebooks.shared import outcome, reason, whole
from reports.marks import edition
from reports.text import titled

SCHEMA = "classroom50/result/v1"
# Fields of the result, and the variables in which the runner hands them over.
IDENTITY = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}


def render(grade: Grade, environment: Mapping[str, str]) -> str:
    """Render the result; fields not in the environment are left to the runner. A bonus cannot exceed the maximum."""
    most = whole(grade.points)
    told = {field: environment[name] for field, name in IDENTITY.items() if environment.get(name)}
    result: dict[str, Any] = {
        "schema": SCHEMA,
        **told,
        **({"datetime": grade.made_by.graded_at[:19] + "Z"} if grade.made_by.graded_at else {}),
        "score": min(whole(grade.total), most),
        "max-score": most,
        "tests": [_test(mark) for mark in edition(grade, "student").marks],
    }
    return json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _test(mark: Mark) -> dict[str, Any]:
    return {
        "test-name": titled(mark.criterion) or mark.criterion.check,
        "passed": outcome(mark) == "passed",
        "score": whole(mark.points or 0.0),
        "max-score": whole(mark.criterion.points),
        "output": reason(mark),
    }
