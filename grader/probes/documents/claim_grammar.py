"""Reads a sentence: whose network, measured on what, over which classes, how much.

A sentence is a row of clauses. A clause that states a figure takes what it does not say itself from the clauses before
it: "on the test set, the accuracy is 84 %". Whatever makes it doubtful that the student's own network, the whole test
set and all classes are meant either drops the claim or leaves it without certainty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from grader.probes.documents.claim_numbers import numbered
from grader.probes.documents.claim_tokens import Token, tokens
from grader.probes.documents.claim_words import ASSERTS, CONTRASTS, REACHED, WORTH_READING

DEEPEST = 3  # brackets in brackets
MOST_FOUND = 50
_WORTH_READING = re.compile(rf"(?=.*\d)(?:.*?)(?:{WORTH_READING})", re.IGNORECASE)
_QUESTION = re.compile(r"[?？]\s*$|吗\s*$")
LEAST = 0.05  # an accuracy of less is a start value, or no accuracy
_SPLITS = frozenset({"comma", "and", "pipe", "slash"})
_PASSED = frozenset(
    {"link", "about", "quote", "known", "final", "own", "in percent"}
)  # between a relation and its number
_BETWEEN = frozenset({  # what may stand between a measure and its number where the number has no percent sign
    "link", "about", "colon", "dash", "quote", "test", "set", "all images", "name", "whole", "known", "in percent", "final",
    "to", "train", "own", "validation", "accuracy", "slash", "amount", "pipe", "unit", "list",
    "change", "from", "figure", "past", "arrow", "difference", "by",
})  # fmt: skip
_LABEL = frozenset({"accuracy", "test", "validation", "train", "final"})
_SETS = ("test", "validation", "train")


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
class _Said:
    """What the clauses before this one have said."""

    accuracy: bool = False
    sets: frozenset[str] = frozenset()
    final: bool = False
    kinds: frozenset[str] = frozenset()  # of the words that make a claim doubtful, or none
    printed: bool = False


def read_sentence(sentence: str, printed: bool = False) -> list[Found]:
    """Return the accuracies that a sentence claims for the student's own network on the whole test set.

    Before a label that a program printed anything may stand; a person who wrote words that are not known may have meant
    another network.
    """
    if not _WORTH_READING.match(sentence) or _QUESTION.search(sentence):
        return []
    found = _sides(numbered(_roles(tokens(sentence))))
    kinds = {token.kind for token in found}
    if kinds & {"if", "retrieval", "elsewhere"} or "figure" not in kinds:
        return []
    if (pairs := _coordinated(found)) is not None:
        return pairs
    if not printed:
        found = _generic(found)
    return _agreed(list(_in_clauses(found, printed)))


def _roles(found: list[Token]) -> list[Token]:
    """Decide whether "training" names the set of images or the work: "training accuracy", "after training"."""
    out = list(found)
    for at, token in enumerate(found):
        if token.kind == "train" and not _names_a_set(found, at):
            out[at] = replace(token, kind="known")
        elif token.text == "图" and (at == 0 or found[at - 1].kind not in ("test", "unit", "validation", "train")):
            out[at] = replace(token, kind="known")
    return out


def _names_a_set(found: list[Token], at: int) -> bool:
    after = [token for token in found[at + 1 : at + 4] if token.kind not in ("dash", "quote")]
    if found[at].text.lower() not in ("train", "training", "训练") or not after:
        return len(found[at].text) > 2 or not after
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


_DROPS = frozenset({"rank", "between", "class", "other", "goal", "not", "part", "partial", "impossible", "count"})
_DOUBTS = frozenset({"doubt", "change", "validation", "metric"})
_HARM = _DROPS | _DOUBTS | {"if", "retrieval", "elsewhere", "in percent", "test", "validation", "train", "all images"}


def _coordinated(found: list[Token]) -> list[Found] | None:
    """Read "training and test accuracy are 95 % and 84 %" by its order; None for any other sentence."""
    sets = [at for at, token in enumerate(found) if token.kind in _SETS]
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
        or {token.kind for token in found} & (_DROPS | {"range"})
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
    said, last, stated = _Said(printed=printed), None, False
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
        for one in _of_clause(clause, figures, said):
            last = replace(
                one, certain=one.certain and not (foreign and not (_kinds(clause) & {"own"} and not several))
            )
            yield last
        said = _after(said, clause, bool(figures))
        stated = stated or bool(figures)


def _kinds(part: list[Token]) -> set[str]:
    return {token.kind for token in part}


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
    return _kinds(clause) <= {"figure", "and", "about", "link", "quote", "number", "open", "close", "pipe"}


def _past(clause: list[Token], at: int) -> bool:
    """Return whether the figure is what the accuracy rose from."""
    for token in reversed(clause[:at]):
        if token.kind in ("from", "to", "by", "figure", "accuracy", "colon", "past"):
            return token.kind == "from"
    return False


def _after(said: _Said, clause: list[Token], stated: bool) -> _Said:
    kinds = frozenset(_kinds(clause))
    sets = kinds & set(_SETS) | ({"test"} if "all images" in kinds else set())
    harm = kinds & (_DROPS | _DOUBTS | {"own", "unknown"})
    kept = said.kinds - {"class", "rank", "part", "metric", "unknown", "change"} if stated else said.kinds | harm
    accuracy, final = said.accuracy or "accuracy" in kinds, said.final or "final" in kinds
    return _Said(accuracy, frozenset(sets or said.sets), final, frozenset(kept), said.printed)


def _of_clause(clause: list[Token], figures: list[int], said: _Said) -> Iterator[Found]:
    """Find the claims of a clause: one figure, or labels with a figure behind each."""
    if len(figures) > 1 and all(_same(clause[at], clause[figures[0]]) for at in figures):
        figures = [max(figures, key=lambda at: clause[at].decimals)]  # one figure, written twice
    if len(figures) == 1:
        one = _judged(clause, figures[0], said)
        if one:
            yield one
        return
    start = 0
    for nth, at in enumerate(figures):
        label = clause[start:at]
        pair = nth and at == start and clause[at].percent and not clause[figures[nth - 1]].percent
        if pair:  # "test 0.5312 84.54 %": a loss and an accuracy
            begin = figures[nth - 2] + 1 if nth > 1 else 0
            label = clause[begin : figures[nth - 1]]
            if label and label[-1].kind in ("test", "colon") and _kinds(label) & {"test"}:
                label = [*label, Token("accuracy", "", at, at)]
        if not nth and not _kinds(label) & (_LABEL | {"metric"}):
            return  # the labels follow their numbers, or belong to something else
        paired = (
            at + 1 < len(clause) and nth + 1 < len(figures) and figures[nth + 1] == at + 1 and not clause[at].percent
        )
        tail = _tail(clause, at)
        if label and not paired and "accuracy" in _kinds(label):
            one = _judged([*label, clause[at], *tail], len(label), replace(said, accuracy=False, sets=frozenset()))
            if one:
                yield one
        start = at + 1 + len(tail)


def _tail(clause: list[Token], at: int) -> list[Token]:
    """Return what follows a figure and belongs to it: "on the test set"."""
    after = clause[at + 1 : at + 6]
    if not after or after[0].text.lower() not in ("on", "in", "for"):
        return []
    last = next((n for n, token in enumerate(after) if token.kind in _SETS), -1)
    return after[: last + 1]


def _judged(clause: list[Token], at: int, said: _Said) -> Found | None:
    figure, left, right = clause[at], clause[:at], clause[at + 1 :]
    if figure.share < LEAST:
        return None
    kinds = _kinds(left) | _kinds(right)
    carried = _carried(said, left)
    if kinds & _DROPS or carried & _DROPS or _difference(left, right) or not _measures(figure, left, right, said):
        return None
    sets = kinds & set(_SETS) | ({"test"} if "all images" in kinds else set()) or set(said.sets)
    final = "final" in kinds or said.final
    called = "final" in kinds or (said.final and "accuracy" not in kinds)
    if "train" in sets or not (sets or final or figure.whole):
        return None
    certain = ("test" in sets or figure.whole > 0) and "validation" not in sets
    certain = certain and not (kinds | carried) & _DOUBTS - ({"change"} if _to(left) else set())
    certain = certain and (_asserted(left) or not ("unknown" in _kinds(right) or _infinitive(left)))
    certain = (
        certain
        and "unknown" not in _kinds(_read(left, said.printed))
        and not any(token.text.lower().endswith("'s") and token.kind == "unknown" for token in left)
    )
    return Found(figure.share, certain, figure.start, figure.end, figure.decimals, called)


def _carried(said: _Said, left: list[Token]) -> frozenset[str]:
    """Return what the clauses before leave doubtful in this one."""
    if any(token.text.lower() in CONTRASTS for token in left[:2]):
        return frozenset()
    return said.kinds - ({"other"} if "own" in _kinds(left) else set())


def _read(left: list[Token], printed: bool) -> list[Token]:
    """Return the words that must be known: those of a printed label "test acc:", or the clause up to its number."""
    record = (
        printed and bool(left) and left[-1].kind in ("colon", "pipe", "dash", "accuracy", "in percent", "set", "test")
    )
    first = next((at for at, token in enumerate(left) if token.kind in _LABEL), None)
    return left[first:] if record and first is not None else left


def _asserted(left: list[Token]) -> bool:
    """Return whether something is said to be so: "we reached", "the accuracy is", "test acc:"; not "to reach"."""
    if left and left[-1].kind in ("colon", "pipe", "accuracy", "dash", "to"):
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
        if not _kinds(right[1:5]) & {"accuracy", "test", "all images", "whole", "set"}:
            return True
        if not _kinds(right) & {"accuracy"} and not _kinds(left) & {"accuracy"}:
            return True
    last = max((at for at, token in enumerate(left) if token.kind == "accuracy"), default=-1)
    return relation != "to" and any(token.kind in ("change", "by", "than") for token in left[last + 1 :])


def _measures(figure: Token, left: list[Token], right: list[Token], said: _Said) -> bool:
    """Return whether the figure is an accuracy, and written so that it can only be that."""
    labels = [at for at, token in enumerate(left) if token.kind == "accuracy"]
    near = "accuracy" in _kinds(right[:3])
    if not figure.percent:
        return bool(labels) and _kinds(left[labels[-1] :]) <= _BETWEEN or (near and not labels)
    if labels or "accuracy" in _kinds(right) or (figure.whole and (_kinds(left) | _kinds(right)) & {"test"}):
        return True
    verb = any(token.text.lower() in REACHED for token in left) or ("own" in _kinds(left) and _asserted(left))
    on_test = "test" in _kinds(right[:4]) or "test" in _kinds(left)
    return said.accuracy or (verb and on_test)


def _same(one: Found | Token, other: Found | Token) -> bool:
    """Return whether two figures are one, written twice: rounded, or cut off, as the shorter of them is."""
    return abs(one.share - other.share) < 0.99 * 10.0 ** -min(one.decimals, other.decimals)


def _agreed(found: list[Found]) -> list[Found]:
    """Join a figure that is written twice; of several that compete, none is certain but the best and the last."""
    joined: list[Found] = []
    for one in found[:MOST_FOUND]:
        same = next((at for at, other in enumerate(joined) if _same(one, other)), None)
        if same is None:
            joined.append(one)
            continue
        other = joined[same]
        exact = max(one, other, key=lambda claim: claim.decimals)
        joined[same] = replace(
            exact, certain=(one.certain or other.certain) and (one.start == other.start) <= other.certain
        )
    sure = [one for one in joined if one.certain]
    if len(sure) < 2:
        return joined
    last = [one for one in sure if one.final]
    return [replace(one, certain=one.certain and one in last) for one in joined]
