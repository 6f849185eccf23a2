"""Finds the lists of a document that its own words set apart from the student's rankings: examples, baselines, bugs.

What introduces a list is the heading above it and the sentence or label before it. What is set apart ends at the next
heading of its level, or at the next line that introduces something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grader.probes.rankings.by_number import read_numbered
from grader.probes.rankings.match_lines import read_match
from grader.probes.rankings.paths import ends
from grader.probes.rankings.purposes import FAULTY, LEAST, LONGEST, UNSAID, purpose_of, says_nothing, without_names
from grader.probes.rankings.words import model_heading, query_heading, starts_query

SHORT = 80  # characters of a label
MOST_JOINED = 4  # lines of a paragraph that its last sentence may begin in
PARAGRAPH = 99  # the level of what no heading sets apart

_HEADING = re.compile(r"\s{0,3}(#{1,6})\s|\s{0,3}\d{1,2}((?:\.\d{1,2}){1,4})\.?\s{1,4}[^\W\d]")
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"[^\W\d_]")
_RANK = re.compile(r"[\s>*•\-|]{0,12}(?:top|rank|no\.|第)?[\s\-_#]{0,3}\d{1,3}(?:st|nd|rd|th)?\W", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:[.!?]\s|[。！？])(?=\S)")
_POINTS = re.compile(
    r"(?<![a-z])(?:below|following|follows|here(?:'s| is| are)|something like)(?![a-z])|"
    r"如下|以下|下面|下[表图列]",
    re.IGNORECASE,
)
_SPEAKS_OF_LIST = re.compile(
    r"\W{0,4}(?:this|these|the)\s(?:following\s|next\s)?(?:runs?|results?|lists?|rankings?|numbers|values|outputs?|logs?|scores?)"
    r"(?![a-z])|\W{0,4}(?:这|该|此)(?:次|个|组|份)?(?:结果|排序|运行|输出|数据)",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\d[.,]\d|[:=]\s?\d")
_ABOVE = re.compile(r"(?<![a-z])(?:above|preceding)(?![a-z])|以上|上述|上面|上[表图]", re.IGNORECASE)


def asides(texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the places (begin, end) that are set apart, and why: a code of evidence.wording."""
    if not any(_ranks(text[:LONGEST]) for text in texts):
        return
    walk = _Walk()
    for place, text in enumerate(texts):
        walk.line(place, text[:LONGEST])
    walk.end(len(texts))
    yield from walk.found


@dataclass(slots=True)
class _Walk:
    found: list[tuple[int, int, str]] = field(default_factory=list)
    why: str = ""
    level: int = 0
    begin: int = 0
    listed: bool = False  # something was ranked since it began
    asks: bool = False  # a query, or a network, was named between its beginning and the first match
    names: bool = False
    paragraph: list[str] = field(default_factory=list)  # lines of text before this one
    block: int = -1  # where the list above begins, whatever introduced it

    def line(self, place: int, text: str) -> None:
        if not text.strip():
            self.paragraph.clear()
        elif _ranks(text):
            self._match(place, text)
        elif "|" in text or "\t" in text or "![" in text or not _WORDS.search(text):
            return  # the headings of a table, a figure, a rule
        elif heading := _HEADING.match(text):
            self._heading(place, text, len(heading[1] or heading[2].replace(".", "") + "#"))
        else:
            self._text(place, text)

    def end(self, place: int) -> None:
        if self.why:
            self.found.append((self.begin, place, self.why))
        self.why = ""

    def _start(self, place: int, why: str, level: int) -> None:
        self.end(place)
        self.why, self.level, self.begin = why, level, place
        self.listed = self.asks = self.names = False

    def _match(self, place: int, text: str) -> None:
        self.listed = True
        self.paragraph.clear()
        self.block = place if self.block < 0 else self.block
        several = len(ends(text)) > 1
        tells = not self.why and "|" not in text and (several or not _RANK.match(text))
        why = purpose_of(text) if tells else ""
        if why and (several or why == LEAST):
            self._start(place, why, PARAGRAPH)
            self.listed = True

    def _heading(self, place: int, text: str, level: int) -> None:
        self.paragraph.clear()
        self.block = -1
        why = purpose_of(text)
        if why:
            self._start(place, why, min(level, self.level) if self.why and self.level < level else level)
        elif self.why and level <= self.level:
            self.end(place)

    def _text(self, place: int, text: str) -> None:
        why = self._introduced(text)
        if _ABOVE.search(text) and purpose_of(text) and self.block >= 0 and not self.why:
            self.found.append((self.block, place, purpose_of(text)))
        needed = bool(self.why) or self.block >= 0
        query, model = needed and _asks(text), needed and bool(model_heading(text))
        known = why == self.why and not self.listed  # said in the line before, which this one continues
        if why and not known and (not self.why or self.level == PARAGRAPH):
            self._start(place, why, PARAGRAPH)
        elif self.why and self.level == PARAGRAPH:
            self._goes_on(place, query, model)
        if not query and not model:
            self.block = -1
        self.paragraph = [*self.paragraph[1 - MOST_JOINED :], text]

    def _goes_on(self, place: int, query: bool, model: bool) -> None:
        """End what no heading set apart at the next line that introduces something else."""
        if not self.listed:
            self.asks, self.names = self.asks or query, self.names or model
        elif not ((query and self.asks and not model) or (model and self.names)):
            self.end(place)

    def _introduced(self, text: str) -> str:
        """Return why the list below is set apart, if the line introduces one: a label, or a sentence before a list."""
        bare = text.strip().rstrip("*_` ")
        if bare.endswith(":"):
            said = bare if model_heading(bare) else " ".join([*self.paragraph[1 - MOST_JOINED :], bare])
            said = _SENTENCE.split(said)[-1]
            return purpose_of(said) or (UNSAID if says_nothing(said) else "")
        if bare.endswith(("=", "-", ")")) or _is_label(bare):
            why = purpose_of(bare)
            return "" if why == FAULTY and self.block >= 0 else why  # a remark on the list above
        before = self.block < 0 and bool(_SPEAKS_OF_LIST.match(bare))
        points = before or _POINTS.search(bare)
        last = _SENTENCE.split(bare)[-1]
        return purpose_of(bare) if points or (ends(bare) and purpose_of(last)) else ""


def _is_label(bare: str) -> bool:
    statement = bare.endswith((".", "。", "!")) or _DECIMAL.search(without_names(bare))
    return len(bare) <= SHORT and not statement


def _ranks(text: str) -> bool:
    """Return whether the line holds a match, or may be the first half of one."""
    if not _DIGIT.search(text) and not ends(text):
        return False
    if read_match(text) is not None or read_numbered(text) is not None:
        return True
    several = len(ends(text))
    return (
        several > 1 or bool(several and "|" in text) or bool(_RANK.match(text) and several and not starts_query(text))
    )


def _asks(text: str) -> bool:
    return bool(ends(text) or starts_query(text)) and query_heading(text) is not None
