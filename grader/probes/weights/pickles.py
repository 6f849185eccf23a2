"""Names a plain pickle by the classes and functions that it asks for. Nothing of it is loaded."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from grader.probes.refusals import Refuse

MOST_OPERATIONS = 200_000  # what a pickle is shows at its beginning
PICKLE_BYTES = 20_000_000  # data.pkl of a 100 million parameter network is well under 1 MB
FRAMEWORKS = {
    "sklearn": "scikit-learn", "keras": "Keras", "tensorflow": "TensorFlow", "jax": "JAX", "jaxlib": "JAX",
    "flax": "JAX", "paddle": "PaddlePaddle", "mindspore": "MindSpore", "xgboost": "XGBoost", "lightgbm": "LightGBM",
}  # fmt: skip
_TEXTS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINSTRING", "BINSTRING", "UNICODE"})


def named_by(file: BinaryIO, name: str) -> Refuse:
    """Return the refusal of a pickle that torch.save did not write, by who wrote what it holds."""
    modules = [module.partition(".")[0] for module in _modules(file)]  # such as "sklearn" of sklearn.svm._classes
    for module in modules:
        if module in FRAMEWORKS:
            return Refuse("other_framework", file=name, format=FRAMEWORKS[module])
    if "torch" in modules or not ({"numpy", "joblib"} & set(modules)):
        return Refuse("plain_pickle", file=name)
    return Refuse("arrays", file=name, format="pickle")


def _modules(file: BinaryIO) -> list[str]:
    """List the modules of all globals, as far as the pickle can be walked."""
    found: dict[str, None] = {}
    texts: list[str] = []  # the last two: before STACK_GLOBAL they are module and name
    memo: list[str] = []
    last = ""  # the text that the operation before pushed
    for operation, argument in _operations(file):
        if operation == "GLOBAL":
            found.setdefault(argument.partition(" ")[0])
        elif operation == "MEMOIZE":
            memo.append(last)
        elif operation == "STACK_GLOBAL" and len(texts) == 2:
            found.setdefault(texts[0])
        last = argument if operation in _TEXTS else ""
        if operation in ("BINGET", "LONG_BINGET") and int(argument) < len(memo):
            last = memo[int(argument)]
        texts = [*texts[-1:], last] if last else texts
    return list(found)


def _operations(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Walk a pickle as far as it goes: what was seen of a damaged one has to do."""
    file.seek(0)
    walk = pickletools.genops(file)
    with suppress(ValueError, IndexError, UnicodeError, OverflowError, AttributeError):
        for count, (operation, argument, place) in enumerate(walk):
            if count > MOST_OPERATIONS or (place or 0) > PICKLE_BYTES:
                return
            yield operation.name, str(argument)
