"""Data sets and their loaders: which images, and the transform that they go through."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from grader.probes.documents.following.conditions import LAB, data_set
from grader.probes.documents.following.definitions import bound
from grader.probes.documents.following.transforms import apply
from grader.probes.documents.following.values import (
    UNBOUND,
    Builtin,
    Class,
    DataSet,
    Either,
    Function,
    Given,
    Instance,
    Library,
    Pixels,
    Scope,
    Seq,
    Unbound,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

FOLDERS = ("ImageFolder", "DatasetFolder")
TRAIN_WORDS = {"train", "training", "trn", "augment", "augmentation", "augmented", "aug"}
TEST_WORDS = {
    "test", "tests", "testing", "val", "valid", "validation", "validate", "eval", "evaluate", "evaluation", "infer",
    "inference", "predict", "prediction", "tst", "dev",
}  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> set[str]:
    """Return the words of a name, in lower case: of `test_transform`, `testTransform`, `data/test`."""
    return {word.casefold() for word in _WORD.findall(name[:300])}


def purpose(names: tuple[str, ...]) -> str:
    """Return "test" or "train" if the innermost name that has such a word says so; else ""."""
    for name in reversed(names):
        found = words(name)
        if found & TEST_WORDS:
            return "test"
        if found & TRAIN_WORDS:
            return "train"
    return ""


def known(name: str) -> str:
    """Return "lab" for the lab's data set, "other" for another one, "folder" for a folder of images; else ""."""
    if name in FOLDERS:
        return "folder"
    found = data_set(name)
    return "" if not found or name.islower() else "lab" if found == LAB else "other"


def make(state: Calls, name: str, given: Given, instance: Instance | None = None) -> DataSet:
    """Note a data set of torchvision."""
    kind = known(name)
    if kind == "folder":
        transform, test = given.get(1, "transform", None), state.lift(_side, given.get(0, "root"))
    else:
        transform, test = given.get(2, "transform", None), _turned(state, given.get(1, "train", None))
    names: dict[str, Value] = {"transform": transform}
    found = DataSet(kind, test, names, tuple(state.path.items()), given.place, instance, tuple(state.purposes))
    state.notice(state.noticed.data_sets, found)
    return found


def _turned(state: Calls, train: Value) -> Value:
    """Return whether images are for testing, from an argument `train` or `split`."""

    def one(value: Value) -> Value:
        if isinstance(value, bool):
            return not value
        if isinstance(value, str):
            return _side(value)
        return Either(value.key, False, True) if isinstance(value, Unknown) else None

    return state.lift(one, train)


def _side(name: Value) -> bool | None:
    """Return whether a text such as "data/test" or "val" names images for testing; None if it does not say."""
    found = words(name) if isinstance(name, str) else set()
    return True if found & TEST_WORDS else False if found & TRAIN_WORDS else None


def adopt(state: Calls, this: Instance, given: Given) -> None:
    """Make an object a data set if its class is one; the arguments of its making may say of which images."""
    bases = this.of.libraries()
    getter, _ = this.of.find("__getitem__")
    init, _ = this.of.find("__init__")
    lab = next((base for base in bases if known(base.name)), None)
    if lab is not None and not isinstance(init, Function):
        this.data = make(state, lab.name, given, this)
    elif lab is not None or isinstance(getter, Function):
        test = _said(state, init, given)
        kind = known(lab.name) if lab is not None else "own"
        this.data = DataSet(kind, test, {}, tuple(state.path.items()), given.place, this, tuple(state.purposes))
        state.notice(state.noticed.data_sets, this.data)


def _said(state: Calls, init: Value, given: Given) -> Value:
    """Return whether the arguments say that images are for testing; None if they do not."""
    names = [one.arg for one in init.node.args.args[1:]] if isinstance(init, Function) else []
    arguments = {**dict(zip(names, given.items, strict=False)), **given.words}
    for name, value in arguments.items():
        if words(name) & {"train", "training"} and isinstance(state.see(value), bool | Unknown | Either):
            return _turned(state, value)
        if words(name) & {"test", "testing"} and isinstance(state.see(value), bool):
            return state.see(value)
    sides = [_side(state.see(value)) for value in arguments.values()]
    return next((side for side in sides if side is not None), None)


def inherited(state: Calls, this: Instance, base: Value, name: str) -> Value:
    """Return a method that a data set of the submission has from one of torchvision."""
    found = [base] if isinstance(base, Library) else base.libraries() if isinstance(base, Class) else []
    lab = next((one for one in found if isinstance(one, Library) and known(one.name)), None)

    def start(given: Given) -> Value:
        if lab is not None and this.data is not None:
            fresh = make(state, lab.name, given, this)
            state.noticed.data_sets.remove(fresh)
            this.data.test, this.data.names = fresh.test, fresh.names
        return None

    def get(given: Given) -> Value:
        return base_item(state, this.data) if this.data is not None else state.fresh("item")

    if name in ("__init__", "__getitem__"):
        return Builtin(start if name == "__init__" else get)
    return state.unknown(f"super.{name}")


def above(state: Calls, name: str, scope: Scope) -> Value:
    """Return the method that super().NAME stands for in a method of the submission."""
    place: Scope | None = scope
    while place is not None and "__owner__" not in place.names:
        place = place.outer
    owner, this = (place.names["__owner__"], place.names["__self__"]) if place else (None, None)
    if not isinstance(owner, Class) or not isinstance(this, Instance):
        return state.fresh("super")
    for base in owner.bases:
        if isinstance(base, Class):
            found, above = base.find(name)
            if isinstance(found, Function):
                return bound(found, this, above)
        if isinstance(base, Library) or (isinstance(base, Class) and base.libraries()):
            return inherited(state, this, base, name)
    return state.fresh("super")


def attribute(state: Calls, data: DataSet, name: str) -> Value:
    """Return an attribute of a data set or of its loader."""
    if name in data.names:
        return state.see(data.names[name])
    if name == "dataset":
        return data if data.instance is None else data.instance
    if name == "data" and data.kind != "own":
        return Pixels(origin=data, place=data.place, layout="last")
    if name == "transform":
        return None
    return Unknown(f"data set.{name}@{data.place.source}:{data.place.line}")


def item(state: Calls, data: DataSet) -> Value:
    """Return an item of a data set: images and labels."""
    getter = data.instance.of.find("__getitem__") if data.instance else (UNBOUND, None)
    before = state.in_item, state.item_of
    state.in_item, state.item_of = True, data
    try:
        if isinstance(getter[0], Function):
            method = Function(getter[0].node, getter[0].scope, getter[0].source, data.instance, getter[1])
            found = state.invoke(method, Given((Unknown("index"),), {}, data.place))
        else:
            found = base_item(state, data)
        if (collate := state.see(data.names.get("collate_fn"))) is None:
            return found
        return state.lift(lambda one: state.call(collate, Given((Seq([one], len(state.path)),), {}, data.place)), found)
    finally:
        state.in_item, state.item_of = before


def base_item(state: Calls, data: DataSet) -> Value:
    """Return an item as torchvision's own data sets make it."""
    if "tensors" in data.names:
        return data.names["tensors"]
    raw = state.see(data.names.get("data", UNBOUND))
    if isinstance(raw, Unbound):
        raw = Pixels(origin=data, place=data.place, layout="last")
    transformed = apply(state, data.names.get("transform"), raw)
    return Seq([transformed, Unknown("label")], len(state.path))


def assigned(node: ast.expr) -> str:
    """Return the name that an assignment binds: `test_transform`, `self.test_transform`, `transform["test"]`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""
