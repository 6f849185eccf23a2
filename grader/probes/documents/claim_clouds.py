"""Tells which lines of a document stand below one that leaves open what network they speak of."""

from __future__ import annotations

import re

from grader.probes.documents.claim_conditions import conditional
from grader.probes.documents.claim_several import of_several
from grader.probes.documents.claim_tokens import tokens
from grader.probes.documents.claim_words import FAMILIES, FROM_NOW_ON, TESTS, WITH

LONGEST_TITLE = 80  # characters
_HEADING = re.compile(
    r"ablation|robust|noise|attack|adversar|prun|quanti|baseline|attempt|pre-?trained|transfer|without|"
    r"消融|鲁棒|噪声|攻击|剪枝|量化|基线|尝试|预训练",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s{0,12}(?:[-*+•|]|\d{1,3}[.)])")
_NEGATIONS = frozenset({"false", "none", "no", "not", "0"})


def clouded_lines(lines: list[str], printed: bool) -> frozenset[int]:
    """Return the lines that stand below one which leaves open what network they speak of.

    Of a program's output that is all that follows "Loading pretrained ResNet18"; of a report what stands under a
    heading such as "Robustness to noise", or under a line such as "With dropout off:".
    """
    if printed:
        first = next((at for at, line in enumerate(lines) if _foreshadows(line)), len(lines))
        return frozenset(range(first + 1, len(lines)))
    clouded: set[int] = set()
    section = paragraph = False
    for at, line in enumerate(lines):
        following = lines[at + 1].strip() if at + 1 < len(lines) else ""
        if line.lstrip().startswith("#"):
            section, paragraph = _HEADING.search(line) is not None, False
        elif not line.strip():
            paragraph = paragraph and _opens(lines[at - 1], "")
        elif _opens(line, following):
            paragraph = conditional(line, tokens(line), printed)
        if section or paragraph:
            clouded.add(at)
    return frozenset(clouded)


def _opens(line: str, following: str) -> bool:
    """Return whether a line is a title of those below it."""
    text = line.rstrip()
    if (
        not text
        or len(text) > LONGEST_TITLE
        or _BULLET.match(text)
        or any(one.kind == "accuracy" for one in tokens(text))
    ):
        return False
    return text.endswith((":", "：")) or (
        text[-1] not in ".。,，;；!?" and (not following or bool(_BULLET.match(following)))
    )


def _foreshadows(line: str) -> bool:
    """Return whether a printed line makes those below it doubtful; "pretrained: False" does not."""
    found = tokens(line)
    texts = [token.text.lower() for token in found]
    for at, text in enumerate(texts):
        negated = bool(_NEGATIONS & set(texts[max(0, at - 1) : at + 3]))
        if (text in FROM_NOW_ON or text.startswith(FAMILIES)) and not negated:
            return True
    if any(token.kind == "accuracy" for token in found):
        return False
    return of_several(found, above=True) or _changed_test(texts)


def _changed_test(texts: list[str]) -> bool:
    """Return whether a test is announced that differs from others: "Testing with dropout enabled"."""
    at = next((n for n, text in enumerate(texts) if text in WITH), len(texts))
    plain = {"10000", "all", "final", "best", "test", "batch"} & set(texts[at : at + 4])
    early = "checkpoint" in texts and "epoch" in texts
    return texts[:1] != [] and texts[0] in TESTS and (early or (at < len(texts) - 1 and not plain))
