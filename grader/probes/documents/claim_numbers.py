"""Tells what each number of a sentence is: perhaps an accuracy, or an epoch, a rate, a difference, a range."""

from __future__ import annotations

from dataclasses import replace

from grader.probes.documents.claim_tokens import TEST_IMAGES, Token
from grader.probes.documents.claim_words import NUMBERED

_MARKS = frozenset({"open", "close", "comma", "colon", "dash", "slash", "quote", "list", "pipe"})
_LOOSE = frozenset({"link", "colon", "about", "quote", "dash", "final", "open", "slash", "in percent"})
_COUNTS = ("figure", "count")
AGREES = 0.0101  # "84 %" beside 8377 of 10000: some print whole percents, rounded or cut off


def numbered(found: list[Token]) -> list[Token]:
    """Return the tokens with every number named for what it is; a figure that stays one may be an accuracy."""
    found = _amounts(found)
    found = _counts(_spreads(found))
    return _parts(_bound(_differences(found)))


def _parts(found: list[Token]) -> list[Token]:
    """Name the percentages of the data: 10 % of the training set."""
    out = list(found)
    for at, token in enumerate(found):
        after = [one for one in found[at + 1 : at + 6] if one.text.lower() not in ("the", "all", "whole")]
        if token.kind != "figure" or len(after) < 2 or after[0].text.lower() not in ("of", "的"):
            continue
        measured = after[0].text == "of" and any(one.kind == "accuracy" for one in found[at + 1 :])
        if after[1].kind == "train" or (after[1].kind == "set" and not measured):
            out[at] = replace(token, kind="part")
    return out


def _amounts(found: list[Token]) -> list[Token]:
    """Name what is counted (30 epochs, Table 2), and how many images something was measured on."""
    out = list(found)
    for at, token in enumerate(found):
        after = found[at + 1 : at + 4]
        if token.percent or token.kind not in ("figure", "number"):
            continue
        if token.kind == "number" and _of_images(after):
            out[at] = replace(token, kind=_images(token))
        elif token.kind == "number" and after and after[0].text.lower() in ("class", "classes", "category", "类"):
            kind = "whole" if token.text == "10" else "class"
            out[at], out[at + 1] = replace(token, kind=kind), replace(after[0], kind=kind)
        elif _unit(token, after) or _counted(found, at):
            out[at] = replace(token, kind="amount")
        elif any(one.kind == "in percent" for one in found[max(0, at - 5) : at]):
            out[at] = _in_percent(token)
    return out


def _in_percent(token: Token) -> Token:
    if token.percent:
        return token
    value = float(token.text.replace(",", "."))
    if not 1.0 < value <= 100.0:
        return token
    return replace(token, kind="figure", share=value / 100.0, percent=True, decimals=token.decimals or 2)


def _unit(token: Token, after: list[Token]) -> bool:
    """Return whether a unit follows: "30 epochs", "0.27 M"; but not the next label of a record: "0.27 epoch=30"."""
    if not after:
        return False
    attached = after[0].start == token.end and after[0].text.isascii() and after[0].text.isalpha()
    return attached or (after[0].kind == "unit" and (len(after) < 2 or after[1].kind != "colon"))


def _counted(found: list[Token], at: int) -> bool:
    """Return whether the number only numbers something: epoch 17, seed = 3, Table 2."""
    before = found[max(0, at - 2) : at]
    while before and before[-1].kind in ("colon", "dash", "list", "quote"):
        before = before[:-1]
    return bool(before) and before[-1].text.lower() in NUMBERED


def _of_images(after: list[Token]) -> bool:
    words = [token for token in after if token.kind not in ("unit", "quote", "known")]
    if not words:
        return False
    return words[0].kind == "set" or (
        words[0].kind in ("test", "validation", "train")
        and (len(words) == 1 or words[1].kind == "set" or "图" in words[0].text or "样" in words[0].text)
    )


def _images(token: Token) -> str:
    number = float(token.text.replace(",", ""))
    if number == TEST_IMAGES:
        return "all images"
    return "amount" if number >= 40_000 or number == 10 else "part"


def _spreads(found: list[Token]) -> list[Token]:
    """Join 84.5 ± 0.3 %."""
    out: list[Token] = []
    for token in found:
        spread = len(out) > 1 and out[-1].kind == "spread" and out[-2].kind in ("figure", "number")
        if spread and token.kind in ("figure", "number", "impossible"):
            out[-2:] = [_in_percent(out[-2]) if "%" in token.text else out[-2]]
        else:
            out.append(token)
    return out


def _counts(found: list[Token]) -> list[Token]:
    """Join a percentage and the count beside it: the count is more exact, or it is a count of other images."""
    out: list[Token] = []
    for token in found:
        if token.whole and out and out[-1].kind in ("unit", "list"):  # a progress: [1000/10000], epoch 3/20
            begun = token.kind == "figure" and token.share < 1.0
            token = replace(token, kind="part" if begun else "amount", whole=0)  # noqa: PLW2901
        at = len(out) - 1
        while at >= 0 and len(out) - at <= 3 and out[at].kind in _MARKS:
            at -= 1
        other = out[at] if at >= 0 else None
        if other is None or token.kind not in _COUNTS or other.kind not in _COUNTS or not (token.whole or other.whole):
            out.append(token)
            continue
        out[at:] = [_joined(other, token)]
    # 79/79 beside no percentage is a progress; "912 of the 1,000" is not
    return [replace(one, kind="amount") if one.kind == "count" and "/" in one.text else one for one in out]


def _joined(one: Token, other: Token) -> Token:
    exact = one if one.whole else other
    both = replace(exact, start=one.start, end=other.end)
    if exact.kind == "count":
        return replace(both, kind="partial")
    return both if abs(one.share - other.share) <= AGREES else replace(both, kind="impossible")


def _differences(found: list[Token]) -> list[Token]:
    """Name differences (+2.3 %, by 4 %), what an accuracy rose from (72 % -> 84 %), and ranges (80-85 %)."""
    out = list(found)
    for at, token in enumerate(found):
        if token.kind not in ("figure", "number", "impossible"):
            continue
        before, earlier = found[max(0, at - 1) : at], found[max(0, at - 2) : max(0, at - 1)]
        first = earlier[0] if earlier and earlier[0].kind in ("figure", "number") else None
        if _signed(found, at) or (before and before[0].kind == "by"):
            out[at] = replace(token, kind="difference")
        elif first and before[0].kind == "arrow":
            out[at - 2] = replace(first, kind="past")
        elif (first and _range(found, at)) or _listed(found, at):
            out[at] = replace(token, kind="range")
            if first:
                out[at - 2] = replace(first, kind="range")
    return out


def _signed(found: list[Token], at: int) -> bool:
    """Return whether the number has a sign before it, or points or a plus behind it."""
    after = found[at + 1 : at + 2]
    if after and (after[0].text.lower().startswith(("point", "点")) or after[0].kind == "plus"):
        return True
    if not at or found[at - 1].end != found[at].start:
        return False
    return found[at - 1].kind == "plus" or (found[at - 1].kind == "dash" and at > 1 and found[at - 2].kind == "open")


def _range(found: list[Token], at: int) -> bool:
    low, mark, high = found[at - 2 : at + 1]
    if mark.kind == "to":
        return mark.text in ("to", "到", "至") and not _kinds_before(found, at - 2) & {"from", "change"}
    if mark.kind not in ("dash", "about") or "figure" not in (low.kind, high.kind):
        return False
    return low.kind == "number" or high.kind == "number" or low.percent or not high.percent


def _listed(found: list[Token], at: int) -> bool:
    """Return whether the number begins a list in brackets."""
    after = found[at + 1 : at + 2]
    return at > 0 and found[at - 1].kind == "list" and bool(after) and after[0].kind == "comma"


def _kinds_before(found: list[Token], at: int) -> set[str]:
    return {token.kind for token in found[max(0, at - 8) : at]}


def _bound(found: list[Token]) -> list[Token]:
    """Name the numbers that belong to another measure: loss 0.35, 25 % dropout."""
    out = list(found)
    for at, token in enumerate(found):
        if token.kind == "metric" and [one.kind for one in found[at + 1 : at + 3]] == ["colon", "accuracy"]:
            out[at] = replace(token, kind="used")  # a heading, "Test error: accuracy 65 %"
        if token.kind not in ("figure", "number"):
            continue
        left = at - 1
        while left >= 0 and found[left].kind in _LOOSE:
            left -= 1
        after = found[at + 1] if at + 1 < len(found) else None
        if left >= 0 and found[left].kind in ("metric", "setting"):
            out[at] = replace(token, kind="amount")
            out[left] = replace(found[left], kind="used")
        elif (
            after
            and after.kind in ("metric", "setting")
            and token.percent
            and not (left >= 0 and found[left].kind == "accuracy")
        ):
            out[at], out[at + 1] = replace(token, kind="amount"), replace(after, kind="used")
    return out
