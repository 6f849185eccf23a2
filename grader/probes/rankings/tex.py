r"""Renders LaTeX approximately as printed: table rows between bars, captions before what they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LONGEST_ROW = 4_000  # characters
_VERBATIM = re.compile(r"\\(begin|end)\{(?:verbatim|lstlisting|minted)")
_HEADING = re.compile(r"\\(?:(?:sub){0,2}(?:section|paragraph)|caption|chapter)\*?(?:\[[^\]]{0,100}\])?\{(.{1,300})")
_VERB = re.compile(r"\\(?:verb|lstinline)([^\w\s{])(.{0,300}?)\1")
_MULTI = re.compile(
    r"\\multi(?:row|column)(?:\[[^\]]{0,20}\])?\s?\{[^{}]{0,40}\}\s?(?:\[[^\]]{0,20}\])?\{[^{}]{0,40}\}"
)
_ESCAPED = re.compile(r"\\([_%&#${}])")
_COMMAND = re.compile(r"\\(?!(?:begin|end)\b)[a-zA-Z]{1,30}\*?(?:\[[^\]]{0,60}\])?\s?\{([^{}]{0,300})\}")
_RULE = re.compile(
    r"\\(?:(?:cline|cmidrule)(?:\([a-z]{1,2}\))?\{[^}]{0,20}\}"
    r"|(?:begin|end)\{[^}]{0,30}\}(?:\[[^\]]{0,10}\])?(?:\{[^}]{0,60}\})?|[a-zA-Z]{1,30}(?![a-zA-Z]))"
)
_COMMENT = re.compile(r"(?<!\\)%.*")
_END_OF_ROW = re.compile(r"\\\\(?:\[[^\]]{0,10}\])?")
_CELL = re.compile(r"(?<!\\)&")


def printed(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that a reader of the printed page would see."""
    row, first, verbatim = "", 0, False
    for number, text in _captions_first(lines):
        if fence := _VERBATIM.search(text):
            verbatim = fence[1] == "begin"
        elif verbatim:
            yield number, text
        elif heading := _HEADING.search(text):
            yield number, "# " + _plain(heading[1])
        else:
            line = _COMMENT.sub("", text)
            if not row:
                first = number
            row = f"{row} {line}"
            if "\\\\" in row or "&" not in row or len(row) > LONGEST_ROW:
                yield from ((first, shown) for shown in _rows(row))
                row = ""


def _rows(text: str) -> Iterator[str]:
    for row in _END_OF_ROW.split(text):
        cells = [_plain(cell).strip() for cell in _CELL.split(row)]
        yield f"| {' | '.join(cells)} |" if len(cells) > 1 else cells[0]


def _plain(text: str) -> str:
    text = _VERB.sub(r"\2", text).replace("\\textbackslash{}", "/").replace("\\textbackslash", "/")
    text = _ESCAPED.sub(lambda match: match[1] if match[1] not in "{}&" else " ", _MULTI.sub("", text))
    for _ in range(4):
        text = _COMMAND.sub(r"\1", text)
    return _RULE.sub("", text).replace("$", "").replace("{", "").replace("}", "").replace("~", " ").replace("``", '"')


def _captions_first(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Move captions before their tables, so that they are read first."""
    held: list[tuple[int, str]] = []
    inside = False
    for number, text in lines:
        inside = inside or "\\begin{table" in text
        if inside and "\\caption" not in text:
            held.append((number, text))
        else:
            yield number, text
        if "\\end{table" in text:
            yield from held
            held, inside = [], False
    yield from held
