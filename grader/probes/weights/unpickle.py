"""Loads a checkpoint's pickle without running any code that it names.

First the names in the pickle are listed. Real tensors and harmless scalars are built; a class of
torch.nn, torchvision, the student or anybody else becomes an inert stand-in that only keeps its attributes, so that the
parameters of a whole module can be taken out of it; anything else is refused by name. Then torch loads it once with
weights_only=True, and never a second time without.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import sys
import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch

from grader.probes.refusals import Phrase, Refuse, phrase

# What a tensor needs, built by torch itself. Left out on purpose although torch would accept them: bytearray (2 GB
# from five bytes), tensors made by their class (over memory that was never filled), sparse, quantised, nested, meta and
# subclass tensors.
BUILT = frozenset(
    {"collections.OrderedDict", "collections.Counter", "builtins.set", "builtins.complex", "_codecs.encode"}
    | {"torch.Size", "torch.device", "torch.nn.parameter.Parameter"}
    | {f"torch._utils.{name}" for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")}
    | {
        f"torch.{name}Storage"
        for name in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    }
    | {
        f"torch.{name}"
        for name in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
    }
)
SCALARS = frozenset({"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"})
# Functions that honest files name and that a stand-in can replace, because only their attributes matter.
INERT_FUNCTIONS = frozenset(
    {"numpy.dtype", "numpy.ndarray", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
    | {"functools.partial", "torch._C._nn.gelu"}
    | {"builtins.getattr", "torch._C._VariableFunctionsClass"}  # torch.relu is pickled as getattr(this class, "relu")
    # what a defaultdict makes: defaultdict(list)
    | {f"builtins.{name}" for name in ("bool", "dict", "float", "frozenset", "int", "list", "str", "tuple")}
    | {"datetime.date", "datetime.datetime", "datetime.timedelta"}
)
INERT_CLASSES_OF_THE_LIBRARY = frozenset({"argparse.Namespace", "collections.defaultdict", "types.SimpleNamespace"})
MOST_NAMES = 2_000  # every module of a large network has one of a few dozen classes
NEWEST_PROTOCOL = 3
_OPERATIONS = frozenset({"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX"})
_MEMO = frozenset({"BINPUT", "LONG_BINPUT"})
_FILLED: dict[str, Literal["dict", "list"]] = {"SETITEMS": "dict", "APPENDS": "list"}
_UNMARK = frozenset({*_FILLED, "TUPLE", "LIST", "DICT", "POP_MARK", "FROZENSET", "ADDITEMS"})
# What only tensors of quantised numbers need.
_QUANTISED = ("torch._utils._rebuild_qtensor", "torch.QInt", "torch.QUInt", "torchao.")


class Inert:
    """Stands in for an object whose class is not loaded. `name` is the class in the file."""

    name = ""
    arguments: tuple[object, ...] = ()
    state: Any = None

    def __new__(cls, *arguments: object, **_keywords: object) -> Inert:
        made = object.__new__(cls)
        made.arguments = arguments
        return made

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Dict:
    def __new__(cls, *_arguments: object, **_keywords: object) -> dict[Any, Any]:  # type: ignore[misc]
        return {}


class _List:
    def __new__(cls, *_arguments: object, **_keywords: object) -> list[Any]:  # type: ignore[misc]
        return []


_PLAIN: dict[str, type[object]] = {"dict": _Dict, "list": _List}
# What a pickle does with a global: names it, makes an object of it, or makes one that it fills like a dict or a list.
Use = Literal["named", "object", "dict", "list"]


def requested_names(pickled: bytes, file: str) -> dict[str, Use]:
    """Every global that a pickle asks for, as "module.name", and what it makes of it. Raises Refuse."""
    uses = _Uses()
    try:
        for operation, argument, _ in pickletools.genops(pickled):
            problem = _unwelcome(operation.name, argument, len(uses.names))
            if problem:
                raise Refuse("pickle", file=file, problem=problem)
            uses.see(operation.name, argument)
    except (ValueError, IndexError, UnicodeError, OverflowError, AttributeError) as error:
        raise Refuse("pickle", file=file, problem=phrase("index_damaged", kind=type(error).__name__)) from error
    return uses.names


class _Uses:
    """What a pickle does with the globals that it names, seen operation by operation."""

    def __init__(self) -> None:
        self.names: dict[str, Use] = {}
        self._last = ""
        self._before: list[str] = []  # the operations since the last global
        self._made = ""  # the class whose object was just made
        self._marks: list[str] = []  # and for each open MARK, the one made just before it; "" for none

    def see(self, operation: str, argument: object) -> None:
        if operation in _MEMO:
            return
        made, self._made = self._made, ""
        if operation == "GLOBAL":
            self._last, self._before = _python3_name(str(argument)), []
            self.names.setdefault(self._last, "named")
            return
        if operation == "NEWOBJ":
            self._made = self._last
            if self._before == ["EMPTY_TUPLE"] and self.names.get(self._last) == "named":
                self.names[self._last] = "object"
        elif operation == "MARK":
            self._marks.append(made)
        elif operation in _UNMARK and self._marks:
            filled = self._marks.pop()
            if filled and operation in _FILLED:
                self.names[filled] = _FILLED[operation]
        if len(self._before) < 2:
            self._before.append(operation)


def _unwelcome(operation: str, argument: Any, names: int) -> Phrase | None:
    if operation == "PROTO" and argument > NEWEST_PROTOCOL:
        return phrase("pickle_protocol", number=argument)
    if operation in _OPERATIONS:
        return phrase("pickle_operation", operation=operation)
    return phrase("classes_many", count=MOST_NAMES) if names > MOST_NAMES else None


def _python3_name(argument: str) -> str:
    module, _, name = argument.partition(" ")
    return f"{'builtins' if module == '__builtin__' else module}.{name}"


def load_inert(pickled: bytes, archive: io.BytesIO, file: str) -> tuple[Any, tuple[str, ...]]:
    """Load the object in a checkpoint, and list the classes whose code was not loaded. Raises Refuse, MemoryError.

    Args:
        pickled: the checkpoint's data.pkl, already checked to be the one in `archive`.
        archive: a clean checkpoint, as `container.read_container` returns it.
        file: what to call it in a refusal.
    """
    names = requested_names(pickled, file)
    others = sorted(names.keys() - BUILT)
    if any(name.startswith(_QUANTISED) for name in others):
        raise Refuse("quantised", file=file)
    classes = {name for name in others if is_class(name, names[name] != "named")}
    stand_ins: list[Any] = [(_stand_in(name, names[name], name in classes, file), name) for name in others]
    try:
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(archive, map_location="cpu", weights_only=True)
    except (MemoryError, Refuse):
        raise
    except pickle.UnpicklingError as error:
        raise Refuse("pickle", file=file, problem=phrase("not_only_weights")) from error
    except Exception as error:
        if "can't allocate memory" in str(error):
            raise
        # torch's own text advises weights_only=False and may hold the student's bytes: only its kind is told
        raise Refuse("pickle", file=file, problem=phrase("content_damaged", kind=type(error).__name__)) from error
    return loaded, tuple(name for name in sorted(classes) if not name.startswith("torch.nn."))


def _stand_in(name: str, use: Use, classlike: bool, file: str) -> Callable[..., Any]:
    if name in SCALARS:
        return _scalar
    if name == "collections.defaultdict":
        return _dictionary
    if classlike and use in _PLAIN:  # torch's unpickler fills nothing else
        return _PLAIN[use]
    if name in INERT_FUNCTIONS or name.startswith("torch.nn.functional.") or classlike:
        return type("StandIn", (Inert,), {"name": name})
    raise Refuse("global", file=file, name=name[:200])


def is_class(name: str, instantiated: bool = False) -> bool:
    """Return whether a name is a class: CapWords, or any name that the file instantiates (`class net(nn.Module)`).

    Python's own library does not count, except for a few harmless classes; nor does what torch itself would build.
    """
    module, _, last = name.rpartition(".")
    top = module.partition(".")[0]
    if name in INERT_CLASSES_OF_THE_LIBRARY or (top == "pathlib" and last.endswith("Path")):
        return True
    if not last.isidentifier() or (top in sys.stdlib_module_names and top != "__main__"):
        return False
    if top == "torch" and last.endswith(("Tensor", "Storage")):
        return False
    return last.lstrip("_")[:1].isupper() or (instantiated and top not in ("torch", "numpy"))


def _scalar(kind: object = None, data: object = b"") -> float | int | None:
    """Build a numpy scalar from its type code and bytes; None if it is not a number."""
    code = kind.arguments[0] if isinstance(kind, Inert) and kind.arguments else None
    if not isinstance(code, str) or code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "b1"):
        return None
    import numpy as np

    raw = data if isinstance(data, bytes) else b""
    dtype = np.dtype("<" + code)
    return np.frombuffer(raw, dtype)[0].item() if len(raw) == dtype.itemsize else None


def _dictionary(*_arguments: object) -> dict[Any, Any]:
    return {}
