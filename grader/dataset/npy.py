"""Write a .npy file of bytes, in pieces and in any order."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray


class NpyWriter:
    """A new uint8 array on disk, in C order, with a shape known beforehand.

    Uses plain writes: a full disk is then an OSError, whereas a memory map would kill the process with SIGBUS.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._stream = path.open("wb")
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, header)
        self._start = self._stream.tell()
        self._row_bytes = math.prod(shape[1:])

    def write(self, first: int, rows: NDArray[np.uint8]) -> None:
        """Write rows, starting at row number `first`."""
        self._stream.seek(self._start + first * self._row_bytes)
        self._stream.write(rows.tobytes())

    def __enter__(self) -> NpyWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        with self._stream:
            if kind is None:
                self._stream.flush()
                os.fsync(self._stream.fileno())  # the bytes must be on disk before the folder is renamed
