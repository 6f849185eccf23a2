"""Tells which sentences of a paragraph give a figure that has a rival: another network's, or one without something."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.probes.documents.claim_grammar import roles
from grader.probes.documents.claim_tokens import tokens

_NETWORK = (
    r"(?:wide)?(?:res|dense|mobile|le|alex|google|efficient|conv)net-?\d{0,4}|vgg-?\d{0,2}"
    r"|(?<![a-z])(?:cnn|mlp|perceptron)(?![a-z])"
)
_NETWORKS = re.compile(_NETWORK, re.IGNORECASE)
_PAIR = re.compile(
    rf"\b(?:besides|apart\sfrom|in\saddition\sto|instead\sof)\s(?:{_NETWORK})[^.;]{{1,60}}?(?:{_NETWORK})"
    rf"|(?:{_NETWORK})\s?(?:,|/|&|\band\b|\bor\b|\bwith\b|\bvs\b\.?|\bversus\b|\bto\b|和|与|及|、)\s?"
    rf"(?:(?:the|our|my|an?|own|plain|simple|small|smaller|larger|deep|deeper|custom|another)\s){{0,3}}(?:{_NETWORK})",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"compar|test|train|evaluat|\bboth\b|tried|测试|训练|比较|对比", re.IGNORECASE)
_WITHOUT = re.compile(
    r"\bwithout\b|\bw/o\b|\bnon-|\bun-?augmented|\bno\s(?:data\s)?(?:augmentation|dropout|flips?|crops?|schedul|decay|cutout|mixup)"
    r"|不加|不用|不使用|不采用|不带|不增强|不做|未增强|未加|未使用|没有|无(?:数据)?增强",
    re.IGNORECASE,
)
_HANDED_IN = re.compile(r"\b(?:final|best|last|submitted)\b|final\.pth|最终|最后|最佳|最好|提交", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:we|our|ours|i|my)\b|我|本", re.IGNORECASE)
_NOT_OWN = frozenset({"other", "elsewhere", "retrieval", "train", "validation", "metric", "class"})


@dataclass(frozen=True, slots=True)
class _Fact:
    """What a sentence says: of which networks, whether with a figure, whether that figure is of something left out."""

    networks: frozenset[str]
    figure: bool
    without: bool
    paired: frozenset[str]
    handed_in: bool
    first_person: bool


def rivalled(texts: list[str]) -> list[bool]:
    """Return, for each sentence of a paragraph, whether its figure may not be of the network that was handed in."""
    facts = [_fact(text) for text in texts]
    paired = frozenset[str]().union(*(fact.paired for fact in facts))
    measured = frozenset[str]().union(*(fact.networks for fact in facts if fact.figure))
    without = any(fact.figure and fact.without for fact in facts)
    return [_has_rival(fact, paired, measured, without) for fact in facts]


def _has_rival(fact: _Fact, paired: frozenset[str], measured: frozenset[str], without: bool) -> bool:
    if fact.handed_in:
        return False
    other_network = any(not _same(name, own) for name in measured for own in fact.networks)
    one_of_pair = bool(fact.networks & paired) or (bool(paired) and not fact.networks)
    return other_network or one_of_pair or (without and not fact.first_person)


def _same(one: str, other: str) -> bool:
    """Return whether two names may be of one network: "ResNet" and "ResNet20"."""
    return one.startswith(other) or other.startswith(one)


def _fact(text: str) -> _Fact:
    found = roles(tokens(text))
    kinds = {token.kind for token in found}
    named = frozenset(_name(name.group()) for name in _NETWORKS.finditer(text))
    pairs = [pair.group() for pair in _PAIR.finditer(text)] if _COMPARED.search(text) else []
    paired = frozenset(_name(name.group()) for pair in pairs for name in _NETWORKS.finditer(pair))
    return _Fact(
        networks=named,
        figure="figure" in kinds and not kinds & _NOT_OWN,
        without=_WITHOUT.search(text) is not None,
        paired=paired if len(paired) > 1 and "retrieval" not in kinds else frozenset(),
        handed_in=_HANDED_IN.search(text) is not None,
        first_person=_FIRST_PERSON.search(text) is not None,
    )


def _name(written: str) -> str:
    return written.lower().replace("-", "")
