"""Accuracies that a submission states in words: in a notebook's printed output, in the written report."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grader.probes.text import decode, read_bytes

MOST_LINES = 20_000
MOST_PAGES = 100
_TEST = r"(?:test(?:ing)?|val(?:id(?:ation)?)?|final|best|测试集?|验证集?|最终|最佳)"
_ACCURACY = r"(?:acc(?:uracy)?|准确率|正确率|精度)"
_NUMBER = r"(?P<number>\d{1,3}(?:\.\d+)?)\s*(?P<percent>%|percent)?"
_BETWEEN = r"[^\d%。;；]{0,30}?"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![a-z]){_TEST}[\s_\-的上]{{0,3}}{_ACCURACY}{_BETWEEN}{_NUMBER}",  # test accuracy: 84.54%
        rf"{_ACCURACY}[^\d%。;；]{{0,20}}?(?<![a-z]){_TEST}{_BETWEEN}{_NUMBER}",  # accuracy on the test set of 84.54 %
        rf"(?<![a-z]){_TEST}[^\d%。;；]{{0,20}}?{_ACCURACY}{_BETWEEN}{_NUMBER}",  # 测试集上的准确率为 84.54%
        rf"{_NUMBER}\s*(?:of\s+)?(?<![a-z]){_TEST}[\s_\-]{{0,2}}{_ACCURACY}",  # 84.54 % test accuracy
        rf"{_NUMBER}\s*(?:on|in)\s+(?:the\s+)?{_TEST}",  # 84.54 % on the test set
    )
)
_DIFFERENCE = re.compile(
    r"improv|increas|better|higher|more than|above|over|rise|提高|提升|增加|好约|高出|以上|超过", re.IGNORECASE
)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class _Claim:
    accuracy: float
    source: str
    line: int
    quote: str


def read_claims(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the documents `inputs["names"]`. Returns the fields of evidence.Claims.

    A document that repeats itself (a line an epoch) is worth two claims: its last and its best.
    """
    claims: list[_Claim] = []
    unread: list[str] = []
    for name in inputs["names"]:
        try:
            pieces = list(_lines(name, read_bytes(files, name)))
        except Exception as error:
            unread.append(f"{name} ({type(error).__name__})"[:300])
            continue
        stated = [claim for piece in pieces for claim in _in_line(*piece)]
        claims += _last_and_best(stated)
    fields = [{"accuracy": c.accuracy, "source": c.source[:300], "line": c.line, "quote": c.quote} for c in claims]
    return {"claims": fields[:100], "unread": unread[:50]}, {}


def _last_and_best(stated: list[_Claim]) -> list[_Claim]:
    if not stated:
        return []
    best = max(stated, key=lambda claim: claim.accuracy)
    return [stated[-1]] if best.accuracy == stated[-1].accuracy else [best, stated[-1]]


def _lines(name: str, data: bytes) -> Iterator[tuple[str, int, str]]:
    """Source, line (or page) and text of each line that the document shows."""
    if name.endswith(".ipynb"):
        yield from _notebook_output(name, json.loads(decode(data)))
    elif name.endswith(".pdf"):
        from pypdf import PdfReader

        for number, page in enumerate(PdfReader(io.BytesIO(data)).pages[:MOST_PAGES], start=1):
            for line in page.extract_text().splitlines()[:MOST_LINES]:
                yield f"{name}, page {number}", 0, line
    else:
        for number, line in enumerate(decode(data).splitlines()[:MOST_LINES], start=1):
            yield name, number, line


def _notebook_output(name: str, notebook: Any) -> Iterator[tuple[str, int, str]]:
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        for output in cell.get("outputs", []) if isinstance(cell, dict) else ():
            text = output.get("text") or output.get("data", {}).get("text/plain") or ""
            joined = "".join(map(str, text)) if isinstance(text, list) else str(text)
            for line in joined.splitlines()[:MOST_LINES]:
                yield f"{name}, cell {number}", 0, line


def _in_line(source: str, number: int, line: str) -> Iterator[_Claim]:
    line = unicodedata.normalize("NFKC", _ESCAPES.sub("", line))[:2000]  # full-width digits and percent signs
    for pattern in PATTERNS:
        for match in pattern.finditer(line):
            accuracy = _accuracy(match)
            if accuracy is not None and not _DIFFERENCE.search(match.group()):
                start = max(0, match.start() - 40)
                yield _Claim(accuracy, source, number, line[start : match.end() + 40].strip()[:200])
                return  # one claim a line: what follows compares with it


def _accuracy(match: re.Match[str]) -> float | None:
    number = float(match["number"])
    if match["percent"] or number > 1.0:
        # without a percent sign a whole number may be anything: an epoch, a count
        whole = "." not in match["number"] and not match["percent"]
        return None if whole or number > 100.0 else number / 100.0
    return number if "." in match["number"] else None
