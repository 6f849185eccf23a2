"""Parses one line of a ranking that names its images by number: `25 Score:0.9452`, `Index: 3 Similarity: 0.8610`."""

from __future__ import annotations

import re

from grader.probes.rankings.match_lines import SCORE_WORD, MatchLine
from grader.probes.rankings.scores import NUMBER, score_of, unwrapped

_RANK = r"(?:(?:top|rank|no\.|第)[\s\-_#.:]{0,3}(?P<rank>\d{1,3})(?:名|位|个|张)?|(?P<place>\d{1,3})[.)、])"
_WORD = (
    r"(?:(?:library|matched|matching|similar|best)\s)?"
    r"(?:images?|img|pictures?|photo|index|idx|id|number|no\.?|item|match|result|编号|索引|序号|图[像片]|图库图[像片])"
)
_LINE = re.compile(
    rf"[\s>*•\-\[(|]{{0,20}}(?:{_RANK}[\s:=,\-–>→|]{{1,10}})?(?P<word>{_WORD}\s{{0,2}}[#:=.]?\s{{0,3}})?[#\[(]?"
    r"(?P<image>\d{1,6})(?:号|张)?[\])]?[\s,;:|=\-–>→]{0,10}(?:with|has|的)?\s{0,3}(?:the|a)?\s{0,3}"
    rf"(?:(?P<said>{SCORE_WORD})(?:\s?(?:is|of|为|是))?\W{{0,6}}?|(?P<open>[(\[])\s?(?:{SCORE_WORD}\W{{0,4}}?)?|\s)?{NUMBER}"
    r"[\s)\].,;|]{0,6}$",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\d[.,]\d")


def read_numbered(line: str) -> MatchLine | None:
    """Return the match in the line; None if there is none, or nothing says that its number is a score."""
    found = _LINE.match(unwrapped(line)[:200])
    if found is None or not (_DECIMAL.search(found["number"]) or found["percent"]):
        return None
    rank = found["rank"] or found["place"]
    if not (found["said"] or found["open"] or found["word"] or rank):
        return None
    return MatchLine(found["image"], int(rank) if rank else None, score_of(found), said=found["said"] or "")
