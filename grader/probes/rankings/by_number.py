"""Parses one line of a ranking that names its images by number: `25 Score:0.9452`, `Index: 3 Similarity: 0.8610`."""

from __future__ import annotations

import re

from grader.probes.rankings.match_lines import SCORE_WORD, MatchLine
from grader.probes.rankings.scores import NUMBER, score_of, unwrapped

_RANK = (
    r"(?:(?:top|rank|match|result|neighbou?r|no\.|第)[\s\-_#.:]{0,3}(?P<rank>\d{1,3})(?:名|位|个|张)?|"
    r"(?P<place>\d{1,3})[.)、])"
)
_IMAGE = (
    r"(?:(?:library|matched|matching|similar|best)\s)?(?:(?:images?|img|pictures?|photo|item|图库图[像片]|图[像片]?)"
    r"[\s_]?)?(?:index|idx|id|number|no\.?|编号|索引|序号|第)?\s{0,2}[#:=.]?\s{0,3}"
)
_SAID = rf"(?:with|has|的)?\s{{0,3}}(?:the|an?)?\s{{0,3}}(?P<said>{SCORE_WORD})(?:\s?(?:is|of|为|是))?\W{{0,6}}?"
_LINE = re.compile(
    rf"[\s>*•\-\[(|]{{0,20}}(?:{_RANK}[\s:=,\-–>→|]{{1,10}})?(?P<word>{_IMAGE})[#\[(]?"
    rf"(?P<image>\d{{1,6}})(?:号|张)?[\])]?[\s,;:|=\-–>→]{{0,10}}"
    rf"(?:{_SAID}|(?P<open>[(\[])\s?(?:{SCORE_WORD}\W{{0,4}}?)?)?{NUMBER}[\s)\].,;|]{{0,6}}$",
    re.IGNORECASE,
)
_REVERSED = re.compile(
    rf"[\s>*•\-\[(|]{{0,20}}(?:{_RANK}[\s:=,\-–>→|]{{1,10}})?(?P<said>{SCORE_WORD})\W{{0,6}}?{NUMBER}[\s,;:|)\-–>→]{{1,10}}"
    rf"(?P<word>{_IMAGE})[#\[(]?(?P<image>\d{{1,6}})(?:号|张)?[\s)\].]{{0,6}}$",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\d[.,]\d")


def read_numbered(line: str) -> MatchLine | None:
    """Return the match in the line; None if there is none, or nothing says that its number is a score."""
    text = unwrapped(line)[:200]
    found = _LINE.match(text) or _REVERSED.match(text)
    if found is None or not (_DECIMAL.search(found["number"]) or found["percent"]):
        return None
    parts = found.groupdict()
    rank = found["rank"] or found["place"]
    pair = text.lstrip().startswith("(") and text.rstrip(" ,").endswith(")")  # (12, 0.93)
    if not (parts["said"] or parts.get("open") or parts["word"].strip() or rank or pair):
        return None
    return MatchLine(found["image"], int(rank) if rank else None, score_of(found), said=parts["said"] or "")
