r"""Parses one line of a ranking: `Top 1 match (0.8731): library\cat\1.jpg`, `1. cat/1.jpg 87.31 %` and similar."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from grader.probes.rankings.paths import cleaned, ends, spoken, start
from grader.probes.rankings.purposes import quantity_in, without_names
from grader.probes.rankings.scores import MEASURED, NUMBER, Score, number, score_of, unwrapped

SCORE_WORD = (
    r"(?:(?:cos(?:ine)?|euclidean|l2)?[ _-]?(?:similarity|sim|score|dist(?:ance)?)|cosine|cos|conf(?:idence)?|"
    r"(?:余弦|欧氏)?(?:相似度|相似性|距离)|得分|分数|余弦值)"
)
_RANK_WORD = r"(?:top|rank(?:ed|ing)?|match|result|hit|neighbou?r|nearest|no\.|nr\.|第|排名|名次|匹配|结果)"
_DASH = r"-(?!\d|[.,]\d)"  # and not a sign
_NO_MATCH = re.compile(r"\W{0,6}(?:acc|prec|准确|正确|精度|命中|error)", re.IGNORECASE)  # Top-1 accuracy
_RANK = re.compile(
    rf"[\s>*•\-|(\[]{{0,20}}(?:(?P<word>{_RANK_WORD})[\s\-_.#:=(\[]{{0,4}}(?P<named>\d{{1,4}})(?:st|nd|rd|th|名|位|个|张)?"
    r"(?![^\W_]|[.,]\d)\s{0,4}[)\]]?\s{0,4}(?:(?:match|result|image|匹配|结果|图[像片])(?![\w/\\.]))?"
    r"|[#\[(]?(?P<bare>\d{1,4})(?:st|nd|rd|th)?(?:[\])]\s{0,9}[.:]?\s{0,9}|[.:、,|]\s{1,9}|[:、]|\s{1,30}(?![/\\(])))"
    rf"\s{{0,30}}(?:[:.,=–|]|{_DASH})?\s{{0,30}}",
    re.IGNORECASE,
)
_WORDS = rf"(?:{SCORE_WORD}\s{{0,3}}(?:\(%\))?\s{{0,3}}[:=]?\s{{0,3}})?"
_BEFORE = re.compile(
    rf"(?:[\s–:=,;|*]|{_DASH}){{0,30}}(?P<words>{_WORDS})"
    rf"(?:(?P<open>[(\[])\s{{0,3}}{_WORDS}{NUMBER}\s{{0,3}}[)\]]|{number('bare', 'share')})"
    r"[\s:;,|*>)\]→=✓✗√×\-–]{1,40}",
    re.IGNORECASE,
)
_AFTER = re.compile(rf"(?:[\s'\"`)\]:,;|=>*–—→(\[]|{_DASH}){{0,40}}{NUMBER}", re.IGNORECASE)
_LABELLED = re.compile(
    rf"{SCORE_WORD}(?P<unit>\s{{0,3}}\(%\))?(?:\s(?:is|of)\s|[为是])?\W{{0,10}}?{NUMBER}", re.IGNORECASE
)
_MANGLED = re.compile(
    r"(?<![^\W_])(?=[\dlIOoS]{0,4}[.,])(?=[.,\dlIOoS]{0,30}[lIOoS])[\dlIOoS]{1,4}[.,][\dlIOoS ]{2,30}(?![^\W_])"
)
_NUMBERS = re.compile(NUMBER, re.IGNORECASE)
_DECIMALS = re.compile(r"\d[.,]\d")
_SCORE_LIKE = re.compile(r"\d[.,]\d|[(\[]\s?[+-]?[\dlIOo]")
_PATH_WORD = re.compile(
    r"[\s,;:>*\-–→'\"`(\[]{0,20}(?:(?:path|file(?:name)?|image|img|match|name|文件|图[像片]|路径|结果|匹配)"
    r"\s{0,3}[:=]\s{0,3}|(?:with|is)\s{1,3})?",
    re.IGNORECASE,
)
_SCORED = re.compile(SCORE_WORD, re.IGNORECASE)
LONGEST_MEASURED = 2_000  # characters
MOST_NAMES = 41  # in a line: a query and twice the matches that are kept
_WORD = re.compile(r"[^\W\d_]{2,40}")
MOST_WORDS_AROUND = 6  # of a line of a ranking: "has a cosine similarity of"
_MARKS = "✓✗√×* "


@dataclass(frozen=True, slots=True)
class MatchLine:
    """The content of a line. `score` None: there is none; `clear`: all of it was understood."""

    path: str
    rank: int | None = None
    score: Score | None = None
    clear: bool = True
    whole: bool = True  # the path ends as names of images do, and no bracket is left open
    said: str = ""  # what stands around path and number: names of metrics
    counts: bool = False  # its number is a size or a time, and no score


def read_match(line: str) -> MatchLine | None:
    """Return the one match in the line; None if there is none, or several. Takes linear time."""
    text = unwrapped(line)
    named = (ends(text) or [len(text)])[0]
    bare = text[:named] + MEASURED.sub(" ", text[named : named + LONGEST_MEASURED]) + text[named + LONGEST_MEASURED :]
    match = _read(bare)
    if match is None or (match.score is not None and not _of_quantity(bare)):
        return match
    number = match.score is not None or bare != text or (_of_quantity(bare) and _NUMBERS.search(without_names(bare)))
    return replace(match, score=None, counts=True) if number else match


def _of_quantity(text: str) -> bool:
    """Return whether words around the image name a size or a time, and none a score."""
    around = without_names(text)
    return quantity_in(around) and not _SCORED.search(around)


def _read(text: str) -> MatchLine | None:
    names = ends(text)
    if len(names) > 1:
        return None
    ranked = _RANK.match(text)
    begin = ranked.end() if ranked else 0
    if names and begin >= names[0]:
        ranked, begin = None, 0
    rank = int(ranked["named"] or ranked["bare"]) if ranked else None
    if not names:
        return _without_name(text, ranked, rank)
    head, tail = text[begin : names[0]], text[names[0] :]
    if (before := _BEFORE.match(head)) and _is_score(before, ranked is not None):
        return MatchLine(spoken(head[before.end() :].lstrip(_MARKS)), rank, _score(before), said=before["words"])
    if ranked is None and _is_sentence(text, names[0]):
        return None
    path = spoken(head) if ranked else cleaned(text[_lead_of_bare(text, names[0]) : names[0]])
    if after := _score_after(tail, ranked is not None):
        return MatchLine(path, rank, after[0], whole=after[1], said=tail[:100])
    named = start(text, names[0])
    if (
        _MANGLED.search(text[begin:named])
        or _MANGLED.search(tail[:80])
        or (ranked and _DECIMALS.search(text[begin:named]))
    ):
        return MatchLine(cleaned(text[named : names[0]]), rank, clear=False)
    loose = scores_in(tail) if ranked else []  # behind other words
    return MatchLine(path, rank, loose[0] if len(loose) == 1 else None, clear=len(loose) < 2) if ranked else None


def _without_name(text: str, ranked: re.Match[str] | None, rank: int | None) -> MatchLine | None:
    """Read "Top 1 match (0.8731): cat/1": a name without suffix, or one that continues on the next line."""
    rest = text[ranked.end() :] if ranked else ""
    if ranked is None or _NO_MATCH.match(rest):
        return None
    before = _BEFORE.match(rest)
    if before and _is_score(before, True):
        path = cleaned(rest[before.end() :].lstrip(_MARKS))
        return MatchLine(path, rank, _score(before), whole=False, clear=bool(path), said=before["words"])
    named = ranked["word"] is not None and bool(_SCORE_LIKE.search(rest))
    return MatchLine("", rank, clear=False, whole=False) if named else None


def _is_sentence(text: str, end: int) -> bool:
    """Return whether an image without a rank stands among so many words that its number may mean anything."""
    around = text[: start(text, end)] + " " + text[end:]
    return len(_WORD.findall(around[:400])) > MOST_WORDS_AROUND


def _lead(head: str) -> int:
    match = _PATH_WORD.match(head)
    return match.end() if match else 0


def _lead_of_bare(text: str, end: int) -> int:
    """Return the start of the name in a line without a rank: the whole start, unless words precede it."""
    begin, last = _lead(text[:end]), start(text, end)
    copied = text[last:end].startswith("(")  # cat (1).jpg
    return begin if copied or "/" in text[begin:end].split(" ", maxsplit=1)[0] or begin > last else last


def _is_score(match: re.Match[str], ranked: bool) -> bool:
    """Return whether a number without a rank is a score: brackets, three decimals, a word or % make it one."""
    if ranked or match["open"] or match["words"]:
        return True
    return bool(match["share"]) or bool(re.search(r"[.,]\d{3}|nan|e-", match["bare"], re.IGNORECASE))


def _score(match: re.Match[str]) -> Score:
    if match["number"]:
        return score_of(match, "%)" in match["words"])
    value = re.compile(NUMBER, re.IGNORECASE).match(match["bare"] + (match["share"] or ""))
    assert value is not None  # the same pattern
    return score_of(value, "%)" in match["words"])


def _score_after(tail: str, ranked: bool) -> tuple[Score, bool] | None:
    """Return the score after a name, and whether all brackets before it are closed."""
    labelled = _LABELLED.search(tail[:200])
    match = labelled or _AFTER.match(tail)
    if match is None:
        return None
    whole = match["number"].lstrip("+-").isdigit() and not match["percent"]
    if whole and not labelled and not ranked:
        return None  # cat.jpg 640
    unit = bool(labelled and labelled["unit"])
    return score_of(match, unit), match.end() < len(tail) or "(" not in tail or not tail[-1:].isdigit()


def read_matches(line: str) -> tuple[str, list[MatchLine]]:
    """Return a query ("" if not named) and its matches, from a line with several images and their scores."""
    text = unwrapped(line)
    names = ends(text)
    if len(names) > MOST_NAMES:
        return "", []
    begins = _begins(text, names)
    paths = images_in(text)
    gaps = [text[end:begin] for end, begin in zip(names, [*begins[1:], len(text)], strict=True)]
    after = [_decimal(gap) for gap in gaps]
    before = [_decimal(text[: begins[0]]), *after[:-1]]
    if all(after):
        return "", [MatchLine(path, score=score) for path, score in zip(paths, after, strict=True)]
    if all(after[1:]) and not after[0]:
        return paths[0], [MatchLine(path, score=score) for path, score in zip(paths[1:], after[1:], strict=True)]
    if all(before):
        return "", [MatchLine(path, score=score) for path, score in zip(paths, before, strict=True)]
    if all(before[1:]):
        return paths[0], [MatchLine(path, score=score) for path, score in zip(paths[1:], before[1:], strict=True)]
    return "", []


def images_in(line: str) -> list[str]:
    """Return the names of the images in the line."""
    text = unwrapped(line)
    names = ends(text)[:MOST_NAMES]
    return [cleaned(text[begin:end]) for begin, end in zip(_begins(text, names), names, strict=True)]


def _begins(text: str, names: list[int]) -> list[int]:
    return [start(text, end, floor) for end, floor in zip(names, [0, *names], strict=False)]


def scores_in(line: str) -> list[Score]:
    """Return the scores of a line that lists them and nothing else but a few words: "Scores: [0.93, 0.91]"."""
    text = line[:1_000]
    found = [match for match in _NUMBERS.finditer(text) if match["percent"] or _DECIMALS.search(match["number"])]
    return [score_of(match) for match in found] if len(_WORD.findall(text)) <= MOST_WORDS_AROUND else []


def _decimal(gap: str) -> Score | None:
    """Return the first number in a gap that is not a rank."""
    for match in re.finditer(NUMBER, gap[:200], re.IGNORECASE):
        if match["percent"] or re.search(r"[.,]\d|n", match["number"], re.IGNORECASE):
            return score_of(match)
    return None
