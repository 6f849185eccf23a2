"""How the submission normalised its images, read from its code without running it."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grader.probes.literals import constants, evaluate
from grader.probes.text import decode, read_bytes

OTHER_TASKS = ("exp1.py", "extract_features.py", "retrieve.py")  # these normalise for other networks
_TEST = re.compile(r"test|val|eval|infer", re.IGNORECASE)
_TRAIN = re.compile(r"train|augment", re.IGNORECASE)
_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)  # IPython's own lines are no Python
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Found:
    mean: Triple
    std: Triple
    resize: int
    source: str
    line: int
    rank: int  # 0: a transform for testing; 1: any; 2: one for training


def read_preprocessing(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Find `transforms.Normalize`, else constants MEAN and STD, else ToTensor alone, in the order of `inputs["names"]`.

    Returns the fields of evidence.Preprocessing, or {"found": False} where no file tells.
    """
    for name in inputs["names"]:
        if name.rpartition("/")[2] in OTHER_TASKS:
            continue
        found = [item for source, code in _code(name, read_bytes(files, name)) for item in _in_source(source, code)]
        if found:
            best = min(found, key=lambda item: item.rank)
            others = {
                f"{item.source}, line {item.line}: mean {item.mean}, std {item.std}"
                for item in found
                if (item.mean, item.std) != (best.mean, best.std)
            }
            fields = {"mean": best.mean, "std": best.std, "resize": best.resize, "source": best.source[:300]}
            return {**fields, "line": best.line, "also_found": sorted(others)[:20]}, {}
    return {"found": False}, {}


def _code(name: str, data: bytes) -> Iterator[tuple[str, str]]:
    """Pieces of Python code with what to call them: a file, or each cell of a notebook."""
    text = decode(data)
    if not name.endswith(".ipynb"):
        yield name, text
        return
    try:
        cells = json.loads(text).get("cells", [])
    except (ValueError, AttributeError, RecursionError):
        return
    for number, cell in enumerate(cells if isinstance(cells, list) else [], start=1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            lines = "".join(map(str, source)) if isinstance(source, list) else str(source)
            yield f"{name}, cell {number}", _MAGIC.sub("pass", lines)


def _in_source(source: str, code: str) -> list[_Found]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's "\d" in a string is no concern of ours
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = constants(tree)
    found = list(_normalise_calls(tree, names, source))
    if found:
        return found
    upper = {name.upper(): value for name, value in names.items()}
    mean, std = _triple(upper.get("MEAN")), _triple(upper.get("STD"))
    if mean and std:
        return [_Found(mean, std, 0, source, _line_of(tree, "MEAN"), 1)]
    line = _line_of(tree, "TOTENSOR")
    return [_Found((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0, source, line, 1)] if line and _on_cifar(code) else []


def _normalise_calls(tree: ast.AST, names: Mapping[str, Any], source: str) -> Iterator[_Found]:
    for purpose, call, siblings in _calls(tree):
        mean, std = _argument(call, 0, "mean", names), _argument(call, 1, "std", names)
        if mean and std and all(std):
            rank = 0 if _TEST.search(purpose) else 2 if _TRAIN.search(purpose) else 1
            yield _Found(mean, std, _resize(siblings, names), source, call.lineno, rank)


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call, list[ast.expr]]]:
    """Each Normalize(...), with the name that the statement around it binds and the other steps of its Compose."""
    seen: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.Expr | ast.Return | ast.keyword):
            continue
        purpose = _purpose(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.List | ast.Tuple):
                for item in inner.elts:
                    if _is_call(item, "Normalize") and id(item) not in seen and purpose is not None:
                        seen.add(id(item))
                        yield purpose, item, inner.elts  # type: ignore[misc]
    for inner in ast.walk(tree):
        if _is_call(inner, "Normalize") and id(inner) not in seen:
            yield "", inner, []  # type: ignore[misc]


def _purpose(node: ast.AST) -> str | None:
    match node:
        case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target):
            return ast.unparse(target)
        case ast.Expr() | ast.Return() | ast.keyword():
            return ""
    return None


def _is_call(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)):
            return called == name
    return False


def _argument(call: ast.Call, position: int, keyword: str, names: Mapping[str, Any]) -> Triple | None:
    given = [item.value for item in call.keywords if item.arg == keyword] or call.args[position : position + 1]
    return _triple(evaluate(given[0], names)) if given else None


def _triple(value: Any) -> Triple | None:
    """Three numbers, one a channel; a single one stands for all three, as torchvision broadcasts it."""
    items = value if isinstance(value, tuple) else (value,)
    if len(items) == 1:
        items = items * 3
    if len(items) != 3 or not all(isinstance(item, int | float) and abs(item) < 1000 for item in items):
        return None
    return float(items[0]), float(items[1]), float(items[2])


def _resize(siblings: list[ast.expr], names: Mapping[str, Any]) -> int:
    """Side in pixels that a Resize beside the Normalize asks for; 0 for none."""
    for item in siblings:
        if _is_call(item, "Resize") and isinstance(item, ast.Call) and item.args:
            side = evaluate(item.args[0], names)
            side = side[0] if isinstance(side, tuple) and side else side
            if isinstance(side, int) and 8 <= side <= 512:
                return side
    return 0


def _line_of(tree: ast.AST, word: str) -> int:
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name.upper() == word and hasattr(node, "lineno"):
            return int(node.lineno)
    return 0


def _on_cifar(code: str) -> bool:
    return "CIFAR" in code.upper()
