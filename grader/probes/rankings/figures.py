"""Finds precision@5 and top-1 as stated in a line, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.probes.rankings import models
from grader.probes.rankings.scores import NUMBER

MOST_CHARACTERS = 1_000  # of a line, in which figures are looked for


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure as stated. `model` "": of the ranking it stands at; `certain`: by its own name, not just "accuracy"."""

    field: str  # "precision_at_5" or "top1"
    share: float
    model: str
    certain: bool


_ACCURACY = r"(?:accuracy|acc|准确率|正确率|精度|命中率)"
_TOP1 = (
    rf"top[\s_-]?1(?![\d.])\s?_?(?:{_ACCURACY}|precision)?|{_ACCURACY}\s?\(\s?top[\s_-]?1\s?\)|"
    rf"(?:precision|p)(?:\s?@\s?|_at_)1(?!\d)|rank[\s_-]?1\s{_ACCURACY}"
)
_PRECISION = (
    r"(?:precision|prec|p|精度|查准率|准确率)(?:\s?@\s?|[\s_]at[\s_])(?:top[\s-]?)?5(?!\d)|"
    r"top[\s_-]?5\s?(?:precision|精度|查准率)|precision\s?\(top[\s-]?5\)"
)
_TOKENS = re.compile(
    rf"(?P<top1>{_TOP1})|(?P<precision>{_PRECISION})|(?P<accuracy>{_ACCURACY})|(?P<unit>\(%\))|"
    rf"(?P<part>(?<![\d.])\d{{1,6}})\s?/\s?(?P<whole>\d{{1,6}}(?![\d.]))|(?P<model>{models.KNOWN.pattern})|{NUMBER}|(?P<stop>[。;；])",
    re.IGNORECASE,
)
_WORTH_READING = re.compile(rf"top[\s_-]?1|@|_at_|{_ACCURACY}|top[\s_-]?5|precision", re.IGNORECASE)
_CLASSIFIER = re.compile(r"test|train|(?<![a-z])val|cifar|epoch|测试|训练|验证|分类", re.IGNORECASE)


def claims_in(line: str) -> Iterator[Claim]:
    """Find precision@5 and top-1 in the line, each for the network named before it."""
    if not _WORTH_READING.search(line):
        return
    field, model, percent, since = "", "", False, 0
    certain = True
    for token in _TOKENS.finditer(line[:MOST_CHARACTERS]):
        match token.lastgroup:
            case "top1" | "precision" | "accuracy":
                field = "top1" if token["top1"] else "precision_at_5"
                certain, percent, since = not token["accuracy"], False, token.end()
            case "unit":
                percent = True
            case "model":
                model, since = models.normal(token["model"]), token.end()
            case "stop":
                field = ""
            case _:
                share = _share(token, percent)
                near = token.start() - since <= 30
                if field and share is not None and near and not (not certain and _CLASSIFIER.search(line)):
                    yield Claim(field, share, model, certain)
                    since = len(line)  # one figure for one name


def _share(token: re.Match[str], percent: bool) -> float | None:
    if token["whole"]:
        part, whole = int(token["part"]), int(token["whole"])
        return part / whole if whole > 0 and part <= whole else None
    if not token["number"] or token["number"][-1:].isalpha():
        return None
    value = float(token["number"].replace(",", "."))
    if percent or token["percent"]:
        value /= 100.0
    elif value > 1.0:
        value = value / 100.0 if "." in token["number"] else -1.0  # a whole number may count anything
    return round(value, 12) if 0.0 <= value <= 1.0 else None
