"""Reads accuracies from tables whose header says what a column holds: Markdown's, a log's with commas or blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.probes.documents.claim_conditions import conditional
from grader.probes.documents.claim_numbers import numbered
from grader.probes.documents.claim_several import LONG_TRAINING
from grader.probes.documents.claim_tokens import Token, tokens
from grader.probes.documents.claim_words import FAMILIES

MOST_CELLS = 30
LEAST_EPOCHS = 5  # rows: a log of fewer shows how a training began
_RULE = re.compile(r"[\s|:+=\-]{3,}$")
_EPOCH = re.compile(r"(?<![a-z])(?:epochs?|ep|steps?|iter(?:ation)?s?|rounds?)(?![a-z])|轮次?|迭代|周期", re.IGNORECASE)
_SEVERAL = re.compile(
    r"(?<![a-z])(?:runs?|folds?|seeds?|trials?|attempts?|try|experiments?|exp|versions?|stages?|phases?|weeks?|days?|group|attack|"
    r"noise|corruption|pruning|sparsity|condition|ablation|variants?|checkpoints?|augmentation|class|precision|student|author|paper)"
    r"(?![a-z])|组|次数|折|种子|实验|版本|攻击|噪声|剪枝|类别",
    re.IGNORECASE,
)
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

_OF_NETWORKS = re.compile(
    r"|(?:our |my |the |final )?(?:models?|networks?|nets?|cnn|architecture|method|metric|classifier|name|dataset|"
    r"data|set|result|final|weights|file)(?: name)?|模型|网络|方法|架构|结构|指标|名称|数据集|结果|文件|权重",
    re.IGNORECASE,
)


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
    plain: bool  # nothing in the row names one network among several, or a changed one


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
                yield _Candidate(Cell(line, share, certain), label, _plain(header, cells, parsed))


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
    """Decide which rows speak of the student's network: a log's last, the only one, the one that says so; else none."""
    cells = [one for one in cells if not one.label & _OTHERS]
    own = [one for one in cells if one.label & {"own", "final"}]
    log = _EPOCH.search(header[0]) is not None
    named = len(own) == 1 and not log
    several = any(map(_SEVERAL.search, header))
    for one in own if named else cells:
        if log and len(cells) > 1:
            meant = len(cells) >= LEAST_EPOCHS and one.cell.line == cells[-1].cell.line and not several
        else:
            meant = named or (len(cells) == 1 and one.plain and not several)
        doubtful = one.label & {"doubt"} and not log
        yield Cell(one.cell.line, one.cell.share, one.cell.certain and meant and not doubtful)


def _plain(header: list[str], cells: list[str], parsed: list[list[Token]]) -> bool:
    """Return whether a row's words name nothing that could be one among several, or changed."""
    epochs = [cell.strip() for head, cell in zip(header, cells, strict=True) if _EPOCH.fullmatch(head.strip())]
    if any(not cell.isdigit() or int(cell) < LONG_TRAINING for cell in epochs):
        return False
    if not epochs and not _OF_NETWORKS.fullmatch(header[0].strip(" *:")):
        return False
    words = [token for one in parsed for token in one]
    return (
        not _kinds(words) & {"unknown", "doubt"}
        and not any(token.text.lower().startswith(FAMILIES) for token in words)
        and not any(conditional(cell, tokens(cell), printed=False) for cell in cells)
    )
