"""Splits a sentence into words of known kinds and numbers, and tells which numbers could be accuracies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from grader.probes.documents.claim_words import FIRST_WORDS, KIND_OF, LONGEST_CHINESE, LONGEST_PHRASE

TEST_IMAGES = 10_000
MOST_TOKENS = 2_000  # a sentence that has more is no sentence
_NUMBER = r"(?:\d{1,9}(?:,\d{3}){1,3}(?!\d)|\d{1,9}(?:[.,]\d{1,20})?|(?<![\d.])\.\d{1,20})"
_AMONG = (  # the count after the whole: 在10000张测试图片中正确分类了8454张; of the 10,000 test images, 8,454 are right
    r"10,?000\s?[张幅个枚][^\d。;错误]{0,14}[中里][^\d。;错误]{0,12}\d,?\d{3,4}(?=\s?[张幅个枚])"
    r"|\d,?\d{3}\s(?:of\s)?(?:the\s)?(?:test\s)?(?:images|pictures|samples)\s(?:out\s)?of\s(?:the\s|all\s)?10,?000\b"
    r"|of\s(?:the\s|all\s)?10,?000\s(?:test(?:ing)?\s)?(?:images|pictures|samples),?\s"
    r"(?:(?:(?:the|our|my|this)\s)?(?:network|model|it|we|i)\s)?(?:(?:correctly\s)?[a-z]{1,12}\s)?\d,?\d{3}\b(?=\s(?:are|were|correct|right|is|get|have))"
)
_TOKEN = re.compile(
    r"(?P<junk>\d{10,}|\d{1,9}(?:[-:/.]\d{1,9}){2,8}|\d{1,9}:\d{1,9}|\d{1,9}(?:\.\d{1,9})?e[+-]?\d{1,3}"
    r"|\d{1,9}\s?[x×]\s?\d{1,9}\b|\d{1,9}(?:\.\d{1,9})?[a-z]{1,9}/[a-z]{1,9})"
    rf"|(?P<among>{_AMONG})"
    r"|(?P<count>(?<![\d.])\d{1,6}(?:,\d{3})?\s{0,2}(?:/|(?:out\s)?of(?:\s(?:the|all|our|its))?(?:\stotal)?\s)"
    r"\s{0,2}\d{1,3}(?:,?\d{3})?(?![.,]?\d|\s{0,2}%))"
    rf"|百分之\s?(?P<hundredths>{_NUMBER})"
    rf"|(?P<number>{_NUMBER})(?P<percent>\s{{0,2}}(?:%|percent\b|per\scent\b|pct\b)(?!\s?-?\s?points?|age))?"
    r"|(?P<top>[a-z]{1,20}@\d{0,3})"
    r"|(?P<name>[a-z]{1,30}-?\d{1,9}[a-z0-9]{0,30}(?:[-.]\d{1,9})?(?![.\d]))"
    r"|(?P<word>[a-z]+(?:['’][a-z]{1,2})?)"
    r"|(?P<chinese>(?:(?!百分之)[\u4e00-\u9fff])+)"
    r"|(?P<arrow>-{1,2}>|=>|→|⇒)"
    r"|(?P<mark>\S)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^A-Za-z]+")
_GLUED = re.compile(r"(test|train|val|valid|best|final)(acc|accuracy|loss|set|data)", re.IGNORECASE)
MARKS = {
    ",": "comma", "、": "comma", "|": "pipe", "(": "open", ")": "close", ":": "colon", "=": "colon", "-": "dash",
    "–": "dash", "—": "dash", "−": "dash", "~": "about", "≈": "about", ">": "than", "<": "than", "≥": "than",
    "≤": "than", "±": "spread", "+": "plus", "_": "dash", "[": "list", "]": "dash", "%": "in percent", "/": "slash",
    '"': "quote", "'": "quote", "“": "quote", "”": "quote", "*": "quote", "{": "quote", "}": "quote", "`": "quote",
    "‘": "quote", "’": "quote", "#": "quote", "•": "quote", "「": "quote", "」": "quote", "《": "other", "^": "quote",
    "@": "unknown", "&": "and", "$": "quote", "\\": "quote", "·": "quote", "…": "quote", ".": "dash", "!": "quote",
    "。": "quote", ";": "quote", "?": "quote",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a mark or a number. `share` is set for a "figure": a number that could be an accuracy."""

    kind: str
    text: str
    start: int
    end: int
    share: float = -1.0
    percent: bool = False  # the figure has a percent sign, or is a count of all test images
    decimals: int = 0  # of the share: how exact it is
    whole: int = 0  # of a count: out of how many


def tokens(sentence: str) -> list[Token]:
    """Return the sentence's tokens, phrases joined; [] for a sentence that is too long to be one."""
    found = list(_phrases(list(_raw(sentence))))
    return [] if len(found) > MOST_TOKENS else found


def _raw(sentence: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(sentence):
        kind, text = match.lastgroup or "mark", match.group()
        if kind == "percent":
            kind = "number"
        if kind in ("number", "hundredths"):
            yield _number(match)
        elif kind in ("count", "among"):
            yield _count(match)
        elif kind == "chinese":
            yield from _chinese(text, match.start())
        elif kind == "top":
            yield Token(_at_rank(text.lower()), text, match.start(), match.end())
        elif kind == "arrow":
            yield Token("arrow", text, match.start(), match.end())
        elif kind in ("word", "name"):
            yield from _words(text, match.start())
        else:
            named = "junk" if kind == "junk" else MARKS.get(text, "unknown")
            yield Token(named, text, match.start(), match.end())


def _at_rank(text: str) -> str:
    """Name Acc@1 and Prec@1, which are accuracies, Acc@5, which is not, and figures of retrieval."""
    if text in ("acc@1", "prec@1", "top@1"):
        return "accuracy"
    return "metric" if text in ("acc@5", "prec@5", "top@5") else "retrieval"


def _number(match: re.Match[str]) -> Token:
    written = match["number"] or match["hundredths"]
    grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+", written) is not None
    digits = written.replace(",", "" if grouped else ".")
    places = len(digits.partition(".")[2])
    percent = bool(match["percent"] or match["hundredths"])
    value = float(digits)
    start, end = match.span()
    if percent:
        share = value / 100.0 if 1.0 < value <= 100.0 else -1.0  # "0.85 %" may be a share with a sign too many
        return Token("figure" if share >= 0 else "impossible", match.group(), start, end, share, True, places + 2)
    if places and value <= 1.0:
        return Token("figure", written, start, end, value, False, places)
    if places and 10.0 <= value <= 100.0:
        return Token("figure", written, start, end, value / 100.0, False, places + 2)
    return Token("number", digits, start, end)


def _count(match: re.Match[str]) -> Token:
    right, whole = (int(part.replace(",", "")) for part in re.findall(r"\d(?:[\d,]*\d)?", match.group()))
    if match["among"]:
        right, whole = sorted((right, whole))
    start, end = match.span()
    if whole == TEST_IMAGES and right <= whole:
        return Token("figure", match.group(), start, end, right / whole, True, 4, whole)
    return Token("count", match.group(), start, end, whole=whole)


def _words(text: str, start: int) -> Iterator[Token]:
    """Split a name such as testAcc, unless it is a word as it stands."""
    if glued := _GLUED.fullmatch(text):
        parts = list(glued.groups())
    elif text.lower() in KIND_OF or len(text) > 40:
        parts = [text]
    else:
        parts = _CAMEL.findall(text)
        if not all(part.lower() in KIND_OF for part in parts):
            parts = [text]
    for part in parts:
        kind = KIND_OF.get(part.lower()) or KIND_OF.get(part.lower().removesuffix("'s"), "")
        if not kind:
            kind = "name" if any(map(str.isdigit, part)) else "unknown"
        yield Token(kind, part, start, start + len(part))
        start += len(part)


def _chinese(text: str, start: int) -> Iterator[Token]:
    """Split a run of Chinese characters into the longest words that are known, from the left."""
    at = 0
    while at < len(text):
        length = next(
            (n for n in range(LONGEST_CHINESE, 0, -1) if text[at : at + n] in KIND_OF and at + n <= len(text)), 1
        )
        word = text[at : at + length]
        yield Token(KIND_OF.get(word, "unknown"), word, start + at, start + at + length)
        at += length


def _phrases(raw: list[Token]) -> Iterator[Token]:
    """Join the words of a known phrase into one token of its kind."""
    at = 0
    while at < len(raw):
        length = _phrase_length(raw, at) if raw[at].text.lower() in FIRST_WORDS else 0
        if length:
            part = raw[at : at + length]
            yield replace(part[0], kind=KIND_OF[_joined(part)], text=_joined(part), end=part[-1].end)
        else:
            yield raw[at]
        at += length or 1


def _phrase_length(raw: list[Token], at: int) -> int:
    """Return how many tokens the longest known phrase that begins here has; 0 for none."""
    for length in range(min(LONGEST_PHRASE, len(raw) - at), 1, -1):
        if raw[at + length - 1].kind != "dash" and _joined(raw[at : at + length]) in KIND_OF:
            return length
    return 0


def _joined(part: list[Token]) -> str:
    return " ".join(token.text.lower() for token in part if token.kind != "dash")
