"""Judges the figures of one clause: is it an accuracy, on the test set, over all classes, and beyond doubt?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from grader.probes.documents.claim_tokens import Token
from grader.probes.documents.claim_words import ASSERTS, CONTRASTS, REACHED

LEAST = 0.05  # an accuracy of less is a start value, or no accuracy
CHANCE = 0.12  # of ten classes, with a little luck: said of what did not work more often than of the result
LABEL = frozenset({"accuracy", "test", "validation", "train", "final"})
SETS = ("test", "validation", "train")
DROPS = frozenset({"rank", "between", "class", "other", "goal", "not", "part", "partial", "impossible", "count"})
DOUBTS = frozenset({"doubt", "change", "validation", "metric"})
# What may stand between a relation ("to", "by") and its number.
_PASSED = frozenset({"link", "about", "quote", "known", "final", "own", "in percent"})
_BETWEEN = frozenset({  # what may stand between a measure and its number where the number has no percent sign
    "link", "about", "colon", "dash", "quote", "test", "set", "all images", "name", "whole", "known", "in percent",
    "final", "to", "train", "own", "validation", "accuracy", "slash", "amount", "pipe", "unit", "list",
    "change", "from", "figure", "past", "arrow", "difference", "by",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """An accuracy as a share, whether it is certainly what is meant, and where it stands in the sentence."""

    share: float
    certain: bool
    start: int
    end: int
    decimals: int = 0
    final: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What the clauses before this one have said."""

    accuracy: bool = False
    sets: frozenset[str] = frozenset()
    final: bool = False
    kinds: frozenset[str] = frozenset()  # of the words that make a claim doubtful, or none
    printed: bool = False


def after_clause(said: Said, clause: list[Token], stated: bool) -> Said:
    kinds = frozenset(kinds_of(clause))
    sets = kinds & set(SETS) | ({"test"} if "all images" in kinds else set())
    harm = kinds & (DROPS | DOUBTS | {"own", "unknown"})
    kept = said.kinds - {"class", "rank", "part", "metric", "unknown", "change"} if stated else said.kinds | harm
    accuracy, final = said.accuracy or "accuracy" in kinds, said.final or "final" in kinds
    return Said(accuracy, frozenset(sets or said.sets), final, frozenset(kept), said.printed)


def of_clause(clause: list[Token], figures: list[int], said: Said) -> list[Found]:
    """Find the claims of a clause: one figure, or labels with a figure behind each."""
    if len(figures) > 1 and all(same(clause[at], clause[figures[0]]) for at in figures):
        figures = [max(figures, key=lambda at: clause[at].decimals)]  # one figure, written twice
    if len(figures) == 1:
        one = _judged(clause, figures[0], said)
        return [one] if one else []
    return list(_labelled(clause, figures, replace(said, accuracy=False, sets=frozenset())))


def _labelled(clause: list[Token], figures: list[int], said: Said) -> Iterator[Found]:
    """Find the claims of a row of labels, each with its figure behind it."""
    start = 0
    for nth, at in enumerate(figures):
        before = figures[nth - 1] if nth else -1
        label = clause[start:at]
        if nth and at == start and clause[at].percent and not clause[before].percent:
            label = _label_of_pair(clause[figures[nth - 2] + 1 if nth > 1 else 0 : before])
        if not nth and not kinds_of(label) & (LABEL | {"metric"}):
            return  # the labels follow their numbers, or belong to something else
        first_of_pair = at + 1 in figures[nth + 1 : nth + 2] and not clause[at].percent
        tail = _tail(clause, at)
        if not first_of_pair and "accuracy" in kinds_of(label):
            one = _judged([*label, clause[at], *tail], len(label), said)
            if one:
                yield one
        start = at + 1 + len(tail)


def _label_of_pair(label: list[Token]) -> list[Token]:
    """Return what "test 0.5312 84.54 %", a loss and an accuracy, says of the accuracy."""
    if label and label[-1].kind in ("test", "colon") and "test" in kinds_of(label):
        return [*label, Token("accuracy", "", label[-1].end, label[-1].end)]
    return label


def _tail(clause: list[Token], at: int) -> list[Token]:
    """Return what follows a figure and belongs to it: "on the test set"."""
    after = clause[at + 1 : at + 6]
    if not after or after[0].text.lower() not in ("on", "in", "for"):
        return []
    last = next((n for n, token in enumerate(after) if token.kind in SETS), -1)
    return after[: last + 1]


def _judged(clause: list[Token], at: int, said: Said) -> Found | None:
    figure, left, right = clause[at], clause[:at], clause[at + 1 :]
    if figure.share < LEAST:
        return None
    kinds = kinds_of(left) | kinds_of(right)
    carried = _carried(said, left)
    if kinds & DROPS or carried & DROPS or _difference(left, right) or not _measures(figure, left, right, said):
        return None
    sets = kinds & set(SETS) | ({"test"} if "all images" in kinds else set()) or set(said.sets)
    final = "final" in kinds or said.final
    called = "final" in kinds or (said.final and "accuracy" not in kinds)
    if "train" in sets or not (sets or final or figure.whole):
        return None
    certain = figure.share > CHANCE and ("test" in sets or figure.whole > 0) and "validation" not in sets
    certain = certain and not (kinds | carried) & DOUBTS - ({"change"} if _to(left) else set())
    certain = certain and (asserted(left) or not ("unknown" in kinds_of(right) or _infinitive(left)))
    certain = (
        certain
        and "unknown" not in kinds_of(_read(left, said.printed))
        and not any(token.text.lower().endswith("'s") and token.kind == "unknown" for token in left)
    )
    return Found(figure.share, certain, figure.start, figure.end, figure.decimals, called)


def _carried(said: Said, left: list[Token]) -> frozenset[str]:
    """Return what the clauses before leave doubtful in this one."""
    if any(token.text.lower() in CONTRASTS for token in left[:2]):
        return frozenset()
    return said.kinds - ({"other"} if "own" in kinds_of(left) else set())


def _read(left: list[Token], printed: bool) -> list[Token]:
    """Return the words that must be known: those of a printed label "test acc:", or the clause up to its number."""
    record = (
        printed and bool(left) and left[-1].kind in ("colon", "pipe", "dash", "accuracy", "in percent", "set", "test")
    )
    first = next((at for at, token in enumerate(left) if token.kind in LABEL), None)
    return left[first:] if record and first is not None else left


def asserted(left: list[Token]) -> bool:
    """Return whether something is said to be so: "we reached", "the accuracy is", "test acc:"; not "to reach"."""
    last = next((token.kind for token in reversed(left) if token.kind != "about"), "")
    if last in ("colon", "pipe", "accuracy", "dash", "to"):
        return True
    return any(
        token.text.lower() in ASSERTS and (at == 0 or left[at - 1].text.lower() != "to")
        for at, token in enumerate(left)
    )


def _infinitive(left: list[Token]) -> bool:
    """Return whether something is only to be done: "to reach 90 %"."""
    return any(one.text.lower() == "to" and other.text.lower() in REACHED for one, other in pairwise(left))


def _to(left: list[Token]) -> bool:
    for token in reversed(left[-4:]):
        if token.kind not in _PASSED:
            return token.kind == "to"
    return False


def _difference(left: list[Token], right: list[Token]) -> bool:
    """Return whether the number is a difference, a bound, or a share of something else."""
    if right and (right[0].kind in ("than", "change", "plus") or [t.text.lower() for t in right[:2]] == ["or", "more"]):
        return True
    relation = next((token.kind for token in reversed(left[-4:]) if token.kind not in _PASSED), "")
    if relation in ("than", "by", "change"):
        return True
    if right and right[0].text.lower() == "of":
        if not kinds_of(right[1:5]) & {"accuracy", "test", "all images", "whole", "set"}:
            return True
        if not kinds_of(right) & {"accuracy"} and not kinds_of(left) & {"accuracy"}:
            return True
    last = max((at for at, token in enumerate(left) if token.kind == "accuracy"), default=-1)
    return relation != "to" and any(token.kind in ("change", "by", "than") for token in left[last + 1 :])


def _measures(figure: Token, left: list[Token], right: list[Token], said: Said) -> bool:
    """Return whether the figure is an accuracy, and written so that it can only be that."""
    labels = [at for at, token in enumerate(left) if token.kind == "accuracy"]
    near = "accuracy" in kinds_of(right[:3])
    if not figure.percent:
        return (bool(labels) and kinds_of(left[labels[-1] :]) <= _BETWEEN) or (near and not labels)
    if labels or "accuracy" in kinds_of(right) or (figure.whole and (kinds_of(left) | kinds_of(right)) & {"test"}):
        return True
    verb = any(token.text.lower() in REACHED for token in left) or ("own" in kinds_of(left) and asserted(left))
    on_test = "test" in kinds_of(right[:4]) or "test" in kinds_of(left)
    return said.accuracy or (verb and on_test)


def same(one: Found | Token, other: Found | Token) -> bool:
    """Return whether two figures are one, written twice: rounded, or cut off, as the shorter of them is."""
    return abs(one.share - other.share) < 0.99 * 10.0 ** -min(one.decimals, other.decimals)


def kinds_of(part: list[Token]) -> set[str]:
    return {token.kind for token in part}
