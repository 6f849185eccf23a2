"""Reads from the code, without running it, how the submission normalised its images."""

from __future__ import annotations

import ast
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grader.probes.documents.literals import constants, evaluate
from grader.probes.documents.syntax import Piece, read_code
from grader.probes.refusals import Phrase, phrase

_TEST = re.compile(r"test|val|eval|infer", re.IGNORECASE)
_TRAIN = re.compile(r"train|augment", re.IGNORECASE)
Triple = tuple[float, float, float]
Names = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Found:
    mean: Triple
    std: Triple
    sides: tuple[int, int]  # that it is resized to and of the centre that is kept, pixels; 0 for neither
    source: str
    line: int
    rank: int  # 0: a transform for testing; 1: any; 2: one for training


def read_preprocessing(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Find `transforms.Normalize`, else constants MEAN and STD, else ToTensor alone, in the order of `inputs["names"]`.

    Files named in `inputs["beside"]` are about other networks.

    Returns the fields of evidence.Preprocessing, or {"found": False} if no file says; "also_found" then names
    what looks like a normalisation but could not be read without running it.
    """
    names = [name for name in inputs["names"] if name.rpartition("/")[2].casefold() not in inputs["beside"]]
    documents = read_code(names, files)
    bound = [_constants(document) for document in documents]
    unread: list[Phrase] = []
    for document, own in zip(documents, bound, strict=True):
        try:
            found = _in_document(document, ChainMap(own, *bound), unread)
        except RecursionError:  # nested so deeply that no person wrote it
            continue
        if found:
            return _fields(found), {}
    return {"found": False, "also_found": unread[:20]}, {}


def _fields(found: list[_Found]) -> dict[str, Any]:
    best = min(found, key=lambda item: item.rank)
    others = {
        (item.source, item.line, str(item.mean), str(item.std))
        for item in found
        if (item.mean, item.std) != (best.mean, best.std)
    }
    resize, crop = best.sides
    return {
        "mean": best.mean, "std": best.std, "resize": resize, "crop": crop,
        "source": best.source[:300], "line": best.line, "also_found": [_place(*other) for other in sorted(others)[:20]],
    }  # fmt: skip


# --- names ----------------------------------------------------------------------------------------------------


def _constants(document: list[Piece]) -> dict[str, Any]:
    """Return the names bound to numbers; a notebook's cells share them."""
    found: dict[str, Any] = {}
    for piece in document:
        try:
            found |= constants(piece.tree)
        except RecursionError:
            continue
    return found


def _aliases(document: list[Piece], names: Names) -> dict[str, Any]:
    """Return constants of the submission's other files under the names by which this file imports them."""
    imported = [
        alias for piece in document for node in ast.walk(piece.tree) if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]  # fmt: skip
    return {alias.asname: names[alias.name] for alias in imported if alias.asname and alias.name in names}


# --- normalisations --------------------------------------------------------------------------------------------


def _place(file: str, line: int, mean: str, deviation: str) -> Phrase:
    return phrase("normalised_by", file=file, line=line, mean=mean, deviation=deviation)


def _in_document(document: list[Piece], names: Names, unread: list[Phrase]) -> list[_Found]:
    """Read one file or notebook. A Normalize that cannot be read is added to `unread`; nothing is guessed."""
    names = ChainMap(_aliases(document, names), names)  # type: ignore[arg-type]
    found: list[_Found] = []
    unclear: list[Phrase] = []
    for piece in document:
        for purpose, call, siblings in _calls(piece.tree):
            mean, std = _argument(call, 0, "mean", names), _argument(call, 1, "std", names)
            if mean and std and min(std) > 0:
                rank = 0 if _TEST.search(purpose) else 2 if _TRAIN.search(purpose) else 1
                found.append(_Found(mean, std, _sides(siblings, names), piece.source, call.lineno, rank))
            else:
                code = ast.unparse(call)[:200]
                unclear.append(phrase("place_said", file=piece.source, line=call.lineno, said=code))
    if found or unclear:
        unread += unclear
        return found
    return _by_name(document, names) or _to_tensor_alone(document)


def _by_name(document: list[Piece], names: Names) -> list[_Found]:
    """Find the template's constants MEAN and STD, three numbers each."""
    for piece in document:
        for mean_name, std_name in (("MEAN", "STD"), ("mean", "std")):
            mean, std = names.get(mean_name), names.get(std_name)
            line = _line_of(piece.tree, mean_name)
            if line and isinstance(mean, tuple) and isinstance(std, tuple):
                means, stds = _triple(mean), _triple(std)
                if means and stds and min(stds) > 0:
                    return [_Found(means, stds, (0, 0), piece.source, line, 1)]
    return []


def _to_tensor_alone(document: list[Piece]) -> list[_Found]:
    """Detect pixels from 0 to 1 without normalisation, if code that mentions CIFAR turns images into tensors."""
    if not any("CIFAR" in piece.code.upper() for piece in document):
        return []
    places = ((piece.source, _line_of(piece.tree, "ToTensor")) for piece in document)
    return [_Found((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0, 0), source, line, 1) for source, line in places if line][:1]


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call, list[ast.expr]]]:
    """Yield each Normalize(...), with the name that says its purpose and the other steps of its Compose."""
    pending: list[tuple[ast.AST, str, list[ast.expr]]] = [(tree, "", [])]
    while pending:
        node, purpose, siblings = pending.pop()
        if isinstance(node, ast.Call) and _is_call(node, "Normalize"):
            yield purpose, node, siblings
            continue
        steps = _steps(node)
        within = [(child, name if _tells(name) else purpose, steps) for child, name in _named_children(node)]
        pending += reversed(within)


def _tells(name: str) -> bool:
    return bool(_TEST.search(name) or _TRAIN.search(name))


def _named_children(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield children with the name this node gives them: the target of an assignment, a dict's key, a split."""
    match node:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                yield value, key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            return
        case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target):
            name = _identifier(target)
        case ast.FunctionDef(name=name):
            pass
        case ast.Call(keywords=keywords):
            name = next((_split(item.value) for item in keywords if item.arg == "train"), "")
        case _:
            name = ""
    for child in ast.iter_child_nodes(node):
        yield child, name


def _identifier(target: ast.expr) -> str:
    """Return the name that an assignment binds: `test_transform`, `self.test_transform`, `transform["test"]`."""
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _split(train: ast.expr) -> str:
    """Return the split that a transform is for, as in CIFAR10(train=False, transform=...)."""
    if isinstance(train, ast.Constant) and isinstance(train.value, bool):
        return "train" if train.value else "test"
    return ""


def _steps(node: ast.AST) -> list[ast.expr]:
    """Return the steps of a Compose, if the node lists them."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return items
        case ast.Call(args=items) if _is_call(node, "Sequential"):  # of torch.nn, as torchvision's v2 allows
            return items
    return []


def _is_call(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)):
            return called == name
    return False


def _argument(call: ast.Call, position: int, keyword: str, names: Names) -> Triple | None:
    given = [item.value for item in call.keywords if item.arg == keyword]
    if given:
        return _triple(evaluate(given[0], names))
    if call.args and isinstance(call.args[0], ast.Starred):  # Normalize(*stats)
        whole = evaluate(call.args[0].value, names)
        return _triple(whole[position]) if isinstance(whole, tuple) and len(whole) == 2 else None
    return _triple(evaluate(call.args[position], names)) if len(call.args) > position else None


def _triple(value: Any) -> Triple | None:
    """Return three numbers, one per channel; a single one is broadcast to all three, as in torchvision."""
    items = value if isinstance(value, tuple) else (value,)
    if len(items) == 1:
        items = items * 3
    if len(items) != 3 or not all(isinstance(item, int | float) and abs(item) < 1000 for item in items):
        return None
    return float(items[0]), float(items[1]), float(items[2])


def _sides(siblings: list[ast.expr], names: Names) -> tuple[int, int]:
    """Return the sides in pixels of a Resize and a CenterCrop next to the Normalize; 0 if there is none."""
    return _side("Resize", siblings, names), _side("CenterCrop", siblings, names)


def _side(step: str, siblings: list[ast.expr], names: Names) -> int:
    for item in siblings:
        if _is_call(item, step) and isinstance(item, ast.Call):
            given = [word.value for word in item.keywords if word.arg == "size"] or item.args[:1]
            side = evaluate(given[0], names) if given else None
            side = side[0] if isinstance(side, tuple) and side else side
            if isinstance(side, int) and 8 <= side <= 512:
                return side
    return 0


def _line_of(tree: ast.AST, word: str) -> int:
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name == word and hasattr(node, "lineno"):
            return int(node.lineno)
    return 0
