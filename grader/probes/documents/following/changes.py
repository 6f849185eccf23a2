"""Changes of values that are followed. What a change makes of a value is either understood, or unknown from then on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from grader.probes.documents.following.sizes import unread
from grader.probes.documents.following.state import TooMuch
from grader.probes.documents.following.values import (
    NOWHERE,
    UNBOUND,
    Chain,
    Class,
    DataSet,
    Function,
    Given,
    Instance,
    Library,
    Pixels,
    Scope,
    Seq,
    Step,
    Table,
    Unbound,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

# methods of lists, arrays and dicts that change them, as do those of tensors whose names end with "_"
OF_LISTS = {"remove", "pop", "clear", "sort", "reverse", "fill", "put", "resize", "partition", "itemset", "appendleft",
            "popleft", "rotate", "add", "discard", "__setitem__", "__delitem__", "__iadd__"}  # fmt: skip
OF_TABLES = {"update", "pop", "popitem", "clear", "setdefault", "merge", "merge_from_dict", "merge_from_file",
             "merge_from_list", "__setitem__", "__delitem__", "__ior__"}  # fmt: skip
MOST_ITEMS = 60


def spoil(state: Calls, value: Value) -> None:
    """Hold a value to be changed in a way that is not understood."""
    match value:
        case Seq():
            value.items[:] = [state.fresh("changed")]
        case Table():
            value.items.update({key: state.fresh("changed") for key in value.items})
            value.changed = True
        case Chain():
            value.steps = Seq([state.fresh("changed")])
        case Step():
            value.apply = lambda images: unread(NOWHERE)
        case DataSet():
            value.names["transform"] = state.fresh("changed")
        case Class(scope=Scope(names=names)) | Scope(names=names):
            changed = [name for name, one in names.items() if not isinstance(one, Function | Class | Library)]
            names.update({name: state.fresh("changed") for name in changed})
        case Instance():
            value.names.update({name: state.fresh("changed") for name in value.names})
        case Pixels():
            state.spoil(value)


def _once(state: Calls, depth: int) -> bool:
    """Return whether what is followed is done exactly once, whatever turns out."""
    return len(state.path) <= depth and not state.rounds


# --- lists ------------------------------------------------------------------------------------------------------


def grow(state: Calls, whole: Seq, name: str, given: Given) -> None:
    """Append or insert; an item that is there only under the conditions at hand is otherwise unbound."""
    new = list(state.each(state.see(given.items[-1]))) if name == "extend" else [given.items[-1]]
    kept = [state.under_path(one, UNBOUND, whole.depth) for one in new]
    at = state.see(given.items[0]) if name == "insert" else len(whole.items)
    if len(whole.items) + len(kept) <= MOST_ITEMS and isinstance(at, int):
        whole.items[at:at] = kept
    else:
        spoil(state, whole)


def change_list(state: Calls, whole: Seq, name: str, given: Given) -> Value:
    """Follow a method that changes a list, and return what it returns."""
    first = state.see(given.items[0]) if given.items else None
    if name == "pop" and isinstance(at := -1 if first is None else first, int):
        return _take_out(state, whole, at)
    if name == "remove":
        at = next((at for at, one in enumerate(whole.items) if state.see(one) is first), None)
        _take_out(state, whole, at)
    elif name == "reverse" and _once(state, whole.depth):
        whole.items.reverse()
    elif name == "clear" and _once(state, whole.depth):
        whole.items.clear()
    else:
        spoil(state, whole)
    return None


def _take_out(state: Calls, whole: Seq, at: Value) -> Value:
    if state.rounds or not isinstance(at, int) or not -len(whole.items) <= at < len(whole.items):
        spoil(state, whole)
        return state.fresh("taken out")
    found = whole.items[at]
    if _once(state, whole.depth):
        del whole.items[at]
    elif any(isinstance(one, Unbound) for one in whole.items):
        spoil(state, whole)
    else:
        whole.items[at] = state.under_path(UNBOUND, found, whole.depth)
    return found


def delete_item(state: Calls, whole: Value, index: Value) -> None:
    """Follow `del whole[index]`."""
    if isinstance(whole, Seq) and isinstance(index, int):
        _take_out(state, whole, index)
    elif isinstance(whole, Seq) and isinstance(index, ast.Slice) and _once(state, whole.depth):
        _cut(state, whole, index, [])
    elif isinstance(whole, Table) and isinstance(index, str | int) and _once(state, whole.depth):
        whole.items.pop(index, None)
    else:
        spoil(state, whole)


def store_item(state: Calls, whole: Value, index: Value, value: Value) -> None:
    """Follow `whole[index] = value`."""
    if isinstance(whole, Table) and isinstance(index, str | int):
        whole.items[index] = state.under_path(value, whole.items.get(index, Unknown("item")), whole.depth)
    elif isinstance(whole, Seq) and isinstance(index, int) and -len(whole.items) <= index < len(whole.items):
        whole.items[index] = state.under_path(value, whole.items[index], whole.depth)
    elif isinstance(whole, Seq) and isinstance(index, ast.Slice) and _once(state, whole.depth):
        new = state.see(value)
        if isinstance(new, Seq):
            _cut(state, whole, index, new.items)
        else:
            spoil(state, whole)
    else:
        spoil(state, whole)


def _cut(state: Calls, whole: Seq, index: ast.Slice, new: list[Value]) -> None:
    """Put other items where a slice is."""
    ends = [constant(part) for part in (index.lower, index.upper)]
    known = all(end is not None or part is None for end, part in zip(ends, (index.lower, index.upper), strict=True))
    if known and index.step is None and len(whole.items) + len(new) <= MOST_ITEMS:
        whole.items[ends[0] : ends[1]] = new
    else:
        spoil(state, whole)


def constant(node: ast.expr | None) -> int | None:
    """Return the whole number that is written; None if none is."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


# --- dicts ------------------------------------------------------------------------------------------------------


def change_table(state: Calls, whole: Table, name: str, given: Given) -> Value:
    """Follow a method that changes a dict, and return what it returns."""
    first = state.see(given.items[0]) if given.items else None
    if name == "update" and isinstance(first, Table | None) and len(given.items) < 2:
        new: dict[Value, Value] = dict(first.items) if first else {}
        new.update(given.words.items())
        for key, value in new.items():
            whole.items[key] = state.under_path(value, whole.items.get(key, UNBOUND), whole.depth)
        whole.changed |= bool(first and first.changed)
        return None
    if name == "setdefault" and isinstance(first, str | int):
        if first not in whole.items:
            store_item(state, whole, first, given.get(1, "default", None))
        return whole.items[first]
    if name == "pop" and isinstance(first, str | int) and first in whole.items and _once(state, whole.depth):
        return whole.items.pop(first)
    spoil(state, whole)
    return state.fresh("changed")


# --- attributes -------------------------------------------------------------------------------------------------


def store_attribute(state: Calls, whole: Value, name: str, value: Value) -> None:
    """Follow `whole.name = value`."""
    match whole:
        case Instance() if whole.data is not None and name == "transform" and "transform" in whole.data.names:
            state.bind(whole.data.names, name, value, whole.data.depth)
        case Instance():
            state.bind(whole.names, name, value, whole.depth)
            if whole.data is not None and name == "data":
                state.bind(whole.data.names, name, value, whole.data.depth)
        case DataSet() if name == "transforms":
            spoil(state, whole)  # torchvision makes it from `transform`, and looks at it for some data sets only
        case DataSet():
            state.bind(whole.names, name, value, whole.depth)
        case Class():
            state.bind(whole.scope.names, name, value, whole.scope.depth)
        case Scope():
            state.bind(whole.names, name, value, whole.depth)
        case Table():
            store_item(state, whole, name, value)
        case Chain() if name == "transforms" and isinstance(value, Seq) and _once(state, whole.steps.depth):
            whole.steps = value
        case Chain() | Step():
            spoil(state, whole)
        case Library() if name in ("forward", "__call__", "__getitem__", "transform"):
            raise TooMuch  # what the library's own code does from here on
        case Unknown(key=key) | Library(path=key):
            state.bind(state.stored, f"{key}.{name}", value, 0)


def as_table(whole: Instance) -> Table:
    """Return the attributes of an object as a dict: what is changed there is changed in the object."""
    names: dict[Value, Value] = whole.names  # type: ignore[assignment]  # the dict itself, no copy
    return Table(names, whole.depth)


def set_attribute(state: Calls, given: Given) -> Value:
    """Follow setattr(whole, name, value)."""
    whole, name = state.see(given.get(0, "object")), state.see(given.get(1, "name"))
    if isinstance(name, str):
        store_attribute(state, whole, name, given.get(2, "value"))
    else:
        spoil(state, whole)
    return None
