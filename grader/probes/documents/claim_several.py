"""Tells whether a sentence speaks of one among several: run 3, Model A, our second network, epoch 10 of 60."""

from __future__ import annotations

import re

from grader.probes.documents.claim_tokens import Token
from grader.probes.documents.claim_words import (
    DURATIONS,
    EPOCHS,
    MANY,
    NETWORKS,
    ONE_OF_SEVERAL,
    ORDINALS,
    REPEATED,
    SPELT,
)

LONG_TRAINING = 20  # epochs: who trained for fewer may have gone on
_EPOCH_OF_CHINESE = re.compile(r"第\s?[\d一二三四五六七八九十]{1,5}\s?(?:轮|代|个?\s?epoch)")
_EPOCHS_OF_CHINESE = re.compile(r"(\d{1,4})\s?(?:个?轮|代|个\s?epoch)")
_HOURS_OF_CHINESE = re.compile(r"训练了?\s?(?:[\d.]{1,6}|[一二三四五六七八九十两半几]{1,3})\s?个?半?(?:小时|分钟|天)")
_DURING = frozenset({"for", "after", "within", "in"})
_BREAKS = frozenset({",", "(", "and", ":"})
_JOINED = ONE_OF_SEVERAL - {"net", "cnn"}  # run-3, model2
_ON_THE_WAY = frozenset({"after", "at", "of", "from", "in", "by", "until"})


def of_several(found: list[Token], above: bool = False) -> bool:
    """Return whether one of several is numbered or lettered: run 3, Model A, five seeds."""
    for at, token in enumerate(found[:-1]):
        word = token.text.lower()
        if not above and (word in MANY or (word.rstrip("-0123456789") in _JOINED and token.kind == "name")):
            return True
        if word not in ONE_OF_SEVERAL or (above and word not in REPEATED):
            continue
        after = found[at + 1 : at + 4]
        while after and (after[0].kind in ("dash", "quote", "list") or after[0].text.lower() in ("no", "no.", "nr")):
            after = after[1:]
        if after and after[0].kind == "colon" and word not in NETWORKS:
            after = after[1:]
        progress = bool(after) and after[0].kind == "count" and word in REPEATED - NETWORKS
        if after and (progress or _numbers(after[0], after[1:2])):
            return True
    return False


def _numbers(token: Token, after: list[Token]) -> bool:
    """Return whether it is the number, or the letter, of one among several."""
    whole = token.kind == "number" or (token.kind == "count" and "/" not in token.text)
    letter = len(token.text) == 1 and token.text.isupper() and token.text.isascii() and token.text != "I"
    return (whole and not (after and after[0].kind == "unit")) or letter or token.text.lower() in SPELT


def counted(found: list[Token]) -> bool:
    """Return whether something is counted: the second run, our 3rd network."""
    return any(
        token.text.lower() in ORDINALS
        or (token.text.lower() in ("st", "nd", "rd", "th") and at > 0 and found[at - 1].end == token.start)
        for at, token in enumerate(found)
    )


def early(sentence: str, found: list[Token], printed: bool) -> bool:
    """Return whether the training went on after the figure, or may have.

    A log has a line for every epoch, and the last of them counts: there, "epoch 12" by itself says nothing.
    """
    if not printed and _cut_short(sentence, found):
        return True
    at_an_epoch = any(_numbered_epoch(found, at, printed) for at, token in enumerate(found) if _is_epoch(token))
    if printed or at_an_epoch:
        return at_an_epoch
    before = [found[at - 1] for at, token in enumerate(found) if at and _is_epoch(token)]
    lengths = {int(float(token.text)) for token in before if token.kind == "number"}
    lengths |= {int(one[1]) for one in _EPOCHS_OF_CHINESE.finditer(sentence)}
    vague = any(token.text.lower() in (*SPELT, "few", "some") or token.kind == "count" for token in before)
    short = bool(lengths) and max(lengths) < LONG_TRAINING
    return vague or short or len(lengths) > 1 or _EPOCH_OF_CHINESE.search(sentence) is not None


def _cut_short(sentence: str, found: list[Token]) -> bool:
    """Return whether the training was as long as the clock allowed: "trained for an hour", "after 30 minutes"."""
    if any(_is_epoch(token) for token in found):
        return False  # their number tells how long it was
    if _HOURS_OF_CHINESE.search(sentence):
        return True
    for at, token in enumerate(found):
        words = [one.text.lower() for one in found[max(0, at - 5) : at]]
        start = max((n for n, word in enumerate(words) if word in _DURING), default=-1)
        if token.text.lower() in DURATIONS and start >= 0 and not _BREAKS & set(words[start:]):
            return True
    return False


def _is_epoch(token: Token) -> bool:
    return token.text.lower() in EPOCHS and token.text.isascii()


def _numbered_epoch(found: list[Token], at: int, printed: bool) -> bool:
    """Return whether it is "epoch 12" of a text, or "after epoch 12" of a log."""
    after = found[at + 1 : at + 2]
    if not after or not (after[0].kind in ("number", "count", "list", "colon") or after[0].text.lower() in SPELT):
        return False
    if after[0].kind == "count" and "/" in after[0].text:
        done, whole = (int(part.replace(",", "")) for part in after[0].text.split("/"))
        if 2 * done < whole:
            return True
    return not printed or any(token.text.lower() in _ON_THE_WAY for token in found[max(0, at - 2) : at])
