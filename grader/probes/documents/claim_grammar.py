"""Reads a sentence: whose network, measured on what, over which classes, how much.

A sentence is a row of clauses. A clause that states a figure takes what it does not say itself from the clauses before
it: "on the test set, the accuracy is 84 %". Whatever makes it doubtful that the student's own network, the whole test
set and all classes are meant either drops the claim or leaves it without certainty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from grader.probes.documents.claim_clauses import (
    DOUBTS,
    DROPS,
    SETS,
    Found,
    Said,
    after_clause,
    asserted,
    kinds_of,
    of_clause,
    same,
)
from grader.probes.documents.claim_conditions import conditional
from grader.probes.documents.claim_numbers import numbered
from grader.probes.documents.claim_tokens import Token, tokens
from grader.probes.documents.claim_words import WORTH_READING

DEEPEST = 3  # brackets in brackets
MOST_FOUND = 50
_WORTH_READING = re.compile(rf"(?=.*\d)(?:.*?)(?:{WORTH_READING})", re.IGNORECASE)
_QUESTION = re.compile(r"[?？]\s*$|吗\s*$")
_SPLITS = frozenset({"comma", "and", "pipe", "slash"})


def read_sentence(sentence: str, printed: bool = False) -> list[Found]:
    """Return the accuracies that a sentence claims for the student's own network on the whole test set.

    Before a label that a program printed anything may stand; a person who wrote words that are not known may have meant
    another network.
    """
    if not _WORTH_READING.match(sentence) or _QUESTION.search(sentence):
        return []
    raw = tokens(sentence)
    found = _sides(numbered(roles(raw)))
    kinds = {token.kind for token in found}
    if kinds & {"if", "retrieval", "elsewhere"} or "figure" not in kinds:
        return []
    if (claims := _coordinated(found)) is None:
        claims = _agreed(list(_in_clauses(found if printed else _generic(found), printed)))
    compared = not printed and _compared(claims, kinds)
    if any(one.certain for one in claims) and (compared or conditional(sentence, raw, printed)):
        return [replace(one, certain=False) for one in claims]
    return claims


def _compared(claims: list[Found], kinds: set[str]) -> bool:
    """Return whether a figure stands beside another that may be of the same kind: "with it 87 %, without it 84 %"."""
    certain = [one for one in claims if one.certain]
    others = [one for one in claims if not one.certain and not any(same(one, other) for other in certain)]
    return bool(others) and not kinds & {"own", "other", "final", "train"} and not any(one.final for one in certain)


def of_others(before: str, sentence: str) -> bool:
    """Return whether the sentence before speaks of somebody else's network, and this one does not turn to the own."""
    if not _WORTH_READING.match(sentence):
        return False
    kinds = kinds_of(tokens(before))
    return bool(kinds & {"other", "elsewhere"}) and "own" not in kinds | kinds_of(tokens(sentence))


def roles(found: list[Token]) -> list[Token]:
    """Decide whether "training" names the set of images or the work: "training accuracy", "after training"."""
    out = list(found)
    for at, token in enumerate(found):
        before = found[at - 1].kind if at else ""
        work = token.kind == "train" and not _names_a_set(found, at)
        if work or (token.text == "图" and before not in (*SETS, "unit")):
            out[at] = replace(token, kind="known")
    return out


def _names_a_set(found: list[Token], at: int) -> bool:
    after = [token for token in found[at + 1 : at + 4] if token.kind not in ("dash", "quote")]
    if found[at].text.lower() not in ("train", "training", "训练") or not after:
        return found[at].text.lower() not in ("train", "training", "训练")
    if after[0].kind in ("and", "slash", "comma"):
        return len(after) > 1 and after[1].kind in ("test", "validation")
    before = found[at - 1] if at else None
    if before and before.kind in ("and", "slash") and at > 1 and found[at - 2].kind in ("test", "validation"):
        return True
    return after[0].kind in ("accuracy", "set", "metric", "colon", "figure", "number", "final", "pipe") or (
        before is not None and before.text.lower() in ("on", "在")
    )


def _sides(found: list[Token]) -> list[Token]:
    """Leave out what stands in brackets and states nothing: (top-1), (after 30 epochs); open (84.5 %) itself."""
    out: list[Token] = []
    opened: list[int] = []
    for token in found:
        if token.kind == "open" and len(opened) < DEEPEST:
            opened.append(len(out))
        elif token.kind == "close" and opened:
            start = opened.pop()
            inside = out[start + 1 :]
            kinds = {one.kind for one in inside}
            if "figure" not in kinds and not kinds & {"range", "impossible", "partial"}:
                out[start:] = [one for one in inside if one.kind in _HARM]
                continue
            if kinds <= {"figure", "about", "quote", "number", "dash"}:
                out[start:] = inside
                continue
            out[start] = replace(out[start], kind="comma")
            token = replace(token, kind="comma")  # noqa: PLW2901
        out.append(token)
    return out


_HARM = DROPS | DOUBTS | {"if", "retrieval", "elsewhere", "in percent", "test", "validation", "train", "all images"}


def _coordinated(found: list[Token]) -> list[Found] | None:
    """Read "training and test accuracy are 95 % and 84 %" by its order; None for any other sentence."""
    sets = [at for at, token in enumerate(found) if token.kind in SETS]
    figures = [at for at, token in enumerate(found) if token.kind == "figure"]
    listed = any(token.kind == "respectively" for token in found) or any(
        _joins(found[one + 1 : other]) for one, other in pairwise(sets) if other < figures[0]
    )
    if not listed:
        return None
    names = [found[at].kind for at in sets if at < figures[0]] or [found[at].kind for at in sets]
    if (
        len(names) != len(figures)
        or len(set(names)) != len(names)
        or {token.kind for token in found} & (DROPS | {"range"})
    ):
        return []
    chosen = [found[at] for at, name in zip(figures, names, strict=True) if name == "test"]
    sure = not {token.kind for token in found} & {"doubt", "metric", "unknown"}
    return [Found(one.share, sure, one.start, one.end, one.decimals) for one in chosen]


def _joins(between: list[Token]) -> bool:
    kinds = [token.kind for token in between]
    return any(kind in _SPLITS for kind in kinds) and set(kinds) <= {
        *_SPLITS,
        "accuracy",
        "set",
        "known",
        "dash",
        "link",
    }


def _generic(found: list[Token]) -> list[Token]:
    """Mark what speaks of some network or of an epoch on the way: "a good network", "VGG", "at epoch 5"."""
    own = any(token.kind in ("own", "final") for token in found)
    out = list(found)
    for at, token in enumerate(found):
        text, after = token.text.lower(), found[at + 1 : at + 4]
        some = text in ("a", "an") and any(
            one.text.lower() in ("network", "model", "cnn", "net", "classifier") for one in after
        )
        named = token.kind == "name" and not text.startswith(("resnet", "cnn", "lenet", "net"))
        early = (
            text in ("at", "in", "by", "第") and len(after) > 1 and {after[0].kind, after[1].kind} >= {"unit", "amount"}
        )
        if (some or named or early) and not own:
            out[at] = replace(token, kind="doubt")
    return out


def _in_clauses(found: list[Token], printed: bool) -> Iterator[Found]:
    said, last, stated = Said(printed=printed), None, False
    names = {token.text.lower() for token in found if token.kind == "name"}
    several = len(names) > 1 and sum(token.kind == "figure" for token in found) > 1
    foreign = several or any(token.kind == "other" for token in found)
    for clause in _clauses(found):
        figures = [at for at, token in enumerate(clause) if token.kind == "figure" and not _past(clause, at)]
        if stated and _lone(clause) and len(figures) == 1:
            if last is None:
                continue
            yield replace(last, certain=False, final=False)
            figure = clause[figures[0]]
            yield Found(figure.share, False, figure.start, figure.end, figure.decimals)
            continue
        for one in of_clause(clause, figures, said):
            left = [token for token in clause if token.end <= one.start]
            loose = not _definite(left) and _unwelcome(found, one.end)
            last = replace(
                one,
                certain=one.certain
                and not loose
                and not (foreign and not (kinds_of(clause) & {"own"} and not several)),
            )
            yield last
        said = after_clause(said, clause, bool(figures))
        stated = stated or bool(figures)


def _definite(left: list[Token]) -> bool:
    return asserted(left) or any(token.kind == "own" or token.text.lower() == "the" for token in left)


def _unwelcome(found: list[Token], end: int) -> bool:
    """Return whether what follows takes it back: "a test accuracy of 90 %, the aim of this lab"."""
    return any(token.kind in ("goal", "not", "doubt", "other") for token in found if token.start >= end)


def _clauses(found: list[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    full = False
    for at, token in enumerate(found):
        ends = token.kind in ("comma", "and") or (token.kind in ("pipe", "slash", "colon", "dash") and full)
        if token.kind == "dash" and at and at + 1 < len(found) and found[at - 1].end == token.start:
            ends = False  # a hyphen
        if ends and clause:
            yield clause
            clause = [token] if token.kind == "and" else []
            full = False
        else:
            clause.append(token)
            full = full or token.kind == "figure"
    yield clause


def _lone(clause: list[Token]) -> bool:
    return kinds_of(clause) <= {"figure", "and", "about", "link", "quote", "number", "open", "close", "pipe"}


def _past(clause: list[Token], at: int) -> bool:
    """Return whether the figure is what the accuracy rose from."""
    for token in reversed(clause[:at]):
        if token.kind in ("from", "to", "by", "figure", "accuracy", "colon", "past"):
            return token.kind == "from"
    return False


def _agreed(found: list[Found]) -> list[Found]:
    """Join a figure that is written twice; of several that compete, none is certain but the best and the last."""
    joined: list[Found] = []
    for one in found[:MOST_FOUND]:
        twin = next((at for at, other in enumerate(joined) if same(one, other)), None)
        if twin is None:
            joined.append(one)
            continue
        other = joined[twin]
        exact = max(one, other, key=lambda claim: claim.decimals)
        joined[twin] = replace(exact, certain=one.certain or (other.certain and one.start != other.start))
    sure = [one for one in joined if one.certain]
    if len(sure) < 2:
        return joined
    last = [one for one in sure if one.final]
    return [replace(one, certain=one.certain and one in last) for one in joined]
