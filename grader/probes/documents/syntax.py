"""Parses the code of a submission: files and notebook cells, never run."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.probes.documents.text import decode, read_bytes

MOST_CODE = 500_000  # characters in all: nobody writes that much, and a syntax tree takes a hundred times the memory
# IPython's own lines are no Python: %matplotlib inline, !pip install, names = !ls, model?
_MAGIC = (
    (re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE), r"\1pass"),
    (re.compile(r"^([ \t]*[\w, \t]{1,80}=)[ \t]*[%!].*$", re.MULTILINE), r"\1 None"),
    (re.compile(r"^([ \t]*)[\w.]+\?{1,2}[ \t]*$", re.MULTILINE), r"\1pass"),
)
# a cell that begins with another magic than these is not Python: %%bash, %%html, %%latex
_OF_PYTHON = re.compile(r"%%(?:capture|prun|python3?|time|timeit|writefile[ \t].*\.py[ \t]*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """Parsed code: a file, or a cell of a notebook."""

    source: str
    code: str
    tree: ast.Module


def read_code(names: list[str], files: Mapping[str, int]) -> list[list[Piece]]:
    """Yield every file and notebook in pieces, up to a limit."""
    documents = []
    left = MOST_CODE
    for name in names:
        pieces = []
        for source, code in cells(name, decode(read_bytes(files, name))):
            tree = parsed(code) if len(code) <= left else None
            if tree is not None:
                left -= len(code)
                pieces.append(Piece(source, code, tree))
        documents.append(pieces)
    return documents


def cells(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield Python code with its label: a file, or each cell of a notebook."""
    if not name.casefold().endswith(".ipynb"):
        yield name, text
        return
    try:
        found = json.loads(text).get("cells", [])
    except (ValueError, AttributeError, RecursionError):
        return
    for number, cell in enumerate(found if isinstance(found, list) else [], start=1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            lines = "".join(map(str, source)) if isinstance(source, list) else str(source)
            yield f"{name}, cell {number}", lines


def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree; None if the code is not Python even without IPython's own lines."""
    for attempt in (code, _without_magic(code)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a student's "\d" in a string is no concern of ours
                return ast.parse(attempt)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _without_magic(code: str) -> str:
    """Return a cell's Python, line for line: a magic line becomes `pass`, a cell in another language nothing."""
    if code.lstrip().startswith("%%") and not _OF_PYTHON.match(code.lstrip()):
        return ""
    for pattern, instead in _MAGIC:
        code = pattern.sub(instead, code)
    return code
