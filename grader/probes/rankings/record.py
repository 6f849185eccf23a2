"""Converts what was found in a document to the fields of the record, within the record's bounds."""

from __future__ import annotations

import json
from typing import Any

from grader.probes.documents.text import storable
from grader.probes.rankings.draft import MOST_RUNS, MOST_UNREAD, NAME, Found, FoundQuery, FoundRun

ROOM = 700_000  # bytes of all queries in an answer, which may have 1 MB


def report_fields(found: Found, source: str) -> dict[str, Any]:
    """Return the fields of evidence.RetrievalReport that `found` provides."""
    _settle(found)
    room = ROOM // max(1, len(found.runs))
    return {
        "source": storable(source)[-NAME:],
        "form": found.forms.most_common(1)[0][0],
        "runs": [_run_fields(run, room) for run in found.runs],
        "unread": found.unread,
        "unread_count": found.unread_count,
        "percent": found.percent,
    }


def add_models(report: dict[str, Any], found: Found, source: str) -> None:
    """Add the models of another document: some students write one file per model."""
    _settle(found)
    known = {run["model"] for run in report["runs"]}
    new = [run for run in found.runs if run.heading.model and storable(run.heading.model)[:NAME] not in known]
    new = new[: MOST_RUNS - len(report["runs"])]
    if not new:
        return
    room = (ROOM - len(json.dumps(report["runs"]))) // len(new)
    report["runs"] += [_run_fields(run, room) for run in new]
    report["more_sources"] = [*report.get("more_sources", []), storable(source)[-NAME:]]
    report["unread"] = [*report["unread"], *found.unread][:MOST_UNREAD]
    report["unread_count"] += found.unread_count
    report["percent"] = report["percent"] or found.percent


def _settle(found: Found) -> None:
    whole = {m.path for run in found.runs for query in run.queries for m in query.matches if not m.otherwise}
    for query in (query for run in found.runs for query in run.queries):
        for match in query.matches:
            if match.otherwise in whole and match.path not in whole:
                match.path = match.otherwise
        ranks = [match.rank for match in query.matches if match.rank is not None]
        if len(set(ranks)) == len(query.matches):
            query.matches.sort(key=lambda match: match.rank or 0)
    found.runs = [run for place, run in enumerate(found.runs) if not _repeats(found.runs, place)]
    for run in found.runs:
        alone = sum(other.heading.model == run.heading.model for other in found.runs) == 1
        for name, share in found.of_models.get(run.heading.model, {}).items() if alone else ():
            run.claims.setdefault(name, share)
        if not run.metric and len(found.metrics) == 1:
            run.metric = next(iter(found.metrics))


def _repeats(runs: list[FoundRun], place: int) -> bool:
    """Return whether another run contains everything in this one: an excerpt, or the same log twice."""
    run = runs[place]
    for other_place, other in enumerate(runs):
        same = other_place != place and other.heading.model == run.heading.model and run.metric in ("", other.metric)
        if not same or not all(_within(query, other.names.get(query.name)) for query in run.queries):
            continue
        if len(other.queries) > len(run.queries) or other_place < place:
            other.claims = run.claims | other.claims
            return True
    return False


def _within(query: FoundQuery, other: FoundQuery | None) -> bool:
    said = [(match.path, match.score) for match in query.matches]
    return other is not None and said == [(match.path, match.score) for match in other.matches[: len(said)]]


def _run_fields(run: FoundRun, room: int) -> dict[str, Any]:
    kept, more = [], run.more
    for query in run.queries:
        matches = [{"path": match.path, "score": match.score, "line": match.line} for match in query.matches]
        fields = {"query": query.name, "matches": matches, "label": query.label, "line": query.line}
        room -= len(json.dumps(fields))
        if room < 0:
            more += 1
        else:
            kept.append(fields)
    names = [match.path for query in run.queries for match in query.matches]
    by_number = 2 * sum(map(str.isdecimal, names)) > len(names)
    settings = {
        "metric": run.metric,
        "line": run.heading.line,
        "more_queries": more,
        "by_number": by_number,
        **run.claims,
    }
    return {"model": storable(run.heading.model)[:NAME], "queries": kept, **dict(run.heading.settings), **settings}
