"""Extracts the text of a written report for the person who marks it: bounded, without terminal control characters."""

from __future__ import annotations

import textwrap
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate, groupby, islice
from typing import Any

from grader.probes.documents.documents import MOST_LINE, Line, bounded, lines, part_name, plain
from grader.probes.documents.text import read_bytes, storable
from grader.probes.refusals import Phrase, phrase

WIDTH = 160  # characters: a paragraph that is one line of Markdown is read on several
PIECE = 100  # lines that are shown at once
MOST_CHARACTERS = 60_000  # about 25 pages
MOST_PIECES = 300
LONGEST = 2 * MOST_LINE  # of a line as it is read: so much more is read, to know whether more is there


def read_report(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the documents `inputs["names"]`. Returns the fields of evidence.WrittenReport."""
    pages: list[dict[str, Any]] = []
    unread: list[Phrase] = []
    left = MOST_CHARACTERS
    whole = True
    for name in inputs["names"]:
        if name.casefold().endswith(".docx"):
            unread.append(phrase("word_file", file=storable(name[:200])))
            continue
        try:
            shown = list(bounded(lines(name, read_bytes(files, name)), left + LONGEST))
        except Exception as error:
            unread.append(phrase("unread_file", file=storable(name[:200]), kind=type(error).__name__))
            continue
        ends = list(accumulate(len(line.text) for line in shown))
        fitting = bisect_right(ends, left)
        whole = whole and fitting == len(shown)
        left -= ends[fitting - 1] if fitting else 0
        pages += _pieces(name, shown[:fitting])
    return {"pages": pages[:MOST_PIECES], "whole": whole and len(pages) <= MOST_PIECES, "unread": unread[:50]}, {}


def _pieces(name: str, shown: list[Line]) -> Iterator[dict[str, Any]]:
    """Split non-blank lines into pieces of bounded length."""
    unit = "page" if part_name(name) else "line"
    for part, group in groupby(shown, key=lambda line: line.part):
        numbered = ((line.number, piece) for line in group for piece in _wrapped(line.text))
        while piece := list(islice(numbered, PIECE)):
            first = part if unit == "page" else piece[0][0]
            yield {"file": storable(name)[:500], "unit": unit, "first": first, "lines": [text for _, text in piece]}


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(plain(text), WIDTH, drop_whitespace=False) if text.strip() else []
