"""Reads the lines of a submitted document: of a text file, a page, a PDF, or a notebook's printed output."""

from __future__ import annotations

import html
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from grader.probes.documents.text import decode, storable

MOST_LINES = 20_000
MOST_LINE = 2_000  # characters
MOST_PAGES = 100
MOST_TEXT = 2_000_000  # characters in all: four logs with a line a batch
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[ -/]{0,5}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_TAG = re.compile(r"(<[^<>]{1,2000}>)")
_NAME = re.compile(r"</?\s*([a-z]+[1-6]?)", re.IGNORECASE)
_BLOCKS = {"p", "div", "br", "li", "ul", "ol", "tr", "table", "pre", "hr", *(f"h{number}" for number in range(1, 7))}
_NOT_SHOWN = {"head", "script", "style"}
_BREAKS = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # a progress bar's; a new page's


class Line(NamedTuple):
    """One line as shown, not yet cleaned. `number` counts lines of text files, `part` counts pages or cells; else 0."""

    number: int
    part: int
    text: str


def lines(name: str, data: bytes) -> Iterator[Line]:
    """Yield what the document shows, line by line; raises what the reader of its format raises."""
    kind = name.rpartition(".")[2].casefold()
    if kind == "ipynb":
        yield from _notebook_output(json.loads(decode(data)))
    elif kind == "pdf":
        from pypdf import PdfReader

        for number, page in enumerate(PdfReader(io.BytesIO(data)).pages[:MOST_PAGES], start=1):
            for text in page.extract_text().splitlines()[:MOST_LINES]:
                yield Line(0, number, text)
    else:
        text = decode(data)
        yield from islice(_numbered(_shown_by_browser(text) if kind in ("html", "htm") else text), MOST_LINES)


def part_name(name: str) -> str:
    """Return what `part` counts in such a document: "page", "cell", or "" if lines are numbered."""
    return {"pdf": "page", "ipynb": "cell"}.get(name.rpartition(".")[2].casefold(), "")


def _numbered(text: str) -> Iterator[Line]:
    """Number lines as editors do: a progress bar that overwrites itself with carriage returns is one line."""
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as old Macs end their lines
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")[:MOST_LINES], start=1):
        for piece in _BREAKS.split(line):
            yield Line(number, 0, piece)


def _shown_by_browser(page: str) -> str:
    """Return the text of a page, such as what students write on a platform; a block of it is a line."""
    shown: list[str] = []
    hidden = ""  # the element that shows nothing, up to its end
    for piece in _TAG.split(page):
        found = _NAME.match(piece) if piece.startswith("<") else None
        name = found[1].casefold() if found else ""
        if hidden:
            hidden = "" if name == hidden and piece.startswith("</") else hidden
        elif name in _NOT_SHOWN and not piece.startswith("</"):
            hidden = name
        elif name in _BLOCKS:
            shown.append("\n")
        elif not name and not piece.startswith("<!--"):
            shown.append(" ".join(piece.split("\n")))
    text = html.unescape("".join(shown))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _notebook_output(notebook: Any) -> Iterator[Line]:
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        for output in cell.get("outputs", []) if isinstance(cell, dict) else ():
            text = output.get("text") or output.get("data", {}).get("text/plain") or ""
            joined = "".join(map(str, text)) if isinstance(text, list) else str(text)
            for line in joined.splitlines()[:MOST_LINES]:
                yield Line(0, number, line)


def bounded(pieces: Iterator[Line], left: int = MOST_TEXT) -> Iterator[Line]:
    """Yield lines up to a total of `left` characters; long lines are cut."""
    for line in pieces:
        text = line.text[: 2 * MOST_LINE]
        left -= len(text)
        if left < 0:
            return
        yield line._replace(text=text)


def plain(text: str) -> str:
    """Remove colours, replace full-width digits and punctuation by ordinary ones, and bound the length."""
    text = _ESCAPES.sub("", text)
    if not text.isascii():
        text = storable(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
    return text[:MOST_LINE]
