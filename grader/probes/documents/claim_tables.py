"""Reads accuracies from tables whose header says what a column holds: Markdown's, a log's with commas or blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.probes.documents.claim_numbers import numbered
from grader.probes.documents.claim_tokens import Token, tokens

MOST_CELLS = 30
_RULE = re.compile(r"[\s|:+=\-]{3,}$")
_EPOCH = re.compile(r"epochs?|ep|step|iter(?:ation)?s?|轮次?|迭代|周期|round", re.IGNORECASE)
_HEADER = re.compile(r"acc|test|准确|正确率|精度|测试|\|", re.IGNORECASE)
_FILLED = re.compile(r"\d[.%]|\d{3}")
_DIGIT = re.compile(r"\d")
_CELLS = (
    lambda line: line.strip().strip("|").split("|") if "|" in line else [],
    lambda line: line.split("\t"),
    lambda line: line.split(","),
    lambda line: re.split(r"\s{2,}", line.strip()),
    str.split,
)
_OTHERS = frozenset({"class", "other", "retrieval", "part", "elsewhere", "goal", "if", "not"})
_UNSURE = frozenset({"doubt", "change", "unknown"})


@dataclass(frozen=True, slots=True)
class Cell:
    """An accuracy in a table: on which line, its share, and whether it certainly is the student's own network's."""

    line: int
    share: float
    certain: bool


def read_tables(lines: list[str]) -> tuple[list[Cell], frozenset[int]]:
    """Return the accuracies in tables, and the lines that were read as tables."""
    found: list[Cell] = []
    used: set[int] = set()
    at = 0
    while at < len(lines) - 1:
        header, rows, after = _table(lines, at)
        cells = list(_candidates(header, rows)) if rows else []
        if cells:
            found += _chosen(header, cells)
            used |= set(range(at, after))
        at = after if rows else at + 1
    return found, frozenset(used)


def _table(lines: list[str], start: int) -> tuple[list[str], list[tuple[int, list[str]]], int]:
    """Return the header that begins here, the rows below it with their lines, and the line behind them."""
    for split in _CELLS if _HEADER.search(lines[start]) and not _RULE.match(lines[start]) else ():
        header = split(lines[start])
        if not 2 <= len(header) <= MOST_CELLS or any(_FILLED.search(cell) for cell in header):
            continue
        at = start + 1 + bool(_RULE.match(lines[start + 1]))
        rows: list[tuple[int, list[str]]] = []
        while at < len(lines) and len(cells := split(lines[at])) == len(header):
            if not rows and not any(map(_DIGIT.search, cells[1:])):
                break  # so that each line is looked at for one table only
            rows.append((at, cells))
            at += 1
        if rows:
            return header, rows, at
    return [], [], start + 1


@dataclass(frozen=True, slots=True)
class _Candidate:
    cell: Cell
    label: frozenset[str]  # the kinds of words in the row's other cells


def _candidates(header: list[str], rows: list[tuple[int, list[str]]]) -> Iterator[_Candidate]:
    heads = [_kinds(tokens(cell)) for cell in header]
    for line, cells in rows:
        parsed = [numbered(tokens(cell)) for cell in cells]
        figures = [_figure(one, "in percent" in head) for one, head in zip(parsed, heads, strict=True)]
        label = frozenset().union(*(_kinds(one) for one, share in zip(parsed, figures, strict=True) if share is None))
        for column, share in enumerate(figures):
            kinds = heads[column] | (label if column else frozenset())
            if share is None or "accuracy" not in kinds or kinds & {"metric", "setting", "train", "retrieval"}:
                continue
            if kinds & {"test", "validation"}:
                certain = "test" in kinds and "validation" not in kinds and not heads[column] & (_OTHERS | _UNSURE)
                yield _Candidate(Cell(line, share, certain), label)


def _kinds(found: list[Token]) -> frozenset[str]:
    return frozenset(token.kind for token in found)


def _figure(cell: list[Token], percent: bool) -> float | None:
    """Return the share that a cell holds, and nothing else beside it."""
    figures = [token for token in cell if token.kind in ("figure", "number")]
    if len(figures) != 1 or not _kinds(cell) <= {"figure", "number", "quote", "about", "open", "close", "in percent"}:
        return None
    (figure,) = figures
    if figure.kind == "figure":
        return figure.share
    value = float(figure.text.replace(",", "."))
    return value / 100.0 if percent and 10.0 <= value <= 100.0 else None


def _chosen(header: list[str], cells: list[_Candidate]) -> Iterator[Cell]:
    """Decide which rows speak of the student's network: all of a log, the only one, the one that says so; else none."""
    cells = [one for one in cells if not one.label & _OTHERS]
    own = [one for one in cells if one.label & {"own", "final"}]
    log = _EPOCH.search(header[0]) is not None
    for one in own if len(own) == 1 and not log else cells:
        alone = log or len(own) == 1 or len(cells) == 1
        yield Cell(
            one.cell.line, one.cell.share, one.cell.certain and alone and not (one.label & {"doubt"} and not log)
        )
