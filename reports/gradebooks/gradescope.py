"""Gradescope: results.json of one submission, which the student reads. It contains nothing for staff."""

from __future__ import annotations

import json
from typing import Any

from grader.records import Grade, Mark, Message
from reports.gradebooks.shared import figure, outcome, reason, standing
from reports.marks import edition
from reports.text import titled, words


def render(grade: Grade) -> str:
    """Render the results. The score is the total: it overrides the sum of the tests, which lack staff criteria."""
    results: dict[str, Any] = {
        "score": figure(grade.total),
        "output": "\n".join(standing(grade)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(mark, grade.unexamined) for mark in edition(grade, "student").marks],
    }
    if grade.accuracy is not None:
        results["leaderboard"] = [{"name": "accuracy", "value": figure(100 * grade.accuracy), "order": "desc"}]
    return _json(results)


def failed(why: Message) -> str:
    """Render results if there is no grade at all: without them, Gradescope would show nothing."""
    results = {"score": 0, "output": words(why), "output_format": "text", "visibility": "visible"}
    return _json({**results, "stdout_visibility": "hidden", "tests": []})


def _test(mark: Mark, unexamined: bool) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": titled(mark.criterion),
        "max_score": figure(mark.criterion.points),
        "output": reason(mark),
        "output_format": "text",
        "visibility": "visible",
    }
    if mark.points is None or unexamined:  # no score and no status: neither a zero nor a failure
        return test
    return {**test, "score": figure(mark.points), "status": outcome(mark)}


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
