"""Finds accuracies that a submission states in words: in a notebook's printed output, in the written report."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

from grader.probes.documents.claim_clauses import Found
from grader.probes.documents.claim_clouds import clouded_lines
from grader.probes.documents.claim_grammar import of_others, read_sentence
from grader.probes.documents.claim_rivals import rivalled
from grader.probes.documents.claim_tables import read_tables
from grader.probes.documents.claim_text import Sentence, sentences, without_markup
from grader.probes.documents.documents import MOST_TEXT, PRINTED, both_ends, part_name, plain
from grader.probes.documents.text import MOST_BYTES, read_bytes, storable
from grader.probes.refusals import Phrase, phrase

ROUNDING = 0.0051  # between "84 %" and 84.49 %
MOST_SENTENCES = 10  # a document that has claims in more is a log, whatever it prints
_OWN = frozenset({"label", "final", "printed", "paragraph"})  # the fields that evidence.Claim has not
_EPOCH = re.compile(r"epoch|iter|step|轮", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:we|our|ours|i|my|final|best|last)\b|我|本|最", re.IGNORECASE)
_NETWORK = re.compile(r"(?:wide)?(?:res|dense|mobile|le|alex|google|efficient)net-?\d{0,4}|vgg-?\d{0,2}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Claim:
    accuracy: float
    source: str
    line: int
    quote: str
    certain: bool
    label: str = ""  # the letters before the figure: the same in every epoch
    final: bool = False  # called the final or the best one, or of an epoch that was printed
    printed: bool = False
    paragraph: int = -1  # of a text, the line where it begins


@dataclass(frozen=True, slots=True)
class _Piece:
    """The lines of one page or cell, or of a whole text."""

    source: str
    numbers: list[int]
    texts: list[str]


def read_claims(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the documents `inputs["names"]`. Returns the fields of evidence.Claims.

    What a document repeats (one line per epoch) gives two claims: the last and the best.
    """
    unread: list[Phrase] = []
    stated: dict[str, list[_Claim]] = {}
    left = MOST_TEXT
    waiting = sorted(inputs["names"], key=lambda name: os.fstat(files[name]).st_size)
    while waiting:  # the smallest first: a huge one must not take the place of the others
        name = waiting.pop(0)
        if name.casefold().endswith(".docx"):
            unread.append(phrase("word_file", file=storable(name[:200])))
            continue
        try:
            pieces, whole = _pieces(name, read_bytes(files, name), left // (len(waiting) + 1))
            left -= sum(len(text) for piece in pieces for text in piece.texts)
            stated[name] = _settled([claim for piece in pieces for claim in _stated(name, piece)])
        except Exception as error:
            unread.append(phrase("unread_file", file=storable(name[:200]), kind=type(error).__name__))
            continue
        if not whole:
            unread.append(phrase("unread_middle", file=storable(name[:200])))
    claims = [claim for name in inputs["names"] for claim in _kept(stated.get(name, []))]
    fields = [{key: value for key, value in asdict(claim).items() if key not in _OWN} for claim in claims[:100]]
    return {"claims": fields, "unread": unread[:50]}, {}


def _kept(stated: list[_Claim]) -> Iterator[_Claim]:
    """Yield the claims of a document that count: the certain ones, and what else it says in other words."""
    sure = [claim for claim in stated if claim.certain]
    labels = {claim.label for claim in sure}
    yield from _without_repeats(sure)
    yield from _without_repeats([claim for claim in stated if not claim.certain and claim.label not in labels])


def _without_repeats(stated: list[_Claim]) -> Iterator[_Claim]:
    """Yield of each sentence that is printed again and again, such as one per epoch, the best and the last."""
    groups: dict[str, list[_Claim]] = {}
    for claim in stated:
        groups.setdefault(claim.label, []).append(claim)
    for group in groups.values() if len(groups) <= MOST_SENTENCES else [stated]:
        yield from _last_and_best(group)


def _last_and_best(stated: list[_Claim]) -> list[_Claim]:
    best = max(stated, key=lambda claim: claim.accuracy)
    return [stated[-1]] if best.accuracy == stated[-1].accuracy else [best, stated[-1]]


def _pieces(name: str, data: bytes, left: int) -> tuple[list[_Piece], bool]:
    """Group what the document shows by page or cell, and tell whether that is all. Lines of a text are numbered."""
    part = part_name(name)
    pieces: dict[int, _Piece] = {}
    found = both_ends(name, data, left)
    for line in found.lines:
        source = storable(f"{name}, {part} {line.part}" if part else name)[:300]
        piece = pieces.setdefault(line.part, _Piece(source, [], []))
        piece.numbers.append(line.number)
        piece.texts.append(plain(line.text))
    return list(pieces.values()), found.whole and len(data) < MOST_BYTES


def _stated(name: str, piece: _Piece) -> Iterator[_Claim]:
    kind = name.rpartition(".")[2].casefold()
    printed = kind in PRINTED
    texts = piece.texts if printed else without_markup(piece.texts, kind == "tex")
    clouded = clouded_lines(texts, printed)
    cells, used = read_tables(texts)
    for cell in cells:
        certain = cell.certain and cell.line not in clouded
        yield _Claim(cell.share, piece.source, piece.numbers[cell.line], texts[cell.line].strip()[:200], certain)
    rest = ["" if index in used else text for index, text in enumerate(texts)]
    for sentence, found, doubted in _found(sentences(rest, printed), printed):
        line = sentence.line_of(found.start)
        certain = found.certain and not doubted and line not in clouded
        quote = sentence.text[max(0, found.start - 80) : found.end + 40].strip()[:200]
        label = "".join(filter(str.isalpha, sentence.text[max(0, found.start - 80) : found.start]))
        paragraph = -1 if printed else sentence.paragraph
        final = found.final or (printed and _EPOCH.search(sentence.text) is not None)
        yield _Claim(found.share, piece.source, piece.numbers[line], quote, certain, label, final, printed, paragraph)


def _found(read: Iterable[Sentence], printed: bool) -> Iterator[tuple[Sentence, Found, bool]]:
    """Yield what each sentence claims, and whether those around it leave open of what network."""
    for _, group in groupby(read, key=lambda sentence: sentence.paragraph):
        paragraph = list(group)
        claims = [read_sentence(sentence.text, printed) for sentence in paragraph]
        texts = [sentence.text for sentence in paragraph]
        some = not printed and any(found.certain for of_one in claims for found in of_one)
        rivals = rivalled(texts) if some else [False] * len(texts)
        before = ["", *texts]
        for at, sentence in enumerate(paragraph):
            doubted = bool(claims[at]) and (rivals[at] or of_others(before[at], sentence.text))
            yield from ((sentence, found, doubted) for found in claims[at])


def _settled(stated: list[_Claim]) -> list[_Claim]:
    """Take certainty from figures that contradict each other, unless the text calls one the final or the best.

    A loop prints one label again and again; only other labels contradict it.
    """
    unsure = {(claim.source, claim.paragraph): claim.accuracy for claim in stated if not claim.certain}
    stated = [replace(claim, certain=claim.certain and not _compared(claim, unsure)) for claim in stated]
    names = {name for claim in stated if claim.certain and (name := _network_of(claim))}
    if len(names) > 1:
        stated = [replace(claim, certain=claim.certain and not _network_of(claim)) for claim in stated]
    final = sorted(claim.accuracy for claim in stated if claim.certain and claim.final)
    rest = [claim for claim in stated if claim.certain and not claim.final]
    labels = {claim.label for claim in rest}
    shares = [claim.accuracy for claim in rest]
    if not rest or (rest[0].printed and len(labels) == 1) or (not final and max(shares) - min(shares) <= ROUNDING):
        return stated
    return [replace(claim, certain=claim.certain and (claim.final or _near(claim, final))) for claim in stated]


def _compared(claim: _Claim, unsure: Mapping[tuple[str, int], float]) -> bool:
    """Return whether its paragraph has another figure, and does not say which is of the network handed in."""
    other = unsure.get((claim.source, claim.paragraph), claim.accuracy)
    named = claim.final or _FIRST_PERSON.search(claim.quote) is not None
    return claim.paragraph >= 0 and not named and abs(claim.accuracy - other) > ROUNDING


def _near(claim: _Claim, shares: list[float]) -> bool:
    """Return whether one of the shares, which are sorted, is that of the claim."""
    at = bisect_left(shares, claim.accuracy - ROUNDING)
    return at < len(shares) and shares[at] <= claim.accuracy + ROUNDING


def _network_of(claim: _Claim) -> str:
    """Return what network a claim names, "" for none: "resnet20"."""
    name = _NETWORK.search(claim.quote)
    return name.group().lower() if name else ""
