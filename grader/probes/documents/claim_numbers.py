"""Tells what each number of a sentence is: an accuracy stated with its count, an epoch, a rate, a difference, a range."""

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
    return _bound(_differences(found))


def _amounts(found: list[Token]) -> list[Token]:
    """Name what is counted (30 epochs, Table 2), and how many images something was measured on."""
    out = list(found)
    for at, token in enumerate(found):
        before = found[at - 1].kind if at else ""
        after = found[at + 1 : at + 4]
        bare = token.kind in ("figure", "number") and not token.percent
        if not bare:
            continue
        elif token.kind == "number" and _of_images(after):
            out[at] = replace(token, kind=_images(token))
        elif token.kind == "number" and after and after[0].text.lower() in ("class", "classes", "category", "类"):
            out[at], out[at + 1] = (replace(one, kind="whole" if token.text == "10" else "class") for one in found[at : at + 2])
        elif after and (after[0].kind == "unit" or _attached(token, after[0])) or _counted(found, at):
            out[at] = replace(token, kind="amount")
        elif 1 < float(token.text.replace(",", ".")) <= 100 and any(one.kind == "in percent" for one in found[max(0, at - 5) : at]):
            share = float(token.text.replace(",", ".")) / 100.0
            out[at] = replace(token, kind="figure", share=share, percent=True, decimals=token.decimals or 2)
    return out


def _attached(token: Token, after: Token) -> bool:
    return after.start == token.end and after.text.isascii() and after.text.isalpha()


def _counted(found: list[Token], at: int) -> bool:
    """Return whether the number only numbers something: epoch 17, seed = 3, Table 2."""
    before = found[max(0, at - 2) : at]
    while before and before[-1].kind in ("colon", "dash", "list", "quote"):
        before = before[:-1]
    return bool(before) and before[-1].text.lower() in NUMBERED


def _of_images(after: list[Token]) -> bool:
    words = [token for token in after if token.kind not in ("unit", "quote")]
    if not words:
        return False
    return words[0].kind == "set" or (words[0].kind in ("test", "validation", "train") and (len(words) == 1 or words[1].kind == "set" or "图" in words[0].text or "样" in words[0].text))


def _images(token: Token) -> str:
    number = float(token.text.replace(",", ""))
    if number == TEST_IMAGES:
        return "all images"
    return "amount" if number >= 40_000 or number == 10 else "part"


def _spreads(found: list[Token]) -> list[Token]:
    """Join 84.5 ± 0.3 %."""
    out: list[Token] = []
    for token in found:
        if len(out) > 1 and out[-1].kind == "spread" and out[-2].kind in ("figure", "number") and token.kind in ("figure", "number", "impossible"):
            first = out[-2]
            out[-2:] = [replace(first, end=token.end, percent=first.percent or "%" in token.text)]
        else:
            out.append(token)
    return out


def _counts(found: list[Token]) -> list[Token]:
    """Join a percentage and the count beside it: the count is more exact, or it is a count of other images."""
    out: list[Token] = []
    for token in found:
        if token.kind == "count" and out and out[-1].kind in ("unit", "list"):
            token = replace(token, kind="amount")  # noqa: PLW2901
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
    out = list(found)
    for at, token in enumerate(found):
        if token.kind not in ("figure", "number", "impossible"):
            continue
        before = found[at - 1].kind if at else ""
        earlier = found[at - 2].kind if at > 1 else ""
        after = found[at + 1] if at + 1 < len(found) else None
        signed = before == "plus" or (before == "dash" and earlier in ("open", "than") and found[at - 1].end == token.start)
        if signed or (after and ("point" in after.text.lower() or "点" in after.text or after.kind == "plus")):
            out[at] = replace(token, kind="difference")
        elif before == "by":
            out[at] = replace(token, kind="difference")
        elif before == "arrow" and earlier in ("figure", "number"):
            out[at - 2] = replace(found[at - 2], kind="past")
        elif before == "to" and earlier in ("figure", "number") and found[at - 1].text in ("to", "到", "至"):
            if not _kinds_before(found, at - 2) & {"from", "change"}:
                out[at - 2], out[at] = replace(found[at - 2], kind="range"), replace(token, kind="range")
        elif before in ("dash", "about") and earlier in ("figure", "number") and (token.kind == "figure" or found[at - 2].kind == "figure"):
            if found[at - 1].text != ":" and _range(found[at - 2], token):
                out[at - 2], out[at] = replace(found[at - 2], kind="range"), replace(token, kind="range")
        elif before == "list" and after and after.kind == "comma":
            out[at] = replace(token, kind="range")
    return out


def _kinds_before(found: list[Token], at: int) -> set[str]:
    return {token.kind for token in found[max(0, at - 8) : at]}


def _range(low: Token, high: Token) -> bool:
    return low.kind == "number" or high.kind == "number" or low.percent or not high.percent


def _bound(found: list[Token]) -> list[Token]:
    """Name the numbers that belong to another measure: loss 0.35, 25 % dropout."""
    out = list(found)
    for at, token in enumerate(found):
        if token.kind not in ("figure", "number"):
            continue
        left = at - 1
        while left >= 0 and found[left].kind in _LOOSE:
            left -= 1
        after = found[at + 1] if at + 1 < len(found) else None
        if left >= 0 and found[left].kind in ("metric", "setting"):
            out[at] = replace(token, kind="amount")
            out[left] = replace(found[left], kind="used")
        elif after and after.kind in ("metric", "setting") and token.percent and not (left >= 0 and found[left].kind == "accuracy"):
            out[at], out[at + 1] = replace(token, kind="amount"), replace(after, kind="used")
    return out
