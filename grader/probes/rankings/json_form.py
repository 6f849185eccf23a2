"""Rankings in JSON: as retrieve.py writes them, and as students' own scripts do, whatever they call the fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from grader.probes.rankings import models
from grader.probes.rankings.found import Found, Heading
from grader.probes.rankings.match_lines import MatchLine
from grader.probes.rankings.paths import cleaned, ends
from grader.probes.rankings.pipelines import pipeline_from
from grader.probes.rankings.scores import Score, score_from
from grader.probes.rankings.words import metric_in

FORM = "JSON"
DEEPEST = 12
MOST_LISTED = 200  # matches of one query that are looked at
KEYS = {
    "model": "model modelname network net backbone arch architecture extractor 模型 网络",
    "query": "query queryimage querypath queryfile queryname queryimg target targetimage input inputimage"
    " 查询 查询图像 查询图片",
    "path": "path image imagepath imagename img file filename filepath name match matchedimage matchpath item result"
    " library libraryimage libraryitem retrieved 路径 图像 图片 文件",
    "score": "score scores similarity sim cosine cosinesimilarity cos distance dist euclidean value"
    " 得分 相似度 距离 余弦相似度 分数",
    "rank": "rank top k position place index 排名 名次",
    "label": "class label category querylabel queryclass 类别 标签",
    "matches": "results matches top5 topk top neighbors neighbours retrieved ranking images paths files 结果 检索结果",
    "metric": "metric similarity measure 度量",
    "weights": "weights weight pretrained 权重",
    "claimed": "claimed claims metrics accuracy summary evaluation",
}
_KEYS = {name: tuple(names.split()) for name, names in KEYS.items()}
_ASIDE = ("library", "preprocess", "config", "settings", "schema", "transform")
_STRUCTURE = (
    "runs",
    "models",
    "queries",
    "results",
    "data",
    "report",
    "retrieval",
    "experiments",
    "rankings",
)
_PRECISION = ("precisionat5", "precision5", "p5", "pat5", "top5precision", "meanprecisionat5")
_TOP1 = ("top1", "top1accuracy", "top1acc", "precisionat1", "p1", "accuracytop1")
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}]', re.DOTALL)


class Placed(dict[str, Any]):
    """An object of JSON that knows the line on which it begins."""

    line: int = 0


def load(text: str) -> Any:
    """Raises ValueError (with the line, if it is no JSON) and RecursionError. Objects are Placed; NaN is a float."""
    starts = _starts(text)

    def place(pairs: list[tuple[str, Any]]) -> Placed:
        placed = Placed(pairs)
        placed.line = next(starts, 0)
        return placed

    return json.loads(text, object_pairs_hook=place, parse_int=_whole)


def _starts(text: str) -> Iterator[int]:
    """The line on which each object begins, in the order in which they end."""
    opened: list[int] = []
    line, seen = 1, 0
    for token in _TOKENS.finditer(text):
        if token[0] == "{":
            line, seen = line + text.count("\n", seen, token.start()), token.start()
            opened.append(line)
        elif token[0] == "}":
            yield opened.pop() if opened else 0


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= 18 else float(digits)  # int() refuses what has thousands of digits


def read_json(data: Any) -> Found:
    """The rankings anywhere in the value; at no depth that a person would not write."""
    found = Found()
    _walk(found, data, 0)
    return found


def _walk(found: Found, node: Any, depth: int) -> None:
    if depth > DEEPEST:
        return
    if isinstance(node, list):
        for child in node:
            _walk(found, child, depth + 1)
    if not isinstance(node, Placed):
        return
    fields = _folded(node)
    outer = found.heading
    _settings(found, fields, node.line)
    query = _text(_pick(fields, "query"))
    if not (_of_query(found, fields, query, node.line) or _row(found, fields, query, node.line)):
        for key, child in node.items():
            _below(found, key, child, node.line, depth)
    if found.heading is not outer and depth:
        found.start_model(outer)


def _below(found: Found, key: str, child: Any, line: int, depth: int) -> None:
    """What stands under a key, which may be the name of a query or of a network."""
    folded = _fold(key)
    if not isinstance(child, list | dict) or folded in _ASIDE:
        return
    structural = folded in _STRUCTURE or any(folded in names for names in _KEYS.values())
    at = child.line if isinstance(child, Placed) else line
    if not structural and (matches := _matches(child)):
        _put(found, (key, ""), at, matches)
        return
    outer = found.heading
    if not structural and not outer.model and not ends(key) and depth < 3:
        found.start_model(replace(outer, model=models.normal(key), line=at))
    if isinstance(child, list) and structural and (matches := _matches(child)) and not _has_queries(child):
        _put(found, ("", ""), line, matches)
    else:
        _walk(found, child, depth + 1)
    if found.heading is not outer:
        found.start_model(outer)


def _has_queries(children: list[Any]) -> bool:
    return any(isinstance(child, Placed) and _pick(_folded(child), "query") is not None for child in children[:5])


# --- a query and its matches -----------------------------------------------------------------------------------

Entry = tuple[str, Any, int | None, int]  # path, score as written, rank, line


def _of_query(found: Found, fields: dict[str, Any], query: str, line: int) -> bool:
    """{"query": .., "results": [..]}, or with paths and scores in lists of their own."""
    values = [(key, value) for key, value in fields.items() if isinstance(value, list | dict)]
    paths = next((v for k, v in values if isinstance(v, list) and v and all(isinstance(p, str) for p in v[:5])), None)
    scores = next((v for k, v in values if k in _KEYS["score"] and isinstance(v, list)), None)
    if not query:
        name = next((fields[key] for key in _KEYS["path"] if isinstance(fields.get(key), str)), "")
        query = name if any(key in _KEYS["matches"] and _matches(value) for key, value in values) else ""
        if not query:
            return False
    if paths is not None and scores is not None:
        matches: list[Entry] = [(p, s, None, line) for p, s in zip(paths, scores, strict=False) if isinstance(p, str)]
    else:
        matches = next((entries for key, value in values if key != "query" and (entries := _matches(value))), [])
    if matches:
        _put(found, (query, _text(_pick(fields, "label"))), line, matches)
    return bool(matches)


def _row(found: Found, fields: dict[str, Any], query: str, line: int) -> bool:
    """A row of a table: {"query": .., "rank": 1, "path": .., "score": ..}."""
    path = _text(_pick(fields, "path"))
    if not query or not path or (_pick(fields, "score") is None and _pick(fields, "rank") is None):
        return False
    match = _match(found, (path, _pick(fields, "score"), _rank(_pick(fields, "rank")), line))
    found.place(line, match, (cleaned(query), _text(_pick(fields, "label"))), FORM)
    return True


def _put(found: Found, query: tuple[str, str], line: int, entries: list[Entry]) -> None:
    found.open = None
    found.start_query(cleaned(query[0]), query[1], line)
    for entry in entries:
        found.add(entry[3] or line, _match(found, entry), FORM)
    found.open, found.query = None, ("", "", 0)


def _match(found: Found, entry: Entry) -> MatchLine:
    path, written, rank, line = entry
    score = score_from(written)
    if score is None:
        found.cannot_read(line, f"{path}: {str(written)[:100]}")
    return (
        MatchLine(cleaned(path), None, score if score is not None else Score(None))
        if rank is None
        else MatchLine(cleaned(path), rank, score if score is not None else Score(None))
    )


def _matches(value: Any) -> list[Entry]:
    """The matches that the value is a list of, [] where it is none."""
    if isinstance(value, Placed):
        return _mapped(value)
    if not isinstance(value, list) or not value or not _entry(value[0]):
        return []
    return [entry for item in value[:MOST_LISTED] if (entry := _entry(item))]


def _mapped(value: Placed) -> list[Entry]:
    """{"cat/1.jpg": 0.8731}, {"1": {"path": .., "score": ..}}, {"paths": [..], "scores": [..]}."""
    fields = _folded(value)
    paths = next((v for k, v in fields.items() if k in _KEYS["matches"] + _KEYS["path"] and isinstance(v, list)), None)
    scores = next((v for k, v in fields.items() if k in _KEYS["score"] and isinstance(v, list)), None)
    if paths and scores and all(isinstance(path, str) for path in paths):
        return [(path, score, None, value.line) for path, score in zip(paths[:MOST_LISTED], scores, strict=False)]
    items = list(value.items())[:MOST_LISTED]
    if items and all(ends(key) and not isinstance(child, list | dict) for key, child in items):
        return [(key, child, None, value.line) for key, child in items]
    if items and all(re.fullmatch(r"\D{0,10}\d{1,4}", key) and isinstance(child, Placed) for key, child in items):
        return [entry for _, child in items if (entry := _entry(child))]
    return []


def _entry(item: Any) -> Entry | None:
    if isinstance(item, Placed):
        fields = _folded(item)
        path = _text(_pick(fields, "path"))
        plain = path and _pick(fields, "query") is None and not any(_is_entries(value) for value in fields.values())
        return (path, _pick(fields, "score"), _rank(_pick(fields, "rank")), item.line) if plain else None
    if isinstance(item, list) and 2 <= len(item) <= 4:
        texts = [value for value in item if isinstance(value, str) and (ends(value) or "/" in value or "\\" in value)]
        others = [value for value in item if not isinstance(value, list | dict) and value not in texts]
        if len(texts) == 1 and others:
            decimal = next((value for value in others if not isinstance(value, int)), others[-1])
            return texts[0], decimal, None, 0
    if isinstance(item, str) and ends(item):
        return item, None, None, 0
    return None


def _is_entries(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and isinstance(value[0], Placed)


# --- what is said of a model -----------------------------------------------------------------------------------


def _settings(found: Found, fields: dict[str, Any], line: int) -> None:
    """A new heading where the object names a model or how its features were made and compared."""
    model, metric = _text(_pick(fields, "model")), _pick(fields, "metric")
    if not model and isinstance(fields.get("name"), str) and models.known(fields["name"]):
        model = fields["name"]
    settings: dict[str, Any] = {}
    if weights := _text(_pick(fields, "weights")):
        settings["weights"] = weights[:200]
    if isinstance(fields.get("seed"), int) and abs(fields["seed"]) < 1 << 62:
        settings["seed"] = int(fields["seed"])
    if layer := _text(fields.get("layer")):
        settings["layer"] = layer[:200]
    dim = fields.get("dim", fields.get("dimension"))
    if isinstance(dim, int) and 0 <= dim < 1 << 31:
        settings["dim"] = int(dim)
    pipeline = pipeline_from(fields.get("preprocess", fields.get("transform")))
    if pipeline is not None:
        settings["pipeline"] = pipeline
    named = metric_in(metric, distance=True) if isinstance(metric, str) else ""
    if model or named or settings:
        outer = found.heading
        name = models.normal(model) if model else outer.model
        found.start_model(Heading(name, line, named or outer.metric, tuple((dict(outer.settings) | settings).items())))
        _claimed(found, fields)


def _claimed(found: Found, fields: dict[str, Any]) -> None:
    claimed = _pick(fields, "claimed")
    stated = fields | (_folded(claimed) if isinstance(claimed, Placed) else {})
    for field, names in (("precision_at_5", _PRECISION), ("top1", _TOP1)):
        score = next((score_from(stated[name]) for name in names if name in stated), None)
        share = score.value if score is not None else None
        if share is not None and share > 1.0:
            share /= 100.0
        if share is not None and 0.0 <= share <= 1.0:
            found.waiting[field] = share


# --- keys ------------------------------------------------------------------------------------------------------


def _fold(key: str) -> str:
    return re.sub(r"[\W_]", "", key[:100].casefold())


def _folded(node: Placed) -> dict[str, Any]:
    return {_fold(key): value for key, value in node.items()}


def _pick(fields: dict[str, Any], name: str) -> Any:
    return next((fields[key] for key in _KEYS[name] if key in fields), None)


def _text(value: Any) -> str:
    """A name: a text, a whole number, or an object that has one."""
    if isinstance(value, Placed):
        fields = _folded(value)
        value = next((fields[key] for key in ("path", "name", "file", "image", "query") if key in fields), "")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value[:2_000] if isinstance(value, str) else ""


def _rank(value: Any) -> int | None:
    if isinstance(value, str) and (digits := re.fullmatch(r"\D{0,10}(\d{1,6})\D{0,3}", value)):
        return int(digits[1])
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6 else None
