"""Lines of tables cut into cells: Markdown and drawn boxes, CSV, columns of blanks."""

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
    """A row of a Markdown table, or of one that is drawn with bars."""
    parts = _BREAK.sub(" ", line).translate(_BARS).strip().removeprefix("|").removesuffix("|").split("|")
    return [_PICTURE.sub(r"\1", part).strip().strip("*`").strip() for part in parts]


def spaced(line: str) -> list[str]:
    """Columns that two blanks or a tab keep apart."""
    return [part.strip() for part in _BLANKS.split(line.strip())]


def separated(mark: str) -> Split:
    """A row of a CSV file. Each line stands for itself: a quote that is never closed costs one row."""

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
