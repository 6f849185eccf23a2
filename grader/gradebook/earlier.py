"""Upgrade grades and evidence that earlier versions stored to what this version would have written."""

from __future__ import annotations

from typing import Any

GRADE_OF_0_1, GRADE_2, GRADE_3, GRADE_4 = "grade/1", "grade/2", "grade/3", "grade/4"
BY_HAND = ("given", "earlier")  # what people gave: part of a finding up to grade/2, beside it since
KINDS = {  # of records: then and now
    "fits": "function_fit",
    "learning_rates": "learning_rate",
    "test_runs": "evaluation",
    "test_scores": "measured_accuracy",
    "written report": "written_report",
}
COPIES = {"moved": "moved", "correct": "correct_moved", "correct_before": "correct_before"}  # of own_network, once
UNKNOWN = "unknown"  # the code of a refusal that was stored without one


def upgraded_grade(record: dict[str, Any]) -> dict[str, Any]:
    """Return a grade of an earlier version as this one would have written it, and any other as it is."""
    record = _with_members(record)
    if record.get("schema") == GRADE_OF_0_1:
        record = {**record, "marks": [_renamed_mark(mark) for mark in record["marks"]], "schema": GRADE_2}
    if record.get("schema") == GRADE_2:
        record = {**record, "marks": [_given_beside(mark) for mark in record["marks"]], "schema": GRADE_3}
    if record.get("schema") == GRADE_3:  # its exhibits are in it, as they still may be
        record = {**record, "schema": GRADE_4}
    return record


def renamed_criteria(record: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the criteria of a stored grade that have another name today, with that name."""
    if record.get("schema") != GRADE_OF_0_1:
        return ()
    stored = {mark["criterion"]["check"] for mark in record["marks"]}
    return tuple((old, new) for old, new in _names().items() if old in stored)


def upgraded_evidence(record: dict[str, Any]) -> dict[str, Any]:
    """Give the kinds of evidence of version 0.1 their names of today, a group its members, and copies their record."""
    record = _with_copies_apart(_with_members(record))
    if "schema" in record:
        return record
    pairs = [(KINDS.get(kind, kind), _upgraded_outcome(found)) for kind, found in record["observations"]]
    isolated = record.get("sandbox") != "plain"
    return {**record, "observations": pairs, "isolated": isolated, "schema": "evidence/2"}


def _with_members(record: dict[str, Any]) -> dict[str, Any]:
    """Split the students of a Gradescope group, whose names, numbers and addresses were only joined by commas."""
    student = record.get("student")
    if not isinstance(student, dict) or student.get("platform") != "gradescope" or "members" in student:
        return record
    columns = {name: str(student.get(name, "")).split(", ") for name in ("name", "identifier", "email")}
    count = max(len(columns["identifier"]), len(columns["email"]))
    if {len(columns["identifier"]), len(columns["email"])} - {1, count}:  # one member has none, or was cut off
        return record
    whole = {name: texts if len(texts) == count else [""] * count for name, texts in columns.items()}
    rows = [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]
    members = [{**row, "name": row["name"] or row["identifier"] or row["email"]} for row in rows] if count > 1 else []
    return {**record, "student": {**student, "members": members}}


def _with_copies_apart(record: dict[str, Any]) -> dict[str, Any]:
    """Move the counts on moved copies out of the record of a submission's own network: every network has them now."""
    pairs: list[Any] = []
    for kind, found in record["observations"]:
        value = found.get("value", {})
        if kind != "own_network" or "moved" not in value:
            pairs.append([kind, found])
            continue
        counts = {COPIES[name]: value[name] for name in COPIES}
        kept = {name: value[name] for name in value if name not in (*COPIES, "seed")}
        general = {"seed": value["seed"], **counts, "kind": "generalisation"}
        pairs += [[kind, {**found, "value": kept}], ["generalisation", {**found, "value": general}]]
    return {**record, "observations": pairs}


def _given_beside(mark: dict[str, Any]) -> dict[str, Any]:
    finding = dict(mark["finding"])
    by_hand = {name: finding.pop(name) for name in BY_HAND if name in finding}
    return {**mark, "finding": finding, **by_hand}


def _renamed_mark(mark: dict[str, Any]) -> dict[str, Any]:
    names = _names()
    parts = {
        name: {**mark[name], "check": names.get(mark[name]["check"], mark[name]["check"])}
        for name in ("criterion", "finding")
    }
    return {**mark, **parts}


def _names() -> dict[str, str]:
    from grader.marking.rubric import RENAMED  # late: grades of today are read without it

    return RENAMED


def _upgraded_outcome(found: dict[str, Any]) -> dict[str, Any]:
    if found["outcome"] == "refused":
        return {**found, "code": UNKNOWN}
    if found["outcome"] == "seen" and found["value"]["kind"] in KINDS:
        return {**found, "value": {**found["value"], "kind": KINDS[found["value"]["kind"]]}}
    return found
