"""Parses JSON into objects that know their lines, and knows students' names for the fields of a ranking."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_SPELLINGS = {
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
    "metric": "metric similaritymeasure similaritymetric distancemetric measure 度量",
    "weights": "weights weight pretrained 权重",
    "claimed": "claimed claims metrics accuracy summary evaluation",
}
KEYS = {name: tuple(names.split()) for name, names in _SPELLINGS.items()}
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}]', re.DOTALL)


LONGEST = 2_000  # characters of a name that are looked at: the last ones, for of a path they count


class Placed(dict[str, Any]):
    """A JSON object that knows the line on which it begins."""

    line: int = 0


def load(text: str) -> Any:
    """Parse JSON into Placed objects; NaN is a float. Raises ValueError (with the line) and RecursionError."""
    starts = _starts(text)

    def place(pairs: list[tuple[str, Any]]) -> Placed:
        placed = Placed(pairs)
        placed.line = next(starts, 0)
        return placed

    return json.loads(text, object_pairs_hook=place, parse_int=_whole)


def _starts(text: str) -> Iterator[int]:
    """Return the line on which each object begins, in the order in which they end."""
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


def fold(key: str) -> str:
    """Fold a key's case and punctuation: precision@5 and "Precision 5" become equal."""
    return re.sub(r"[\W_]", "", key[:100].casefold())


def folded(node: dict[str, Any]) -> dict[str, Any]:
    return {fold(key): value for key, value in node.items()}


def pick(fields: dict[str, Any], name: str) -> Any:
    """Return the value under any spelling of the name; None if there is none."""
    return next((fields[key] for key in KEYS[name] if key in fields), None)


def text_of(value: Any) -> str:
    """Return a name: a text, an integer, or the name of an object."""
    if isinstance(value, Placed):
        fields = folded(value)
        value = next((fields[key] for key in ("path", "name", "file", "image", "query") if key in fields), "")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value[-LONGEST:] if isinstance(value, str) else ""


def rank_of(value: Any) -> int | None:
    """Return the rank in 1, 1.0, "1" or "top1"; None for anything else."""
    if isinstance(value, str) and (digits := re.fullmatch(r"\D{0,10}(\d{1,6})\D{0,3}", value)):
        return int(digits[1])
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6 else None
