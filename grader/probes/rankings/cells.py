"""Splits table lines into cells: Markdown, drawn boxes, CSV, and columns separated by blanks."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

Split = Callable[[str], list[str]]
_BARS = str.maketrans("│┃║", "|||")
_BLANKS = re.compile(r"\t|\s{2,40}")
_BREAK = re.compile(r"<br\s?/?>", re.IGNORECASE)
_PICTURE = re.compile(r"!?\[[^\[\]]{0,200}\]\(([^()\s]{1,300})\)")


def barred(line: str) -> list[str]:
    """Split a row of a Markdown table, or of a table drawn with bars."""
    parts = _BREAK.sub(" ", line).translate(_BARS).strip().removeprefix("|").removesuffix("|").split("|")
    return [_PICTURE.sub(r"\1", part).strip().strip("*`").strip() for part in parts]


def spaced(line: str) -> list[str]:
    """Split columns separated by two blanks or a tab."""
    return [part.strip() for part in _BLANKS.split(line.strip())]


def separated(mark: str) -> Split:
    """Split a row of a CSV file. Each line is parsed separately: an unclosed quote costs only one row."""

    def split(line: str) -> list[str]:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])]
        except csv.Error:
            return []

    return split


BLANKS = ("  ",)
SPLITS: tuple[tuple[tuple[str, ...], Split], ...] = (  # by signs one of which is in the line
    *(((mark,), separated(mark)) for mark in "\t;,"),
    (("|", "│", "┃", "║"), barred),
    (BLANKS, spaced),
)
