"""Reads a file of safetensors: the length of a JSON header, the header, and the bytes of the tensors.

The header says of each tensor its type, its shape, and where its bytes are. Nothing of it could run; what is checked is
that every tensor has exactly its own bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import BinaryIO, NoReturn

import torch
from torch import Tensor

from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.weights.state_dict import MOST_KEYS

HEADER_BYTES = 10_000_000  # 20,000 tensors take some 2 MB
LENGTH_BYTES = 8
MOST_AXES = 16
LONGEST_SIDE = 2**31
METADATA = "__metadata__"  # texts beside the tensors
TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


def read_safetensors(file: BinaryIO, name: str) -> dict[str, Tensor]:
    """Return the tensors by their names, each in memory of its own. Raises Refuse."""
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if length > HEADER_BYTES:
        _refuse(name, phrase("index_large", size=HEADER_BYTES))
    header = _header(file.read(length), name)
    data = file.read()
    tensors = {}
    taken = 0
    for key, (start, end, kind, shape) in sorted(_entries(header, name).items(), key=lambda entry: entry[1][:2]):
        if start < taken:
            _refuse(name, phrase("tensors_overlap"))
        if end > len(data):
            raise Refuse("truncated", file=name)
        taken = end
        raw = torch.frombuffer(bytearray(data[start:end]), dtype=kind) if end > start else torch.empty(0, dtype=kind)
        tensors[key] = raw.reshape(shape)
    return {key: tensors[key] for key in header if key in tensors}


def _header(text: bytes, name: str) -> Mapping[str, object]:
    try:
        header = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refuse("records", file=name, problem=phrase("index_damaged", kind=type(error).__name__)) from error
    if not isinstance(header, dict):
        _refuse(name, phrase("index_damaged", kind=type(header).__name__))
    if len(header) > MOST_KEYS:
        _refuse(name, phrase("records_many", count=len(header)))
    return header


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _entries(header: Mapping[str, object], name: str) -> dict[str, tuple[int, int, torch.dtype, tuple[int, ...]]]:
    """Return where each tensor's bytes begin and end, its type and its shape."""
    entries = {}
    for key, entry in header.items():
        match entry:
            case _ if key == METADATA:
                continue
            case {"dtype": str(kind), "shape": list(sides), "data_offsets": [int(start), int(end)]} if kind in TYPES:
                shape = tuple(side for side in sides if isinstance(side, int) and 0 <= side <= LONGEST_SIDE)
                size = math.prod(shape) * TYPES[kind].itemsize
                if len(shape) != len(sides) or len(shape) > MOST_AXES or start < 0 or end - start != size:
                    _refuse(name, phrase("tensor_size", name=key))
                entries[key] = (start, end, TYPES[kind], shape)
            case {"dtype": str(kind)}:
                raise Refuse("tensor", file=name, name=key, problem=phrase("of_type", kind=kind))
            case _:
                _refuse(name, phrase("tensor_size", name=key))
    return entries


def _refuse(name: str, problem: Phrase) -> NoReturn:
    raise Refuse("records", file=name, problem=problem)
