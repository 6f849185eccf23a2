"""Methods and items of values: of images above all."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.probes.documents.following import changes, datasets, layout
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
    Unknown,
    Value,
    either,
    numbers,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

# methods that leave the numbers as they are
SAME = {
    "to", "cuda", "cpu", "contiguous", "clone", "detach", "numpy", "copy", "unsqueeze", "squeeze", "requires_grad_",
    "pin_memory", "expand", "flatten", "type", "astype", "view_as", "expand_as", "unsqueeze_", "squeeze_", "eval",
    "train", "float", "half", "double", "bfloat16", "tolist", "item", "type_as", "prefetch",
}  # fmt: skip
VIEWS = {"view", "reshape", "squeeze", "unsqueeze", "numpy", "detach", "expand", "contiguous"}  # of the same memory
SHAPES = {"permute", "transpose", "view", "reshape", "swapaxes", "moveaxis"}  # of statistics: one number per channel
# methods and functions that are given images and return something else
OTHER = {
    "mean", "std", "var", "std_mean", "var_mean", "sum", "min", "max", "amin", "amax", "aminmax", "argmax", "median",
    "quantile", "percentile", "norm", "size", "shape", "dim", "ndim", "numel", "nelement", "len", "all", "any",
    "allclose", "equal", "array_equal", "unique", "histc", "histogram", "bincount", "isnan", "isfinite", "isinstance",
    "type", "id", "print", "imshow", "imsave", "save_image", "make_grid", "save", "savez", "show", "savefig", "plot",
    "subplots", "add_image", "add_images", "add_graph", "append", "info", "debug", "log", "format", "str", "repr",
    "int", "range", "hasattr", "getattr", "callable", "summary", "backward", "register_hook", "is_tensor", "hash",
    "device", "dtype", "get_device", "data_ptr", "stride", "is_contiguous", "getbands", "getpixel", "Image", "display",
    "vars", "dir", "sizeof", "getsizeof", "hist", "get_image_size", "get_dimensions",
}  # fmt: skip
AVERAGES = {"mean", "sum", "min", "max", "amin", "amax", "median"}
_AVERAGE = re.compile(r"images\.\w+\(\)@[^@]{1,120}:\d+")
# words in the names of what is done to images before a network is given them
PREPARING = {
    "transform", "transforms", "preprocess", "preprocessing", "prep", "prepare", "preprocessor", "process",
    "processor", "normalize", "normalise", "normalizer", "normaliser", "normalization", "normalisation", "norm",
    "standardize", "standardise", "standardizer", "scale", "scaler", "rescale", "whiten", "whitening", "zca", "pca",
    "augment", "augmentation", "aug", "pad", "resize", "filter", "blur", "extractor", "pool", "avgpool", "upsample",
    "tf", "tfm", "tfms",
}  # fmt: skip
_MEMBER = re.compile(r":\d+\.([\w.]{1,100})$")
LAYERS = {"batch", "layer", "group", "instance"}  # BatchNorm2d: a network's own
FLOATS = ("float", "half", "double", "bfloat16")


def note_inputs(state: State, value: Value) -> None:
    """Note the images that a network is given."""
    for leaf in state.leaves(value):
        if isinstance(leaf, Method) and isinstance(leaf.whole, Pixels):  # images.T
            state.notice(state.noticed.inputs, replace(leaf.whole, lost=True, integer=False))
        elif isinstance(leaf, Unknown) and (average := _AVERAGE.match(leaf.key)):  # a grey picture
            found = state.averages.get(average.group())
            if found is not None:
                state.notice(state.noticed.inputs, replace(found, lost=True, integer=False))
        elif isinstance(leaf, Pixels) and not leaf.integer:
            known = leaf not in state.spoiled
            state.notice(state.noticed.inputs, leaf if known else replace(leaf, lost=True))


def prepares(state: State, key: str, given: Given) -> bool:
    """Return whether something unknown prepares images: its name says so, or `images = step(images)` does."""
    first = given.node.args[0] if given.node is not None and given.node.args else None
    if isinstance(first, ast.Name) and state.purposes[-1:] == [first.id]:
        return True
    member = _MEMBER.search(key)  # scaler()@script.py:4.transform
    name = member.group(1) if member else key.rpartition("@")[0] or key
    found = datasets.words(name.removesuffix("()").rpartition(".")[2].partition("#")[0])
    return bool(found & PREPARING) and not found & LAYERS


def method(state: Calls, whole: Value, name: str) -> Value:
    """Return a method of a value."""
    match whole:
        case Chain() if name == "transforms":
            return whole.steps
        case Pixels() if name == "data":
            return whole
        case Table() if name == "__dict__":
            return whole
        case Table() if name in whole.items:
            return whole.items[name]
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
        case Chain():
            return _of_chain(state, whole, name, given)
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
    if name in OTHER:
        found = state.unknown(f"images.{name}()@{given.place.source}:{given.place.line}")
        if name in AVERAGES:
            state.averages[found.key] = pixels
        return found
    return moved(state, pixels, name, given)


def moved(state: State, pixels: Pixels, name: str, given: Given) -> Pixels:
    """Return what a method makes of images: lost where it is not known, or may mix up colours."""
    found = layout.moved(pixels, name, given) if name in layout.MOVES else None
    return state.lose(pixels, given.place) if found is None else found


def is_float(kind: Value) -> bool:
    """Return whether this is a type of floats."""
    name = kind.name if isinstance(kind, Library) else kind if isinstance(kind, str) else ""
    return name.startswith(("float", "half", "double", "bfloat", "FloatTensor", "torch.Float"))


def _of_sequence(state: Calls, whole: Seq, name: str, given: Given) -> Value:
    if name in ("append", "extend", "insert") and given.items:
        changes.grow(state, whole, name, given)
        return None
    if name == "copy":
        return Seq(list(whole.items), len(state.path), whole.array)
    if name in SAME or name in SHAPES:
        items = whole.items if name in VIEWS else list(whole.items)
        return Seq(items, len(state.path), array=True)
    if name in changes.OF_LISTS or name.endswith("_"):
        return changes.change_list(state, whole, name, given)
    return state.unknown(f"sequence.{name}()@{given.place.source}:{given.place.line}")


def _of_chain(state: Calls, whole: Chain, name: str, given: Given) -> Value:
    if name in ("append", "extend", "insert") and given.items:
        changes.grow(state, whole.steps, name, given)
        return whole
    if name in SAME:
        return whole
    changes.spoil(state, whole)
    return state.unknown(f"chain.{name}()@{given.place.source}:{given.place.line}")


def _of_table(state: Calls, whole: Table, name: str, given: Given) -> Value:
    if name == "items":
        return Seq([Seq([key, value], len(state.path)) for key, value in whole.items.items()], len(state.path))
    if name in ("values", "keys"):
        return Seq(list(whole.items.values() if name == "values" else whole.items), len(state.path))
    if name == "get" and given.items:
        default = given.get(1, "default", None)
        key = state.see(given.items[0])
        if whole.changed and key not in whole.items:
            return state.fresh("changed")
        plain = isinstance(key, str | int)
        return whole.items.get(key, default) if plain else item(state, whole, key)
    if name == "copy":
        return Table(dict(whole.items), len(state.path), whole.changed)
    if name in changes.OF_TABLES:
        return changes.change_table(state, whole, name, given)
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
            found = layout.picked(whole, index)
            return state.lose(whole, whole.place) if found is None else found
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
        parts = (index.lower, index.upper, index.step)
        low, high, step = ends = [changes.constant(part) for part in parts]
        known = step != 0 and all(end is not None or part is None for end, part in zip(ends, parts, strict=True))
        return Seq(items[low:high:step], len(state.path), whole.array) if known else state.fresh("slice")
    if isinstance(index, ast.Tuple):
        return whole
    return state.fresh("item")


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
