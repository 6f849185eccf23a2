"""Files of safetensors: the same weights earn the same logits, and every tensor has exactly its own bytes."""

from __future__ import annotations

import io
import json
import random
import struct
from typing import Any

import pytest
import torch
from torch import Tensor

from grader.probes.refusals import Refuse
from grader.probes.weights.safetensors import read_safetensors

Weights = dict[str, Tensor]
NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
}  # fmt: skip


def _written(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _saved(weights: Weights, metadata: bool = True) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}} if metadata else {}
    data = b""
    for key, value in weights.items():
        raw = value.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[key] = {"dtype": NAMES[value.dtype], "shape": list(value.shape), "data_offsets": offsets}
        data += raw
    return _written(header, data)


@pytest.mark.parametrize("metadata", [True, False])
def test_the_same_weights_earn_the_same_logits(
    metadata: bool, forge: Any, resnet20_weights: Weights, plain_logits: Any
) -> None:
    probed = forge.probe(_saved(resnet20_weights, metadata))

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["form"] == "state dict"
    assert probed.checkpoint["network"] == "resnet20, shortcut A"


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_every_precision_is_read_as_torch_reads_it(kind: torch.dtype, forge: Any, resnet20_weights: Weights) -> None:
    converted = {
        key: value.to(kind) for key, value in resnet20_weights.items() if not key.endswith("num_batches_tracked")
    }

    probed = forge.probe(_saved(converted))

    assert probed.logits.tobytes() == forge.probe(forge.save(converted)).logits.tobytes()
    assert probed.checkpoint["dtypes"] == [str(kind).removeprefix("torch.")]


def test_a_prefix_is_left_out_as_in_every_other_form(forge: Any, resnet20_weights: Weights, plain_logits: Any) -> None:
    prefixed = {f"model.{key}": value for key, value in resnet20_weights.items()}

    assert forge.probe(_saved(prefixed)).logits.tobytes() == plain_logits.tobytes()


def _one(start: int = 0, end: int = 16, shape: Any = (4,), kind: Any = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}


BAD: dict[str, tuple[bytes, str, str]] = {
    "no JSON": (_written(b"{nonsense", bytes(16)), "records", "index is damaged"),
    "no UTF-8": (_written(b'{"\xff": 1}', bytes(16)), "records", "index is damaged"),
    "nested without end": (_written(b"{" + b'"a":{' * 50_000, bytes(16)), "records", "index is damaged"),
    "a name twice": (_written(b'{"w":{},"w":{}}', bytes(16)), "records", "index is damaged"),
    "no entry": (_written({"w": 5}, bytes(16)), "records", "size of w"),
    "size of another shape": (_written({"w": _one(shape=(5,))}, bytes(16)), "records", "size of w"),
    "negative side": (_written({"w": _one(shape=(-2, -2))}, bytes(16)), "records", "size of w"),
    "side that is a text": (_written({"w": _one(shape=("4",))}, bytes(16)), "records", "size of w"),
    "side beyond measure": (_written({"w": _one(shape=(10**30, 0), end=0)}, bytes(16)), "records", ""),
    "negative start": (_written({"w": _one(-16, 0)}, bytes(16)), "records", "size of w"),
    "beyond the end": (_written({"w": _one(8, 24)}, bytes(16)), "truncated", "cut off"),
    "shared bytes": (_written({"w": _one(), "v": _one(8, 24)}, bytes(24)), "records", "share bytes"),
    "unknown type": (_written({"w": _one(kind="F8_E4M3")}, bytes(16)), "tensor", "F8_E4M3"),
    "header beyond measure": (struct.pack("<Q", 10_000_001) + b"{" + bytes(10_000_100), "records", "larger than"),
    "no tensors": (_written({"__metadata__": {"a": "b"}}, bytes(4)), "no_tensors", "empty dict"),
    "too many names": (_written({f"w{n}": _one(0, 0, (0,)) for n in range(20_001)}), "records", "20,001 records"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_not_what_it_says_is_refused(kind: str, forge: Any) -> None:
    data, code, told = BAD[kind]

    refused, sentence, _ = forge.refusal(data)

    assert refused == code, sentence
    assert told in sentence


def test_a_file_with_altered_bytes_is_read_or_refused() -> None:
    source = random.Random(2)
    data = _saved({"fc.weight": torch.rand(3, 4), "fc.bias": torch.rand(3).half(), "count": torch.tensor([1, 2])})
    refused = 0
    for _ in range(3000):
        content = bytearray(data)
        for _ in range(source.randint(1, 3)):
            content[source.randrange(len(content))] = source.randrange(256)
        try:
            assert isinstance(read_safetensors(io.BytesIO(content), "final.pth"), dict)
        except Refuse:
            refused += 1
    assert refused > 300


def test_a_file_cut_anywhere_is_refused() -> None:
    data = _saved({"fc.weight": torch.rand(3, 4), "fc.bias": torch.rand(3)})
    for length in range(len(data)):
        with pytest.raises(Refuse):
            read_safetensors(io.BytesIO(data[:length]), "final.pth")
