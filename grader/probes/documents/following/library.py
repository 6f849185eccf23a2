"""What functions of Python, torch, torchvision and numpy return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from grader.probes.documents.following import changes, datasets, images, layout, sizes, transforms
from grader.probes.documents.following.arithmetic import NAMED, operate
from grader.probes.documents.following.python import PYTHON
from grader.probes.documents.following.values import (
    Chain,
    DataSet,
    Function,
    Given,
    Instance,
    Library,
    Pixels,
    Seq,
    Table,
    Unbound,
    Unknown,
    Value,
    triple,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

# functions that are worth their first argument, as far as its numbers go
SAME = {
    "tensor", "array", "asarray", "as_tensor", "from_numpy", "Tensor", "FloatTensor", "float32", "float16", "float64",
    "Variable", "transpose", "permute", "moveaxis", "ascontiguousarray", "flip", "reshape", "expand_dims", "unsqueeze",
    "squeeze", "flatten", "rollaxis", "movedim", "split", "chunk", "fromarray", "tqdm", "trange", "Image",
    "to_pil_image", "Subset", "iter", "reversed", "deepcopy", "copy", "MultiEpochsDataLoader", "hflip", "clone",
    "broadcast_to", "pil_to_tensor", "to_image", "Parameter", "constant", "float", "sorted", "MappingProxyType",
    "cycle", "islice", "progress_bar",
}  # fmt: skip
FLOATS = {"float32", "float16", "float64", "FloatTensor", "Tensor"}
JOINED = {"stack", "cat", "concatenate", "concat", "vstack", "hstack", "ConcatDataset", "chain"}
ARRAYS = {"tensor", "array", "asarray", "as_tensor", "Tensor", "FloatTensor", "float32", "reshape"}
WRAPPERS = (
    "torch", "torchvision", "tqdm", "rich", "accelerate", "prefetch_generator", "alive_progress", "fastprogress",
    "progressbar", "pytorch_lightning", "lightning", "ignite", "torch_xla", "itertools", "collections", "sklearn",
    "matplotlib", "plt", "numpy", "np", "opacus", "nonechucks", "torchdata", "deepspeed",
)  # fmt: skip
READ = {"open", "read_image", "imread", "pil_loader", "default_loader"}


def call_library(state: Calls, path: str, given: Given) -> Value:
    """Return what a function or class of a library returns."""
    name = path.rpartition(".")[2]
    library = path.partition(".")[0]
    if datasets.known(name):
        return datasets.make(state, name, given)
    if library not in ("torch", "numpy", "np") or name == "Sequential":
        built = transforms.build(state, library, name, given)
        if not isinstance(built, Unbound):
            return built
    if name in FUNCTIONS:
        found = FUNCTIONS[name](state, given)
        if not isinstance(found, Unbound):
            return _followed(state, name, given, found)
    if name in NAMED and len(given.items) == 2:
        return operate(state, NAMED[name], given.items[0], given.items[1], given.place)
    if name == "DataLoader":
        return _loader(state, given)
    if name in SAME:
        first = given.get(0, "dataset", given.get(0, "data", given.get(0, "iterable")))
        rest = Given(given.items[1:], given.words, given.place)
        return state.lift(lambda value: _as_floats(state, given, _same(state, name, value, rest)), first)
    if name in JOINED:
        return _followed(state, name, given, _joined(state, given))
    if name in READ and library in ("PIL", "Image", "cv2", "torchvision", "imageio", "skimage", "io", "read_image"):
        axis = "first" if name == "read_image" else "last"
        return Pixels(blue_first=library == "cv2", origin=state.item_of, place=given.place, layout=axis)
    return _else(state, path, name, given)


def _else(state: Calls, path: str, name: str, given: Given) -> Value:
    """A function that is not known gives back the data set that it is given, wrapped: a prefetcher, a progress bar."""
    for value in (*given.items[:1], *given.words.values()):
        found = state.see(value)
        data = found.data if isinstance(found, Instance) else found
        if isinstance(data, DataSet):
            return _wrapped(state, data, given) if _makes_loader(path, name) else found
    return _followed(state, name, given, state.unknown(f"{name}()@{given.place.source}:{given.place.line}"))


def _makes_loader(path: str, name: str) -> bool:
    """Return whether a function that is not known makes a loader of its own, which may well change the images."""
    like_a_loader = name[:1].isupper() or datasets.words(name) & {"prefetch", "prefetcher"}
    return bool(like_a_loader) and path.partition(".")[0] not in WRAPPERS


def _wrapped(state: Calls, data: DataSet, given: Given) -> DataSet:
    names = {**data.names, "collate_fn": state.fresh("wrapped")}
    return state.notice(state.noticed.data_sets, replace(data, names=names, place=given.place))


def _followed(state: Calls, name: str, given: Given, found: Value) -> Value:
    """Return what a function returns: images that are lost, if it was given images and it is not known what it does."""
    if not isinstance(found, Unknown) or name in images.OTHER:
        return found
    for value in (*given.items[:2], *given.words.values()):
        if isinstance(seen := state.see(value), Pixels):
            return state.lose(seen, given.place)
    return found


def _loader(state: Calls, given: Given) -> Value:
    """A loader counts as its data set; what puts a batch together may still change images."""
    found = state.see(given.get(0, "dataset"))
    data = found.data if isinstance(found, Instance) else found
    collate = given.get(6, "collate_fn", None)
    if isinstance(data, DataSet) and isinstance(collate, Function | Instance):
        state.bind(data.names, "collate_fn", collate, data.depth)
    return state.fresh("loader") if isinstance(found, Unbound) else found


def _as_floats(state: Calls, given: Given, value: Value) -> Value:
    """Apply an argument such as `dtype=np.float32`."""
    dtype = state.see(given.get(1, "dtype", None))
    return replace(value, integer=False) if isinstance(value, Pixels) and images.is_float(dtype) else value


def _same(state: Calls, name: str, value: Value, rest: Given) -> Value:
    if isinstance(value, Pixels) and (name in layout.MOVES or (name == "fromarray" and rest.items)):
        return images.moved(state, value, name if name in layout.MOVES else "convert", rest)
    if isinstance(value, Seq | Chain | Table) and name in ("flip", "sorted", "reversed", "copy", "deepcopy"):
        return _rearranged(state, name, value)
    if isinstance(value, Seq) and name in ARRAYS:
        inner = state.see(value.items[0]) if value.items else None
        items = value.items if value.array and name in ("asarray", "as_tensor") else list(value.items)
        return inner if isinstance(inner, Pixels) else Seq(items, len(state.path), array=True)
    if isinstance(value, Pixels) and name in FLOATS:
        return replace(value, integer=False)
    if isinstance(value, Unbound):
        return state.unknown(f"{name}()")
    if name == "float" and isinstance(value, str):
        return float(value) if value.replace(".", "", 1).isdigit() else state.fresh("float()")
    return value


def _rearranged(state: Calls, name: str, value: Seq | Chain | Table) -> Value:
    """Copy a list, or turn it round."""
    match name, value:
        case "reversed", Seq(items=items):
            return Seq(items[::-1], len(state.path))
        case "copy" | "deepcopy", Seq(items=items, array=array):
            return Seq(list(items), len(state.path), array)
        case "copy" | "deepcopy", Table(items=table, changed=changed):
            return Table(dict(table), len(state.path), changed)
        case "deepcopy", Chain(steps=steps):
            return Chain(Seq(list(steps.items), len(state.path)))
        case "copy", Chain(steps=steps):
            return Chain(steps)
        case "sorted", Seq(items=items) if not any(isinstance(one, int | float) for one in items):
            return value  # names of files
    return state.fresh(name)


def _joined(state: Calls, given: Given) -> Value:
    """Return what several arrays or data sets of one kind are together: the first that tells."""
    found = [state.see(value) for value in state.each(state.see(given.get(0, "datasets")))] if given.items else []
    telling = [value for value in found if isinstance(value, Pixels | DataSet)]
    pixels = [value for value in telling if isinstance(value, Pixels)]
    if pixels:  # images, if all are made alike; else a picture's channels, or images of which some are changed
        alike = len({replace(one, place=given.place, origin=None) for one in pixels}) == 1
        return pixels[0] if alike and len(pixels) == len(found) else state.lose(pixels[0], given.place)
    return telling[0] if telling else state.unknown(f"joined@{given.place.line}")


# --- functions on images ----------------------------------------------------------------------------------------


def _normalize(state: Calls, given: Given) -> Value:
    """Follow torchvision's F.normalize(images, mean, std); torch's divides by a norm, which is something else."""
    rest = Given(given.items[1:], given.words, given.place, given.node)
    if triple(state.see(rest.get(0, "mean"))) is None or isinstance(rest.get(1, "std"), Unbound):
        return state.unknown(f"normalize()@{given.place.source}:{given.place.line}")
    step = transforms.build(state, "torchvision", "Normalize", rest)
    return transforms.apply(state, step, given.get(0, "tensor", given.get(0, "data", given.get(0, "inpt"))))


def _transformed(name: str, state: Calls, given: Given) -> Value:
    """Apply a transform that is written as a function: to_tensor(image), resize(image, size)."""
    rest = Given(given.items[1:], given.words, given.place, given.node)
    step = transforms.build(state, "torchvision", name, rest)
    return transforms.apply(state, step, given.get(0, "img", given.get(0, "pic", given.get(0, "inpt"))))


def _interpolate(state: Calls, given: Given) -> Value:
    to = sizes.side(state, Given(given.items[1:], given.words, given.place))
    resize = partial(sizes.resized, given.place, to)
    return state.lift(
        lambda value: resize(value) if isinstance(value, Pixels) else state.fresh("resized"), given.get(0, "input")
    )


def _swapped(state: Calls, given: Given) -> Value:
    """Return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)."""
    code = given.get(1, "code")
    turns = isinstance(code, Library) and code.name in ("COLOR_BGR2RGB", "COLOR_RGB2BGR")

    def one(value: Value) -> Value:
        if not isinstance(value, Pixels) or not turns:
            return state.fresh("colours")
        return replace(value, blue_first=not value.blue_first)

    return state.lift(one, given.get(0, "src"))


def _tensor_data_set(state: Calls, given: Given) -> Value:
    names: dict[str, Value] = {"tensors": Seq(list(given.items), len(state.path))}
    first = state.see(given.get(0, "images"))
    test = first.origin.test if isinstance(first, Pixels) and first.origin is not None else None
    found = DataSet("own", test, names, tuple(state.path.items()), given.place, None, tuple(state.purposes))
    state.notice(state.noticed.data_sets, found)
    return found


def _split(state: Calls, given: Given) -> Value:
    first = given.get(0, "dataset")
    return Seq([first] * 3, len(state.path))


def _variables(state: Calls, given: Given) -> Value:
    return state.attribute(state.see(given.get(0, "object")), "__dict__")


def _shuffle(state: Calls, given: Given) -> Value:
    changes.spoil(state, state.see(given.get(0, "x")))
    return None


FUNCTIONS: dict[str, Callable[[Calls, Given], Value]] = {
    **PYTHON,
    "normalize": _normalize,
    "to_tensor": partial(_transformed, "ToTensor"),
    "resize": partial(_transformed, "Resize"),
    "center_crop": partial(_transformed, "CenterCrop"),
    "to_dtype": partial(_transformed, "ToDtype"),
    "convert_image_dtype": partial(_transformed, "ConvertImageDtype"),
    "interpolate": _interpolate,
    "cvtColor": _swapped,
    "TensorDataset": _tensor_data_set,
    "random_split": _split,
    "setattr": changes.set_attribute,
    "vars": _variables,
    "shuffle": _shuffle,
    "train_test_split": _split,
}
