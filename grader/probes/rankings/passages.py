"""Leaves out the lines of a document that are no ranking: program code, directory trees, tables of other things."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grader.probes.rankings.asides import asides
from grader.probes.rankings.cells import barred
from grader.probes.rankings.match_lines import SCORE_WORD
from grader.probes.rankings.paths import ENDING, ends
from grader.probes.rankings.purposes import EXAMPLE, purpose_of, quantity_in
from grader.probes.rankings.tables import columns_of

Numbered = tuple[int, str]  # line of the document, its text without colours and full-width signs
CODE, TREE, TABLE = "ranking_in_code", "ranking_in_tree", "ranking_in_table"
LONGEST = 300  # characters of a line that are looked at: what stands behind decides nothing
MOST_BETWEEN = 3  # lines between two lines of code that belong to the code as well
MOST_SKIPPED = 50  # numbers of lines that a listing leaves out at once
LEAST_LISTED = 5  # lines with rising numbers: fewer may be ranks
PROGRAMS = ("py", "python", "python3", "ipython", "c", "cpp", "java", "js", "matlab", "bash", "sh", "shell", "diff")

_FENCE = re.compile(r"\s{0,12}(?:```|~~~)\s{0,3}\{?\.?([\w+]{0,20})|\\(?:begin|end)\{(?:lstlisting|minted)\}")
_PROMPT = re.compile(r"\s{0,12}(?:>>>|\.\.\.|In ?\[\d{1,4}\]:)\s?")
_CALLED = r"[A-Za-z_][\w.]{0,80}"
_CODE = re.compile(
    r"\s{0,60}(?:(?:from\s+[\w.]+\s+)?import\s+[\w.*]+|def\s+\w+\s?\(|class\s+\w+\s?[(:]|(?:else|try|finally)\s?:|"
    r"for\s+\w+(?:\s?,\s?\w+){0,5}\s+in\s+[\w.]+\s?[(\[.:]|(?:el)?if\s+[^:]{1,120}:\s*$|while\s+[^:]{1,80}:\s*$|"
    r"except\b[^:]{0,80}:|with\s+[\w.]+\(.{0,120}\s+as\s+\w+:|(?:return|yield|raise|assert|del)\s+[\w.]+[\[(.,]|"
    r"print\s?\(|@[\w.]+(?:\(.{0,80})?$|(?:\w+\.){1,5}\w+\((?![\d.]+\))|#include|"
    rf"{_CALLED}(?:\[[^\]=]{{0,60}}\]){{0,3}}(?:\s?,\s?{_CALLED}){{0,5}}\s?(?:[-+*/@|]|//)?=(?!=)\s?"
    rf"(?:{_CALLED}\s?[(\[]|[\[({{]|not\s|lambda\b|[\w.]+\s(?:@|\*|\+|//?|-)\s[\w(]|[rbf]?(['\"])[^'\"]{{0,200}}\1\s*$))"
)
_TREE = re.compile(r"[\s│|]{0,60}(?:[├└╠╚]|\|--|\+---|\\---|`--)|[\s]{0,40}│\s")
_LISTED = re.compile(r"\s{0,8}(\d{1,5})(?:[:|.)]\s?|\s{1,8})(?=\S)")

_STRONG = re.compile(
    r"epoch|(?<![a-z])loss|predict|(?<![a-z])pred(?![a-z])|ground.?truth|true.?(?:class|label)|轮次|轮数|损失|预测|真实",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(?<![a-z])(?:lr|rate|params?|parameters|flops|size|width|height|acc(?:uracy)?|recall|f1|psnr|ssim|time|seconds?|"
    r"speed|memory|step|iter(?:ation)?s?|batch|checkpoint|weights|count|bytes|date|author)(?![a-z])|"
    r"学习率|参数|准确率|精度|耗时|时间|大小|宽|高|步|数量",
    re.IGNORECASE,
)
_SCORED = re.compile(SCORE_WORD, re.IGNORECASE)
_QUERY = re.compile(r"query|target|查询|待检索|检索图", re.IGNORECASE)
_RANKED = re.compile(
    r"query|target|simil|match|rank|top|neighb|nearest|retriev|score|dist|cos|查询|检索|相似|匹配|排名|得分|距离",
    re.IGNORECASE,
)


class LeftOut(NamedTuple):
    """A line that was not read as part of a ranking; `why` is a code of evidence.wording."""

    line: int
    text: str
    why: str


def passages(lines: Sequence[Numbered]) -> tuple[list[Numbered], list[LeftOut]]:
    """Return the lines that may belong to a ranking, without the numbers of a listing; the others are empty."""
    texts, listings = _without_numbers([text for _, text in lines])
    why: list[str] = [""] * len(texts)
    code = [bool(_CODE.match(_PROMPT.sub("", text[:LONGEST], count=1))) or _prompted(text) for text in texts]
    for begin, end in (*_fenced(texts, code), *_between(code), *_coded(listings, code)):
        why[begin:end] = [CODE] * (end - begin)
    for place, text in enumerate(texts):
        why[place] = CODE if code[place] else why[place] or (TREE if _TREE.match(text[:LONGEST]) else "")
    for begin, end in _other_tables(texts):
        why[begin:end] = [reason or TABLE for reason in why[begin:end]]
    for begin, end, aside in asides(["" if reason else text for text, reason in zip(texts, why, strict=True)]):
        why[begin:end] = [reason or aside for reason in why[begin:end]]
    kept = [(number, "" if reason else text) for (number, _), text, reason in zip(lines, texts, why, strict=True)]
    out = [LeftOut(line[0], line[1], reason) for line, reason in zip(lines, why, strict=True) if reason]
    return kept, out


def _prompted(text: str) -> bool:
    """Return whether Python's prompt stands before an expression, and not just before a name of an image."""
    bare = text[:LONGEST].strip()
    return bare.startswith(">>>") and (not ends(bare) or any(sign in bare for sign in "(=[{"))


# --- code ------------------------------------------------------------------------------------------------------


def _fenced(texts: Sequence[str], code: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield fences that are marked as a program and hold at least one line of one; a printed log is none."""
    begin, program = -1, False
    for place, text in enumerate(texts):
        fence = _FENCE.match(text[:LONGEST])
        if fence is None:
            continue
        if begin < 0:
            begin, program = place, fence[1] is None or fence[1].casefold() in PROGRAMS
            continue
        if program and any(code[begin:place]):
            yield begin, place + 1
        begin = -1


def _between(code: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the few lines between two lines of code: comments, closing brackets, the rest of a call."""
    last = -1
    for place, is_code in enumerate(code):
        if is_code:
            if last >= 0 and 1 < place - last <= MOST_BETWEEN + 1:
                yield last + 1, place
            last = place


def _coded(listings: Sequence[tuple[int, int]], code: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield listings in which at least every third line is code."""
    for begin, end in listings:
        if 3 * sum(code[begin:end]) >= end - begin:
            yield begin, end


def _without_numbers(texts: list[str]) -> tuple[list[str], list[tuple[int, int]]]:
    """Remove the line numbers of listings: numbers that rise through headings and matches alike, as ranks do not."""
    texts, found = texts.copy(), []
    rising: list[int] = []  # places of numbered lines
    last = 0
    for place, text in enumerate([*texts, ""]):
        listed = _LISTED.match(text[:LONGEST])
        number = int(listed[1]) if listed else -1
        if listed and (not rising or last < number <= last + MOST_SKIPPED):
            rising.append(place)
        elif text.strip() or place == len(texts):
            if _is_listing([texts[at] for at in rising]):
                found.append((rising[0], rising[-1] + 1))
                for at in rising:
                    texts[at] = _unlisted(texts[at])
            rising = [place] if listed else []
        last = number if listed else last
    return texts, found


def _is_listing(lines: Sequence[str]) -> bool:
    """Return whether some of the numbered lines are no matches: with its ranks, a ranking has only matches."""
    bare = [_unlisted(line) for line in lines]
    plain = sum(not ENDING.search(text) and not re.search(r"\d[.,]\d", text) for text in bare)
    return len(lines) >= LEAST_LISTED and (plain >= 2 or sum(map(_numbered_again, bare)) * 2 > len(bare))


def _numbered_again(text: str) -> bool:
    return bool(re.match(r"\s{0,8}(?:top|rank|第)?\s?\d{1,3}(?:[\s)名:]|\.\s)", text, re.IGNORECASE))


def _unlisted(text: str) -> str:
    listed = _LISTED.match(text[:LONGEST])
    return text[listed.end() :] if listed else text


# --- tables ----------------------------------------------------------------------------------------------------


def _other_tables(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield tables whose headings say that they hold something else."""
    begin, mark = -1, ""
    for place, text in enumerate([*texts, ""]):
        if begin >= 0 and (mark not in text or not text.strip()):
            yield begin, place
            begin = -1
        if begin < 0 and (found := _other_heading(text)):
            begin, mark = place, found
        elif begin >= 0 and mark != "|" and ends(text) and _QUERY.search(text):
            begin = -1


def _other_heading(text: str) -> str:
    """Return the sign between the columns if the line is the heading of a table of other things; else ""."""
    if len(text) > 600 or re.search(r"\d[.,]\d", text) or ends(text):
        return ""
    bars = text.count("|") + text.count("│")
    mark = "|" if bars >= 2 else next((sign for sign in "\t," if text.count(sign) >= 2), "")
    cells = barred(text) if mark == "|" else text.split(mark) if mark else []
    if not 2 <= len(cells) <= 30 or any(len(cell) > 30 for cell in cells):
        return ""
    titles = " | ".join(cells)
    strong = _STRONG.search(titles) and not _QUERY.search(titles)
    if strong or (_OTHER.search(titles) and not _RANKED.search(titles)):
        return mark
    return mark if columns_of(cells) is None and _sets_apart(cells) else ""


def _sets_apart(titles: Sequence[str]) -> bool:
    """Return whether the titles speak of a quantity and of no score, or of a baseline or the least similar."""
    scored = any(_SCORED.search(title) for title in titles)
    return any((quantity_in(title) and not scored) or purpose_of(title) not in ("", EXAMPLE) for title in titles)
