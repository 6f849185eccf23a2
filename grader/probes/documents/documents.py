"""Reads the lines of a submitted document: of a text file, a page, a PDF, or a notebook's printed output."""

from __future__ import annotations

import html
import io
import json
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from grader.probes.documents.text import decode, storable

MOST_LINES = 20_000
PRINTED = ("ipynb", "log", "csv")  # the lines of such a document were printed by a program, without markup
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

        pages = PdfReader(io.BytesIO(data)).pages
        yield from _pages(pages, range(min(len(pages), MOST_PAGES)))
    else:
        yield from islice(_numbered(_text(kind, data)), MOST_LINES)


class Ends(NamedTuple):
    """The beginning and the end of what a document shows; `whole` if there is nothing between them."""

    lines: list[Line]
    whole: bool


def both_ends(name: str, data: bytes, left: int = MOST_TEXT) -> Ends:
    """Read a document as `lines` does, but its end too, where all of it is more than `left` characters.

    A long paragraph of a text is folded; a long line that a program printed is cut.
    """
    kind = name.rpartition(".")[2].casefold()
    if kind == "ipynb":
        return _outermost(_notebook_output(json.loads(decode(data)), most=None), left, folded=False)
    if kind == "pdf":
        from pypdf import PdfReader

        pages = PdfReader(io.BytesIO(data)).pages
        half = MOST_PAGES // 2
        few = len(pages) <= MOST_PAGES
        chosen = range(len(pages)) if few else [*range(half), *range(len(pages) - half, len(pages))]
        found = _outermost(_pages(pages, chosen), left, folded=True)
        return found._replace(whole=found.whole and few)
    head, tail, skipped = _cut(_newlines(_text(kind, data)), left)
    last = (line._replace(number=line.number + skipped) for line in _numbered(tail, most=None))
    pieces = chain(_numbered(head, most=None), last if skipped else ())
    found = _outermost(pieces, left, folded=kind not in PRINTED)
    return found._replace(whole=found.whole and not skipped)


def _cut(text: str, left: int) -> tuple[str, str, int]:
    """Return beginning and end of a text with more than can be read, and how many lines the end comes after.

    Nothing is cut from a shorter text: then that number is 0.
    """
    count = text.count("\n")
    if count <= MOST_LINES and len(text) <= 4 * left:
        return text, "", 0
    half = MOST_LINES // 2
    head = text[: 2 * left].split("\n", half)[:half]
    tail = text[-2 * left :].rsplit("\n", half)[-half:]
    return "\n".join(head), "\n".join(tail), max(1, count + 1 - len(tail))


def _outermost(pieces: Iterable[Line], left: int, folded: bool) -> Ends:
    """Keep the first and the last lines, each up to half of the characters and lines that are read."""
    whole, begun = True, False
    first: list[Line] = []
    last: deque[Line] = deque()
    room = {"first": left // 2, "last": left - left // 2}
    for line in pieces:
        if not folded and len(line.text) > MOST_LINE:
            whole = False
        for text in _folded(line.text) if folded else (line.text[: 2 * MOST_LINE],):
            begun = begun or len(text) > room["first"] or len(first) >= MOST_LINES // 2
            if not begun:
                first.append(line._replace(text=text))
                room["first"] -= len(text)
                continue
            last.append(line._replace(text=text))
            room["last"] -= len(text)
            while last and (room["last"] < 0 or len(last) > MOST_LINES // 2):
                room["last"] += len(last.popleft().text)
                whole = False
    return Ends([*first, *last], whole)


def _folded(text: str) -> Iterator[str]:
    """Split a paragraph that is one long line where a word or a clause ends."""
    start = 0
    while len(text) - start > MOST_LINE:
        end = max(text.rfind(mark, start, start + MOST_LINE) for mark in " 。，；") + 1
        end = end if end > start else start + MOST_LINE
        yield text[start:end]
        start = end
    yield text[start:]


def _pages(pages: Any, chosen: Iterable[int]) -> Iterator[Line]:
    for index in chosen:
        for text in pages[index].extract_text().splitlines()[:MOST_LINES]:
            yield Line(0, index + 1, text)


def _text(kind: str, data: bytes) -> str:
    text = decode(data)
    return _shown_by_browser(text) if kind in ("html", "htm") else text


def part_name(name: str) -> str:
    """Return what `part` counts in such a document: "page", "cell", or "" if lines are numbered."""
    return {"pdf": "page", "ipynb": "cell"}.get(name.rpartition(".")[2].casefold(), "")


def _numbered(text: str, most: int | None = MOST_LINES) -> Iterator[Line]:
    """Number lines as editors do: a progress bar that overwrites itself with carriage returns is one line."""
    for number, line in enumerate(_newlines(text).split("\n")[:most], start=1):
        for piece in _BREAKS.split(line):
            yield Line(number, 0, piece)


def _newlines(text: str) -> str:
    if "\n" not in text:
        return text.replace("\r", "\n")  # as old Macs end their lines
    return text.replace("\r\n", "\n")


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


def _notebook_output(notebook: Any, most: int | None = MOST_LINES) -> Iterator[Line]:
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        for output in cell.get("outputs", []) if isinstance(cell, dict) else ():
            text = output.get("text") or output.get("data", {}).get("text/plain") or ""
            joined = "".join(map(str, text)) if isinstance(text, list) else str(text)
            for line in joined.splitlines()[:most]:
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
