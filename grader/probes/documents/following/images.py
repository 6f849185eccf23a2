"""Methods and items of values: of images above all."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.probes.documents.following import datasets
from grader.probes.documents.following.arithmetic import NAMED, operate
from grader.probes.documents.following.conditions import LAB, data_set
from grader.probes.documents.following.state import State
from grader.probes.documents.following.values import (
    NOWHERE,
    Chain,
    DataSet,
    Given,
    Instance,
    Library,
    Method,
    Pixels,
    Seq,
    Step,
    Table,
    Unbound,
    Unknown,
    Value,
    either,
    numbers,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

# methods that leave the numbers as they are
SAME = {
    "to", "cuda", "cpu", "contiguous", "permute", "transpose", "view", "reshape", "clone", "detach", "numpy", "copy",
    "unsqueeze", "squeeze", "requires_grad_", "pin_memory", "flip", "swapaxes", "moveaxis", "convert", "expand",
    "repeat", "flatten", "type", "astype", "view_as", "expand_as", "unsqueeze_", "squeeze_", "eval", "train",
    "float", "half", "double", "bfloat16", "tolist", "item", "type_as", "prefetch", "shuffle", "index_select",
}  # fmt: skip
FLOATS = ("float", "half", "double", "bfloat16")


def note_inputs(state: State, value: Value) -> None:
    """Note the images that a network is given."""
    for leaf in state.leaves(value):
        if isinstance(leaf, Pixels) and not leaf.integer:
            state.notice(state.noticed.inputs, leaf)


def method(state: Calls, whole: Value, name: str) -> Value:
    """Return a method of a value."""
    match whole:
        case Chain() if name == "transforms":
            return whole.steps
        case Pixels() | Seq() | Table() | str() | Method() | Chain() | Step():
            return Method(whole, name)
    return state.unknown(f"{type(whole).__name__}.{name}")


def call_method(state: Calls, of: Method, given: Given) -> Value:
    """Return what a method returns."""
    whole, name = of.whole, of.name
    plain = name.removesuffix("_")
    if isinstance(whole, Pixels | Seq) and plain in NAMED and given.items:
        return operate(state, NAMED[plain], whole, given.items[0], given.place)
    match whole:
        case Pixels():
            return _of_pixels(state, whole, name, given)
        case Seq():
            return _of_sequence(state, whole, name, given)
        case Table():
            return _of_table(state, whole, name, given)
        case str() if name in ("upper", "lower", "strip") and not given.items:
            return {"upper": whole.upper, "lower": whole.lower, "strip": whole.strip}[name]()
        case str() if name == "format":
            return whole
    return state.unknown(f"{name}()@{given.place.source}:{given.place.line}")


def _of_pixels(state: Calls, pixels: Pixels, name: str, given: Given) -> Value:
    if name in FLOATS:
        return replace(pixels, integer=False)
    if name in ("to", "astype", "type"):
        kinds = [state.see(one) for one in (*given.items, *given.words.values())]
        return replace(pixels, integer=False) if any(map(is_float, kinds)) else pixels
    if name in SAME:
        return pixels
    return state.unknown(f"images.{name}()@{given.place.source}:{given.place.line}")


def is_float(kind: Value) -> bool:
    """Return whether this is a type of floats."""
    name = kind.name if isinstance(kind, Library) else kind if isinstance(kind, str) else ""
    return name.startswith(("float", "half", "double", "bfloat", "FloatTensor", "torch.Float"))


def _of_sequence(state: Calls, whole: Seq, name: str, given: Given) -> Value:
    if name in ("append", "extend", "insert") and given.items:
        _grow(state, whole, name, given)
        return None
    if name in SAME:
        return (
            Seq(whole.items, len(state.path), array=True) if name != "copy" else Seq(list(whole.items), len(state.path))
        )
    return state.unknown(f"sequence.{name}()@{given.place.source}:{given.place.line}")


def _grow(state: Calls, whole: Seq, name: str, given: Given) -> None:
    """Append or insert; an item that is there only under the conditions at hand is otherwise unbound."""
    new = list(state.each(state.see(given.items[-1]))) if name == "extend" else [given.items[-1]]
    kept = [state.under_path(one, Unbound(), whole.depth) for one in new]
    at = state.see(given.items[0]) if name == "insert" else len(whole.items)
    if len(whole.items) + len(kept) <= 60 and isinstance(at, int):
        whole.items[at:at] = kept


def _of_table(state: Calls, whole: Table, name: str, given: Given) -> Value:
    if name == "items":
        return Seq([Seq([key, value], len(state.path)) for key, value in whole.items.items()], len(state.path))
    if name in ("values", "keys"):
        return Seq(list(whole.items.values() if name == "values" else whole.items), len(state.path))
    if name == "get" and given.items:
        default = given.get(1, "default", None)
        key = state.see(given.items[0])
        plain = isinstance(key, str | int)
        return whole.items.get(key, default) if plain else item(state, whole, key)
    if name == "copy":
        return Table(dict(whole.items), len(state.path))
    if name == "update" and given.items and isinstance(new := state.see(given.items[0]), Table):
        for key, value in new.items.items():
            whole.items[key] = state.under_path(value, whole.items.get(key, Unbound()), whole.depth)
        return None
    return state.unknown(f"dict.{name}()@{given.place.source}:{given.place.line}")


# --- items ------------------------------------------------------------------------------------------------------


def item(state: Calls, whole: Value, index: Value) -> Value:
    """Return whole[index]."""
    match whole:
        case Seq(items=items):
            return _of_items(state, whole, items, index)
        case Table():
            return _of_keys(state, whole, index)
        case Pixels():
            return _turned(whole) if _reverses_colours(index) else whole
        case DataSet():
            return datasets.item(state, whole)
        case Instance() if whole.data is not None:
            return datasets.item(state, whole.data)
        case Unknown(key=key) if index in ("data", b"data") and "load()" in key:
            return Pixels(place=NOWHERE)  # CIFAR-10's own files
        case Unknown(key=key):
            return state.unknown(f"{key}[{index}]") if isinstance(index, str | int) else state.fresh(key[:100])
        case Library(path=path) if isinstance(index, str | int) and not path.endswith("__dict__"):
            return state.unknown(f"{path}[{index}]")
        case Library(path=path) if path.endswith("__dict__"):
            return Library(path.removesuffix("__dict__") + (index if isinstance(index, str) else LAB.upper()))
    return state.fresh("item")


def _of_items(state: Calls, whole: Seq, items: list[Value], index: Value) -> Value:
    if isinstance(index, int) and -len(items) <= index < len(items):
        return items[index]
    if whole.array and not isinstance(index, int) and numbers(whole) is not None:
        return whole  # mean[:, None, None]
    if isinstance(index, ast.Slice):
        low, high = (_constant(part) for part in (index.lower, index.upper))
        return Seq(items[low:high], len(state.path)) if index.step is None else state.fresh("slice")
    if isinstance(index, ast.Tuple):
        return whole
    return state.fresh("item")


def _constant(node: ast.expr | None) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _constant(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def _of_keys(state: Calls, whole: Table, index: Value) -> Value:
    if isinstance(index, str | int):
        return whole.items.get(index, state.unknown(f"[{index}]"))
    names = [key for key in whole.items if data_set(key) == LAB]
    if names:  # STATISTICS[args.dataset]
        return whole.items[names[0]]
    result: Value = state.fresh("item")
    if isinstance(index, Unknown) and len(whole.items) <= 6:
        for key, value in reversed(whole.items.items()):
            held = state.path.get(f"{index.key} == {key!r}")
            result = value if held else result if held is False else either(f"{index.key} == {key!r}", value, result)
    return result


def _reverses_colours(index: Value) -> bool:
    """Return whether an index turns the order of the last axis: image[:, :, ::-1]."""
    last = index.elts[-1] if isinstance(index, ast.Tuple) and len(index.elts) > 1 else None
    step = last.step if isinstance(last, ast.Slice) else None
    return step is not None and _constant(step) == -1


def _turned(pixels: Pixels) -> Pixels:
    return replace(pixels, blue_first=not pixels.blue_first)
