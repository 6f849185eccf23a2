"""Reads a student's code in pieces that can be run: a file, or the cells of a notebook."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.probes.documents.syntax import MOST_CODE, cells, parsed
from grader.probes.documents.text import decode, storable
from grader.probes.refusals import Refuse
from grader.probes.roots import roots

NOTEBOOK = ".ipynb"
WRITES = re.compile(r"%%writefile[ \t]+(?:-a[ \t]+)?(?:\./)?(\w{1,80})\.py")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a cell. `path` is what a traceback names it by; `cell` counts from 1, and is 0 for a file."""

    path: str
    cell: int
    tree: ast.Module
    writes: str = ""  # the module that a cell is written to: %%writefile nets.py


@dataclass(frozen=True)
class Script:
    """A file of the submission in its pieces."""

    file: str
    pieces: tuple[Piece, ...]

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """Every statement at the top level, in order."""
        return tuple(statement for piece in self.pieces for statement in piece.tree.body)

    @property
    def levels(self) -> int:
        """How many packages the relative imports go up: 1 for `from .blocks import Block`; 0 if there are none."""
        nodes = (node for statement in self.statements for node in ast.walk(statement))
        return max((node.level for node in nodes if isinstance(node, ast.ImportFrom)), default=0)


def read_script(file: str) -> Script:
    """Read a file of the submission. Raises Refuse if it is not Python."""
    path = Path(roots().submission) / file
    try:
        data = path.read_bytes()
        if file.casefold().endswith(NOTEBOOK):
            return Script(file, tuple(_cells(file, path, data)))
        return Script(file, (Piece(str(path), 0, ast.parse(data)),))
    except SyntaxError as error:
        code = storable((error.text or "").strip())
        raise Refuse("code_syntax", file=file, line=error.lineno or 0, problem=error.msg, code=code[:100]) from error
    except (ValueError, RecursionError, OSError) as error:
        raise Refuse("code_syntax", file=file, line=0, problem=storable(str(error)), code="") from error


def _cells(file: str, path: Path, data: bytes) -> Iterable[Piece]:
    """Yield the cells that are Python; one that is not costs no other."""
    left = MOST_CODE
    for source, code in cells(path.name, decode(data)):
        left -= len(code)
        tree = parsed(code) if left >= 0 else None
        if tree is None:
            continue
        named = f"{path.parent}/{source}"
        linecache.cache[named] = (len(code), None, code.splitlines(keepends=True), named)  # a traceback quotes them
        written = WRITES.match(code.lstrip())
        yield Piece(named, int(source.rpartition(" ")[2]), tree, written[1] if written else "")


def is_main_guard(statement: ast.stmt) -> bool:
    """Return whether a statement is `if __name__ == "__main__":`."""
    return isinstance(statement, ast.If) and "__name__" in {
        node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)
    }
