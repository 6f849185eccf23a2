"""Read the Python version, which torchvision keeps in `cifar-10-batches-py/`: Python 2 pickles, never executed.

A pickle is a program, and anybody may have put these files there. Here it can call only two stand-ins, which keep
what they are given; numpy itself is out of its reach.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.dataset.containers import read_files
from grader.dataset.edition import IMAGE_BYTES, Batch, BatchFile, Edition, Unusable
from grader.records import message

BESIDE_PIXELS = 128  # bytes per image for its label and file name (about 34 in the official files)


def read_pickled(place: Path, edition: Edition) -> Iterator[Batch]:
    """Yield the batches of a folder or archive of the Python version. Raises Unusable if one is not a plain batch."""
    files = {file.name: file for file in edition.files}
    limits = {name: file.rows * (IMAGE_BYTES + BESIDE_PIXELS) + 4096 for name, file in files.items()}
    for name, content in read_files(place, limits):
        yield name, _rows(files[name], _unpickled(name, content))


class _Array:
    """Stands in for numpy.ndarray and numpy.dtype: keeps its state, does nothing."""

    state: object = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state


def _reconstruct(*_: object) -> _Array:
    return _Array()


_ALLOWED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,  # if somebody re-wrote the batch with numpy 2
}


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR-10 batch needs") from None


def _unpickled(name: str, content: bytes) -> dict[Any, Any]:
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:
        raise Unusable(message("{file} is not a CIFAR-10 batch: {reason}", file=name, reason=str(error))) from error
    if not isinstance(batch, dict):
        raise Unusable(
            message("{file} is not a CIFAR-10 batch: it holds a {kind}", file=name, kind=type(batch).__name__)
        )
    return batch


def _rows(file: BatchFile, batch: dict[Any, Any]) -> NDArray[np.uint8]:
    """Convert the batch to the official binary layout, (N, 3073)."""
    data, labels = (batch.get(key.encode(), batch.get(key)) for key in ("data", "labels"))
    try:
        # ndarray's own state: version, shape, dtype, whether in Fortran order, content
        _, shape, _, fortran, raw = data.state  # type: ignore[union-attr]
        if shape != (file.rows, IMAGE_BYTES) or fortran:
            raise ValueError
        pixels = np.frombuffer(raw, np.uint8).reshape(shape)
        column = np.frombuffer(bytes(list(labels)), np.uint8).reshape(file.rows)  # type: ignore[arg-type]
    except (AttributeError, TypeError, ValueError) as error:
        raise Unusable(message("{file} is not a CIFAR-10 batch: it lacks {count} images with their labels",
                               file=file.name, count=file.rows)) from error  # fmt: skip
    return np.column_stack((column, pixels))
