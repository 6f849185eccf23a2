"""Looks, in a process in which no student code has run, whether a module that student code missed is really missing."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from grader.probes.code import inert
from grader.probes.code.script import Piece, read_script
from grader.probes.refusals import Refuse


def look_for(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return whether `inputs["name"]` and its first part can be imported here, and whether the line raises by hand.

    The submission is not on the path, so what is found is installed, or has a stand-in; `inputs["line"]` of
    `inputs["place"]` is where the error is said to come from, and is parsed, not run.
    """
    del files
    inert.install()
    name = str(inputs["name"])
    return {
        "there": _can_be_imported(name),
        "top": _can_be_imported(name.partition(".")[0]),
        "by_hand": any(_raises(piece, int(inputs["line"])) for piece in _pieces(inputs["files"], inputs["place"])),
    }, {}


def _can_be_imported(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError as error:
        return not isinstance(error, ModuleNotFoundError)
    except Exception:  # it is there, and broken: student code would have met that instead
        return True
    return True


def _pieces(files: Iterable[str], place: str) -> Iterable[Piece]:
    """Yield the pieces that a traceback calls by this name, of which it keeps the last three parts."""
    for file in files:
        try:
            pieces = read_script(file).pieces
        except Refuse:
            continue
        yield from (piece for piece in pieces if "/".join(piece.path.split("/")[-3:]).endswith(place))


def _raises(piece: Piece, line: int) -> bool:
    """Whether the line raises an exception of its own making: not again, and not instead of another one."""
    caught = {
        id(inside) for node in ast.walk(piece.tree) if isinstance(node, ast.ExceptHandler) for inside in ast.walk(node)
    }
    raising = [node for node in ast.walk(piece.tree) if isinstance(node, ast.Raise) and node.exc and not node.cause]
    return any(node.lineno <= line <= (node.end_lineno or node.lineno) and id(node) not in caught for node in raising)
