"""Finds open tasks of the template: those whose `raise NotImplementedError("2.1: ...")` is still in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from grader.probes.documents.syntax import Piece, read_code
from grader.probes.documents.text import storable

MOST_TASKS = 50  # the template has eight
_TASK = re.compile(r"(\d{1,3}\.\d{1,3}): (.+)")


def read_tasks(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Find the open tasks in `inputs["names"]`, by file and line. Returns the fields of evidence.Tasks."""
    pieces = [piece for document in read_code(inputs["names"], files) for piece in document]
    return {"open": [task for piece in pieces for task in _open(piece)][:MOST_TASKS]}, {}


def _open(piece: Piece) -> Iterator[dict[str, Any]]:
    try:
        raised = [node for node in ast.walk(piece.tree) if isinstance(node, ast.Raise)]
    except RecursionError:  # nested so deeply that no person wrote it
        return
    for node in sorted(raised, key=lambda node: node.lineno):
        match node.exc:
            case ast.Call(func=ast.Name(id="NotImplementedError"), args=[ast.Constant(value=str(said))]):
                if task := _TASK.fullmatch(said):
                    place = {"file": storable(piece.source)[:300], "line": node.lineno}
                    yield {"number": task[1], "text": storable(task[2])[:300], **place}
