"""Finds accuracies that a submission states in words: in a notebook's printed output, in the written report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from grader.probes.documents.documents import MOST_TEXT, bounded, lines, part_name, plain
from grader.probes.documents.text import read_bytes, storable
from grader.probes.refusals import Phrase, phrase

_TEST = r"(?:test(?:ing)?|val(?:id(?:ation)?)?|final|best|测试集?|验证集?|最终|最佳)"
_ACCURACY = r"(?:acc(?:uracy)?|准确率|正确率|精度)"
_NUMBER = r"(?P<number>(?<![\d.])\d{1,3}(?:\.\d+)?)(?![\d.]*\d)\s*(?P<percent>%|percent)?"
_APART = r"(?:\(%\)|[^\d%。;；?？!！])"  # a number further on, or in another sentence, belongs to something else
_IMAGES = r"(?:10[, ]?000\s*(?:张|个)?\s*)?"  # "on the 10,000 test images"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![a-z]){_TEST}[\s_\-的上]{{0,3}}{_ACCURACY}(?P<between>{_APART}{{0,30}}?){_NUMBER}",  # test acc: 84.54%
        rf"{_ACCURACY}{_APART}{{0,30}}?{_IMAGES}(?<![a-z]){_TEST}(?P<between>{_APART}{{0,30}}?){_NUMBER}",
        rf"(?<![a-z]){_TEST}{_APART}{{0,20}}?{_ACCURACY}(?P<between>{_APART}{{0,30}}?){_NUMBER}",  # 测试集上的准确率
        rf"{_NUMBER}\s*(?:of\s+)?(?<![a-z]){_TEST}[\s_\-]{{0,2}}{_ACCURACY}",  # 84.54 % test accuracy
        rf"{_ACCURACY}(?P<between>{_APART}{{0,20}}?){_NUMBER}\s*(?:on|in)\s+(?:the\s+)?{_IMAGES}{_TEST}",
        r"(?P<number>\d{1,3}(?:\.\d+)?)\s*(?P<percent>%|percent)\s*(?:on|in)\s+(?:the\s+)?" + _IMAGES + _TEST,
        # what scripts print: test 0.5312 84.54 %; Accuracy: 8454/10000 (84.54%); Acc: 84.540% (8454/10000)
        rf"(?<![a-z]){_TEST}\s*[:=]?\s*(?:\d+\.\d+\s+)?(?P<number>\d{{1,3}}(?:\.\d+)?)\s*(?P<percent>%)",
        rf"{_ACCURACY}[\s:=]*\d{{1,5}}/10000\s*\((?P<number>\d{{1,3}}(?:\.\d+)?)\s*(?P<percent>%)\)",
        rf"{_ACCURACY}[\s:=]*(?P<number>\d{{1,3}}(?:\.\d+)?)\s*(?P<percent>%)\s*\(\d{{1,5}}/10000\)",
    )
)
PRINTED = PATTERNS[-2:]  # counted on 10,000 images: on the test set, whatever the line calls it
_DIFFERENCE = re.compile(
    r"improv|increas|better|higher|more than|above|over\b|rise|rose|drop|decreas|lower|"
    r"提高|提升|增加|好约|高出|以上|超过|上升|下降|降低",
    re.IGNORECASE,
)
_REACHED = re.compile(r"(?:\bto|到|至|为)\s*(?:about|约|了)?\s*$", re.IGNORECASE)  # improved to 84.54 %
_OR_MORE = re.compile(
    r"\s*(?:points? |or )?(?:more|better|higher|lower|worse|above|below|以上|左右的?提)", re.IGNORECASE
)
_OTHER = re.compile(r"train|训练|\blr\b|learning.?rate|学习率|loss|损失|error", re.IGNORECASE)
# A fraction without a percent sign could be anything: a rate, a loss. Only these may stand before it.
_PLAIN = re.compile(
    r"(?:[\s:=\-_|>()%\[\]{}\"'*`,~≈]|is|was|of|at|reach(?:es|ed)?|about|on|the|set|images|data|cifar|in|percent|"
    r"是|为|达到?|可达|约|的|了|上|集|大约|能|可以|有)*",
    re.IGNORECASE,
)
_RETRIEVAL = re.compile(r"retriev|检索|precision\s*@|top-?\s*5|以图搜图", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[。;；?？!！]|\.\s")
_WORTH_READING = re.compile(rf"{_TEST}|{_ACCURACY}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Claim:
    accuracy: float
    source: str
    line: int
    quote: str


def read_claims(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the documents `inputs["names"]`. Returns the fields of evidence.Claims.

    A document that repeats itself (one line per epoch) gives two claims: its last and its best.
    """
    claims: list[_Claim] = []
    unread: list[Phrase] = []
    left = MOST_TEXT
    for name in inputs["names"]:
        if name.casefold().endswith(".docx"):
            unread.append(phrase("word_file", file=storable(name[:200])))
            continue
        try:
            pieces = list(_lines(name, read_bytes(files, name), left))
            left -= sum(len(line) for _, _, line in pieces)
            claims += _last_and_best(list(_in_lines(pieces)))
        except Exception as error:
            unread.append(phrase("unread_file", file=storable(name[:200]), kind=type(error).__name__))
    fields = [{"accuracy": c.accuracy, "source": c.source, "line": c.line, "quote": c.quote} for c in claims]
    return {"claims": fields[:100], "unread": unread[:50]}, {}


def _last_and_best(stated: list[_Claim]) -> list[_Claim]:
    if not stated:
        return []
    best = max(stated, key=lambda claim: claim.accuracy)
    return [stated[-1]] if best.accuracy == stated[-1].accuracy else [best, stated[-1]]


def _lines(name: str, data: bytes, left: int) -> Iterator[tuple[str, int, str]]:
    """Yield source, line (0 in a PDF or notebook) and text of each line that the document shows."""
    part = part_name(name)
    for line in bounded(lines(name, data), left):
        yield f"{name}, {part} {line.part}" if part else name, line.number, line.text


def _in_lines(pieces: list[tuple[str, int, str]]) -> Iterator[_Claim]:
    """Find claims in each line, and in sentences that continue on the next."""
    cleaned = [(source, number, plain(line).strip()) for source, number, line in pieces]
    for (source, number, line), (following, _, rest) in zip_longest(cleaned, cleaned[1:], fillvalue=("", 0, "")):
        joined = f"{line} {rest}" if line and source == following else ""
        across = (match for match in _in_line(joined) if match["percent"] and match.start() < len(line) < match.end())
        found = next(_in_line(line), None) or next(across, None)
        if found is not None:
            quote = found.string[max(0, found.start() - 40) : found.end() + 40].strip()
            yield _Claim(_accuracy(found) or 0.0, source[:300], number, quote[:200])


def _in_line(line: str) -> Iterator[re.Match[str]]:
    """Find claims in the line, the most certain pattern first."""
    if not _WORTH_READING.search(line):
        return
    for pattern in PATTERNS:
        for match in pattern.finditer(line):
            if _accuracy(match) is not None and _is_claim(pattern, match, line):
                yield match


def _accuracy(match: re.Match[str]) -> float | None:
    number = float(match["number"])
    if match["percent"] or number > 1.0:
        # without a percent sign a whole number may be anything: an epoch, a count
        whole = "." not in match["number"] and not match["percent"]
        return None if whole or number > 100.0 else number / 100.0
    return number if "." in match["number"] else None


def _is_claim(pattern: re.Pattern[str], match: re.Match[str], line: str) -> bool:
    """Return whether the number is the classifier's accuracy on test images."""
    if pattern in PRINTED:
        return True
    before, between = line[match.start() : match.start("number")], match.groupdict().get("between") or ""
    sentence = _SENTENCE_END.split(line[: match.start()])[-1][-100:] + match.group()
    if _RETRIEVAL.search(sentence) or _OTHER.search(match.group()):
        return False
    if _OR_MORE.match(line, match.end()) or (_DIFFERENCE.search(match.group()) and not _REACHED.search(before)):
        return False
    return bool(match["percent"]) or _PLAIN.fullmatch(between) is not None
