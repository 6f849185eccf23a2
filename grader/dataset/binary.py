"""Read the official binary layout: `test_batch.bin` and its siblings, with the rows unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grader.dataset.containers import read_files
from grader.dataset.edition import ROW_BYTES, Batch, Edition, Unusable
from grader.records import message


def read_binary(place: Path, edition: Edition) -> Iterator[Batch]:
    """Yield the batches of a folder or archive in the official binary layout.

    Raises Unusable for a wrong file length.
    """
    files = {f"{file.name}.bin": file for file in edition.files}
    for name, content in read_files(place, {name: file.rows * ROW_BYTES for name, file in files.items()}):
        file = files[name]
        if len(content) != file.rows * ROW_BYTES:
            raise Unusable(message("{file} is incomplete: {found} of {expected} bytes",
                                   file=name, found=len(content), expected=file.rows * ROW_BYTES))  # fmt: skip
        yield file.name, np.frombuffer(content, np.uint8).reshape(file.rows, ROW_BYTES)
