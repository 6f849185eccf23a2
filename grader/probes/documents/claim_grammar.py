"""Reads a sentence: whose network, measured on what, over which classes, how much.

A sentence is a row of clauses. A clause that states a figure takes what it does not say itself from the clauses before
it: "on the test set, the accuracy is 84 %". Whatever makes it doubtful that the student's own network, the whole test
set and all classes are meant either drops the claim or leaves it without certainty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from grader.probes.documents.claim_numbers import numbered
from grader.probes.documents.claim_tokens import Token, tokens
from grader.probes.documents.claim_words import WORTH_READING

DEEPEST = 3  # brackets in brackets
MOST_FOUND = 50
SAME = 0.006  # two figures in one sentence that differ by less are one, written twice
_WORTH_READING = re.compile(rf"(?=.*\d)(?:.*?)(?:{WORTH_READING})", re.IGNORECASE)
_QUESTION = re.compile(r"[?？]\s*$|吗\s*$")
LEAST = 0.05  # an accuracy of less is a start value, or no accuracy
_REACHED = frozenset(
    "reach reached reaches achieve achieved achieves get got gets obtain obtained obtains attain attained attains score"
    " scored scores has have had classifies classified recognises recognized identifies names predicts hit hits gave gives"
    " 达到 达到了 达 取得 取得了 获得 获得了 得到 得到了".split()
)
_ASSERTS = _REACHED | frozenset("is was are were 为 是 有 reads equals became came ended improved rose".split())
_CONTRAST = frozenset("but however though yet whereas while 但 但是 然而 不过 而 actually 实际".split())
_SPLITS = frozenset({"comma", "and", "pipe", "slash"})
_PASSED = frozenset({"link", "about", "quote", "known", "final", "own", "in percent"})  # between a relation and its number
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


def read_sentence(sentence: str) -> list[Found]:
    """Return the accuracies that a sentence claims for the student's own network on the whole test set."""
    if not _WORTH_READING.match(sentence) or _QUESTION.search(sentence):
        return []
    found = _sides(numbered(_roles(tokens(sentence))))
    kinds = {token.kind for token in found}
    if kinds & {"if", "retrieval", "elsewhere"} or "figure" not in kinds:
        return []
    if (pairs := _coordinated(found)) is not None:
        return pairs
    return _agreed(list(_in_clauses(found)))


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


_DROPS = frozenset({"between", "class", "other", "goal", "not", "part", "partial", "impossible", "count"})
_DOUBTS = frozenset({"doubt", "change", "validation", "metric"})
_HARM = _DROPS | _DOUBTS | {"if", "retrieval", "elsewhere", "in percent"}


def _coordinated(found: list[Token]) -> list[Found] | None:
    """Read "training and test accuracy are 95 % and 84 %" by its order; None for any other sentence."""
    sets = [at for at, token in enumerate(found) if token.kind in _SETS]
    figures = [at for at, token in enumerate(found) if token.kind == "figure"]
    listed = any(token.kind == "respectively" for token in found) or any(
        _joins(found[one + 1 : other]) for one, other in zip(sets, sets[1:], strict=False) if other < figures[0]
    )
    if not listed:
        return None
    names = [found[at].kind for at in sets if at < figures[0]] or [found[at].kind for at in sets]
    if len(names) != len(figures) or len(set(names)) != len(names) or {token.kind for token in found} & (_DROPS | {"range"}):
        return []
    chosen = [found[at] for at, name in zip(figures, names, strict=True) if name == "test"]
    sure = not {token.kind for token in found} & {"doubt", "metric", "unknown"}
    return [Found(one.share, sure, one.start, one.end, one.decimals) for one in chosen]


def _joins(between: list[Token]) -> bool:
    kinds = [token.kind for token in between]
    return any(kind in _SPLITS for kind in kinds) and set(kinds) <= {*_SPLITS, "accuracy", "set", "known", "dash", "link"}


def _in_clauses(found: list[Token]) -> Iterator[Found]:
    said, last = _Said(), None
    names = {token.text.lower() for token in found if token.kind == "name"}
    several = len(names) > 1 and sum(token.kind == "figure" for token in found) > 1
    foreign = several or any(token.kind == "other" for token in found)
    for clause in _clauses(found):
        figures = [at for at, token in enumerate(clause) if token.kind == "figure" and not _past(clause, at)]
        if figures and last and _lone(clause) and len(figures) == 1:
            yield replace(last, certain=False, final=False)
            figure = clause[figures[0]]
            yield Found(figure.share, False, figure.start, figure.end, figure.decimals)
            continue
        for one in _of_clause(clause, figures, said):
            last = replace(one, certain=one.certain and not (foreign and not (_kinds(clause) & {"own"} and not several)))
            yield last
        said = _after(said, clause, bool(figures))


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
    kept = said.kinds - {"class", "part", "metric", "unknown", "change"} if stated else said.kinds | harm
    return _Said(
        said.accuracy or "accuracy" in kinds, frozenset(sets or said.sets), said.final or "final" in kinds, frozenset(kept)
    )


def _of_clause(clause: list[Token], figures: list[int], said: _Said) -> Iterator[Found]:
    """Find the claims of a clause: one figure, or labels with a figure behind each."""
    if len(figures) > 1 and all(abs(clause[at].share - clause[figures[0]].share) <= SAME for at in figures):
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
        paired = at + 1 < len(clause) and nth + 1 < len(figures) and figures[nth + 1] == at + 1 and not clause[at].percent
        if label and not paired and "accuracy" in _kinds(label):
            one = _judged([*label, clause[at]], len(label), replace(said, accuracy=False, sets=frozenset()))
            if one:
                yield one
        start = at + 1


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
    if "train" in sets or not (sets or final or figure.whole):
        return None
    certain = ("test" in sets or figure.whole > 0) and "validation" not in sets
    certain = certain and not (kinds | carried) & _DOUBTS - ({"change"} if _to(left) else set())
    certain = certain and (_asserted(left) or "unknown" not in _kinds(right))
    certain = certain and "unknown" not in _kinds(_read(left)) and not any(token.text.lower().endswith("'s") and token.kind == "unknown" for token in left)
    return Found(figure.share, certain, figure.start, figure.end, figure.decimals, "final" in kinds)


def _carried(said: _Said, left: list[Token]) -> frozenset[str]:
    """Return what the clauses before leave doubtful in this one."""
    if any(token.text.lower() in _CONTRAST for token in left[:2]):
        return frozenset()
    return said.kinds - ({"other"} if "own" in _kinds(left) else set())


def _read(left: list[Token]) -> list[Token]:
    """Return the words that must be known: those of the label "test acc:", or the clause up to its number."""
    record = bool(left) and left[-1].kind in ("colon", "pipe", "dash", "accuracy", "in percent", "set", "test")
    first = next((at for at, token in enumerate(left) if token.kind in _LABEL), None)
    return left[first:] if record and first is not None else left


def _asserted(left: list[Token]) -> bool:
    """Return whether something is said to be so: "we reached", "the accuracy is", "test acc:"; not "to reach"."""
    if left and left[-1].kind in ("colon", "pipe", "accuracy", "dash", "to"):
        return True
    return any(
        token.text.lower() in _ASSERTS and (at == 0 or left[at - 1].text.lower() != "to") for at, token in enumerate(left)
    )


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
    verb = any(token.text.lower() in _REACHED for token in left)
    on_test = "test" in _kinds(right[:4]) or "test" in _kinds(left)
    return said.accuracy or (verb and on_test)


def _agreed(found: list[Found]) -> list[Found]:
    """Join a figure that is written twice; of several that compete, none is certain unless one is called the final."""
    joined: list[Found] = []
    for one in found[:MOST_FOUND]:
        same = next((at for at, other in enumerate(joined) if abs(other.share - one.share) <= SAME), None)
        if same is None:
            joined.append(one)
            continue
        other = joined[same]
        exact = max(one, other, key=lambda claim: claim.decimals)
        joined[same] = replace(exact, certain=(one.certain or other.certain) and (one.start == other.start) <= other.certain)
    sure = [one for one in joined if one.certain]
    if len(sure) < 2:
        return joined
    last = [one for one in sure if one.final]
    return [replace(one, certain=len(last) == 1 and one is last[0]) for one in joined]
