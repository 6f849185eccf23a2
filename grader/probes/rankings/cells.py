"""Lines of tables cut into cells: Markdown and drawn boxes, LaTeX, CSV, columns of blanks."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator

Split = Callable[[str], list[str]]
_BAR = re.compile(r"[|│┃║]")
_BLANKS = re.compile(r"\t|\s{2,40}")
_BREAK = re.compile(r"<br\s?/?>", re.IGNORECASE)
_PICTURE = re.compile(r"!?\[[^\[\]]{0,200}\]\(([^()\s]{1,300})\)")
_MULTI = re.compile(
    r"\\multi(?:row|column)(?:\[[^\]]{0,20}\])?\s?\{[^{}]{0,40}\}\s?(?:\[[^\]]{0,20}\])?\{[^{}]{0,40}\}"
)
_COMMAND = re.compile(r"\\(?!(?:begin|end)\b)[a-zA-Z]{1,30}\*?(?:\[[^\]]{0,60}\])?\s?\{([^{}]{0,300})\}")
_RULE = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|centering|cline\{[^}]{0,20}\}|cmidrule(?:\([a-z]{1,2}\))?\{[^}]{0,20}\}|"
    r"(?:begin|end)\{[^}]{0,30}\}(?:\[[^\]]{0,10}\])?(?:\{[^}]{0,60}\})?|[a-zA-Z]{1,30}(?![a-zA-Z]))"
)
_VERB = re.compile(r"\\(?:verb|lstinline)([^\w\s{])(.{0,300}?)\1")
_ESCAPED = re.compile(r"\\([_%&#${}])")


def barred(line: str) -> list[str]:
    """A row of a Markdown table, or of one that is drawn with bars."""
    parts = _BAR.split(_BREAK.sub(" ", line).strip())
    parts = parts[1:] if not parts[0].strip() else parts
    parts = parts[:-1] if parts and not parts[-1].strip() and line.rstrip()[-1:] in "|│┃║" else parts
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


SPLITS: tuple[tuple[str, Split], ...] = (
    *((mark, separated(mark)) for mark in "\t;,"),
    ("|", barred),
    ("  ", spaced),
)


def without_tex(text: str) -> str:
    """What LaTeX would print of it, near enough."""
    text = _VERB.sub(r"\2", text).replace("\\textbackslash{}", "/").replace("\\textbackslash", "/")
    text = _MULTI.sub("", text)
    text = _ESCAPED.sub(lambda match: match[1] if match[1] not in "{}&" else " ", text)
    for _ in range(4):
        text = _COMMAND.sub(r"\1", text)
    return _RULE.sub("", text).replace("$", "").replace("{", "").replace("}", "").replace("~", " ").replace("``", '"')


def tex_rows(text: str) -> Iterator[list[str]]:
    r"""The cells of the rows that end in \\ within the text."""
    for row in re.split(r"\\\\(?:\[[^\]]{0,10}\])?", text):
        if "&" in row:
            yield [without_tex(cell).strip() for cell in re.split(r"(?<!\\)&", row)]
