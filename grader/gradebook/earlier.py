"""Grades and evidence as version 0.1 stored them, read as this version would have written them."""

from __future__ import annotations

from typing import Any

CRITERIA = {"test_accuracy": "measured_accuracy", "test_function": "evaluation"}  # keys of the rubric: then and now
KINDS = {
    "fits": "function_fit",
    "learning_rates": "learning_rate",
    "test_runs": "evaluation",
    "test_scores": "measured_accuracy",
    "written report": "written_report",
}
UNKNOWN = "unknown"  # the code of a refusal that was stored without one


def upgraded_grade(record: dict[str, Any]) -> dict[str, Any]:
    """A grade of schema "grade/1" with the criteria's names of today; any other as it is."""
    if record.get("schema") != "grade/1":
        return record
    marks = [_upgraded_mark(mark) for mark in record.get("marks", ())]
    return {**record, "marks": marks, "schema": "grade/2"}


def upgraded_evidence(record: dict[str, Any]) -> dict[str, Any]:
    """Evidence without a schema, with the kinds' names of today; any other as it is."""
    if "schema" in record:
        return record
    pairs = [(KINDS.get(kind, kind), _upgraded_outcome(found)) for kind, found in record.get("observations", ())]
    return {**record, "observations": pairs, "schema": "evidence/2"}


def renamed(checks: set[str]) -> dict[str, str]:
    """Of these keys of a rubric those that have another name now, with that name."""
    return {old: new for old, new in CRITERIA.items() if old in checks}


def _upgraded_mark(mark: dict[str, Any]) -> dict[str, Any]:
    renamed = {
        part: {**mark[part], "check": CRITERIA.get(mark[part]["check"], mark[part]["check"])}
        for part in ("criterion", "finding")
    }
    return {**mark, **renamed}


def _upgraded_outcome(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("outcome") == "refused":
        return {"code": UNKNOWN, **found}
    value = found.get("value")
    if isinstance(value, dict) and value.get("kind") in KINDS:
        return {**found, "value": {**value, "kind": KINDS[value["kind"]]}}
    return found
