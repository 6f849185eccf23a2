"""Reads arrays that a job passes in a numpy file, without pickle."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from grader.probes.documents.text import read_bytes


def tensors(files: Mapping[str, int], name: str) -> dict[str, torch.Tensor]:
    """Read every array of an .npz as a tensor with its own memory."""
    with np.load(io.BytesIO(read_bytes(files, name)), allow_pickle=False) as stored:
        return {key: torch.from_numpy(stored[key].copy()) for key in stored.files}


def images(descriptor: int, count: int) -> NDArray[np.uint8]:
    """Memory-map the first images of a .npy file: uint8 (count, C, H, W)."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        mapped: NDArray[np.uint8] = np.memmap(file, dtype=dtype, mode="r", offset=file.tell(), shape=shape)
    return mapped[:count]
