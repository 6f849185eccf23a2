"""Reads rankings in JSON: as written by retrieve.py or by students' own scripts, whatever the field names."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from grader.probes.rankings import models
from grader.probes.rankings.draft import Found, Heading
from grader.probes.rankings.json_fields import KEYS, Placed, fold, folded, pick, rank_of, text_of
from grader.probes.rankings.match_lines import MatchLine
from grader.probes.rankings.paths import ends, slashed
from grader.probes.rankings.pipelines import pipeline_from
from grader.probes.rankings.scores import Score, score_from
from grader.probes.rankings.words import metric_in

FORM = "JSON"
DEEPEST = 12  # levels
MOST_OBJECTS = 100_000  # that are looked at: ten thousand queries are 60,000
MOST_LISTED = 200  # matches of one query that are looked at
ASIDE = ("library", "preprocess", "config", "settings", "schema", "transform")
STRUCTURE = ("runs", "models", "queries", "data", "report", "retrieval", "experiments", "rankings")
NO_NAMES = frozenset(STRUCTURE).union(*KEYS.values())
FIGURES = {
    "precision_at_5": ("precisionat5", "precision5", "p5", "pat5", "top5precision", "meanprecisionat5"),
    "top1": ("top1", "top1accuracy", "top1acc", "precisionat1", "p1", "accuracytop1"),
}


class Entry(NamedTuple):
    """One match, its score as written, and the score's key."""

    path: str
    score: Any
    line: int
    rank: int | None = None
    key: str = ""


def read_json(data: Any) -> Found:
    """Find the rankings anywhere in the value, down to a reasonable depth."""
    walk = _Walk(Found())
    walk.into(data, 0)
    return walk.found


@dataclass(slots=True)
class _Walk:
    found: Found
    left: int = MOST_OBJECTS

    def into(self, node: Any, depth: int) -> None:
        if depth > DEEPEST:
            return
        if isinstance(node, list):
            for child in node:
                self.into(child, depth + 1)
        elif isinstance(node, Placed) and self.left > 0:
            self.left -= 1
            self._object(node, depth)

    def _object(self, node: Placed, depth: int) -> None:
        found, fields, outer = self.found, folded(node), self.found.heading
        _settings(found, fields, node.line)
        if not (_query(found, node, fields) or _row(found, node, fields)):
            for key, child in node.items():
                if isinstance(child, list | dict) and fold(key) not in ASIDE:
                    self._below(key, child, child.line if isinstance(child, Placed) else node.line, depth)
        if found.heading is not outer and depth:
            found.start_model(outer)

    def _below(self, key: str, child: Any, line: int, depth: int) -> None:
        """Read the value of a key, which may be the name of a query or of a network."""
        found, outer = self.found, self.found.heading
        named = fold(key) not in NO_NAMES
        if matches := _matches(child, line):
            _put(found, (key if named else "", ""), line, matches)
            return
        if named and not outer.model and not ends(key):
            found.start_model(replace(outer, model=models.normal(key), line=line))
        self.into(child, depth + 1)
        if found.heading is not outer:
            found.start_model(outer)


# --- a query and its matches -----------------------------------------------------------------------------------


def _query(found: Found, node: Placed, fields: dict[str, Any]) -> bool:
    """{"query": .., "results": [..]}, {"query": .., "paths": [..], "scores": [..]}, {"query": .., "alexnet": [..]}."""
    lists = [(key, matches) for key, value in node.items() if (matches := _matches(value, node.line))]
    query = text_of(pick(fields, "query"))
    if not query and any(fold(key) in KEYS["matches"] for key, _ in lists):
        query = text_of(pick(fields, "path"))
    if not query:
        return False
    label, outer = text_of(pick(fields, "label")), found.heading
    if beside := _beside(node):
        _put(found, (query, label), node.line, beside)
        return True
    for key, matches in lists if any(models.known(key) for key, _ in lists) else lists[:1]:
        if models.known(key):
            found.start_model(replace(outer, model=models.normal(key), line=node.line))
        _put(found, (query, label), node.line, matches)
    return bool(lists)


def _row(found: Found, node: Placed, fields: dict[str, Any]) -> bool:
    """Read a row of a table: {"query": .., "rank": 1, "path": .., "score": ..}."""
    query, entry = text_of(pick(fields, "query")), _entry_of(node)
    if not query or not entry or (entry.score is None and entry.rank is None):
        return False
    found.place(node.line, _match(found, entry), (slashed(query), text_of(pick(fields, "label"))), FORM)
    return True


def _put(found: Found, query: tuple[str, str], line: int, entries: list[Entry]) -> None:
    found.open = None
    found.start_query(slashed(query[0]), query[1], line)
    ranks = {entry.rank for entry in entries if entry.rank is not None}
    for entry in sorted(entries, key=lambda entry: entry.rank or 0) if len(ranks) == len(entries) else entries:
        found.add(entry.line, replace(_match(found, entry), rank=None), FORM)
    found.open, found.query = None, ("", "", 0)


def _match(found: Found, entry: Entry) -> MatchLine:
    score = score_from(entry.score)
    if score is None:
        found.cannot_read(entry.line, f"{entry.path}: {str(entry.score)[:100]}")
    return MatchLine(slashed(entry.path), entry.rank, score or Score(None), said=entry.key)


def _matches(value: Any, line: int) -> list[Entry]:
    """Return the matches if the value is a list of them; else []."""
    if isinstance(value, Placed):
        return _beside(value) or _mapped(value)
    if not isinstance(value, list) or not value or _entry(value[0], line) is None:
        return []
    return [entry for item in value[:MOST_LISTED] if (entry := _entry(item, line))]


def _beside(node: Placed) -> list[Entry]:
    """{"paths": [..], "scores": [..]}."""
    lists = {key: value for key, value in node.items() if isinstance(value, list)}
    paths = next((v for v in lists.values() if v and all(isinstance(path, str) for path in v[:MOST_LISTED])), [])
    key = next((key for key in lists if fold(key) in KEYS["score"] and lists[key] is not paths), "")
    pairs = zip(paths[:MOST_LISTED], lists.get(key, ()), strict=False)
    return [Entry(path, score, node.line, key=key) for path, score in pairs]


def _mapped(node: Placed) -> list[Entry]:
    """{"cat/1.jpg": 0.8731}, {"1": {"path": .., "score": ..}}."""
    items = list(node.items())[:MOST_LISTED]
    if all(ends(key) and not isinstance(child, list | dict) for key, child in items):
        return [Entry(key, child, node.line) for key, child in items]
    if all(re.fullmatch(r"\D{0,10}\d{1,4}", key) and isinstance(child, Placed) for key, child in items):
        return [entry for _, child in items if (entry := _entry(child, node.line))]
    return []


def _entry(item: Any, line: int) -> Entry | None:
    if isinstance(item, Placed):
        listed = any(isinstance(value, list) and len(value) > 1 for value in item.values())
        return None if listed or pick(folded(item), "query") is not None else _entry_of(item)
    if isinstance(item, list) and 2 <= len(item) <= 4:
        texts = [value for value in item if isinstance(value, str) and (ends(value) or "/" in value or "\\" in value)]
        others = [value for value in item if not isinstance(value, list | dict) and value not in texts]
        if len(texts) == 1 and others:
            return Entry(texts[0], next((value for value in others if isinstance(value, float)), others[-1]), line)
    return Entry(item, None, line) if isinstance(item, str) and ends(item) else None


def _entry_of(item: Placed) -> Entry | None:
    fields = folded(item)
    path, key = text_of(pick(fields, "path")), next((key for key in item if fold(key) in KEYS["score"]), "")
    return Entry(path, item.get(key), item.line, rank_of(pick(fields, "rank")), key) if path else None


# --- what is said of a model -----------------------------------------------------------------------------------


def _settings(found: Found, fields: dict[str, Any], line: int) -> None:
    """Return a new heading if the object names a model, or says how its features were made and compared."""
    model, metric, outer = text_of(pick(fields, "model")), pick(fields, "metric"), found.heading
    if not model and models.known(text_of(fields.get("name"))):
        model = text_of(fields.get("name"))
    named = metric_in(metric[:200], distance=True) if isinstance(metric, str) else ""
    settings = _declared(fields)
    if model or named or settings:
        name = models.normal(model) if model else outer.model
        both = tuple((dict(outer.settings) | settings).items())
        found.start_model(Heading(name, line if model else outer.line, named or outer.metric, both))
        _claimed(found, fields)


def _declared(fields: dict[str, Any]) -> dict[str, Any]:
    seed, dim = fields.get("seed"), fields.get("dim", fields.get("dimension"))
    settings: dict[str, Any] = {
        "weights": text_of(pick(fields, "weights"))[:200],
        "layer": text_of(fields.get("layer"))[:200],
    }
    settings["seed"] = seed if isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < 1 << 62 else None
    settings["dim"] = dim if isinstance(dim, int) and not isinstance(dim, bool) and 0 < dim < 1 << 31 else None
    settings["pipeline"] = pipeline_from(fields.get("preprocess", fields.get("transform")))
    return {name: value for name, value in settings.items() if value not in (None, "")}


def _claimed(found: Found, fields: dict[str, Any]) -> None:
    claimed = pick(fields, "claimed")
    stated = fields | (folded(claimed) if isinstance(claimed, Placed) else {})
    for field, names in FIGURES.items():
        score = next((score_from(stated[name]) for name in names if name in stated), None)
        share = score.value if score is not None else None
        if share is not None and share > 1.0:
            share /= 100.0
        if share is not None and 0.0 <= share <= 1.0:
            found.waiting[field] = share
