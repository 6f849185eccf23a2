"""The form before PyTorch 1.6: honest files earn the same logits to the bit, dishonest ones are refused by name."""

from __future__ import annotations

import importlib.util
import io
import pickle
import random
import struct
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grader.probes.refusals import Refuse
from grader.probes.weights.container import write_archive
from grader.probes.weights.legacy import MAGIC, VERSION, read_legacy
from grader.probes.weights.unpickle import load_inert
from reference import models

Weights = dict[str, Tensor]
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


def _old(forge: Any, found: Any, **keywords: Any) -> bytes:
    data: bytes = forge.save(found, _use_new_zipfile_serialization=False, **keywords)
    return data


def _opened(data: bytes) -> Any:
    pickled, records = read_legacy(data, "final.pth")
    return load_inert(pickled, write_archive(pickled, records), "final.pth")[0]


def _head(pickled: bytes) -> bytes:
    return b"".join(pickle.dumps(item, 2) for item in (MAGIC, VERSION, SYSTEM)) + pickled


def _text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def _reference(
    key: str = "0", count: int = 4, part: bytes = b"N", kind: str = "torch\nFloatStorage", device: str = "cpu"
) -> bytes:
    number = b"\x8a\x08" + struct.pack("<q", count)
    return b"(" + _text("storage") + b"c" + kind.encode() + b"\n" + _text(key) + _text(device) + number + part + b"tQ"


def _numbers(*values: int) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def _tensor(storage: bytes, size: int = 4, offset: int = 0) -> bytes:
    numbers = b"J" + struct.pack("<i", offset) + _numbers(size) + _numbers(1)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + numbers + b"\x89ccollections\nOrderedDict\n)RtR"


def _file(storage: bytes, *stored: tuple[str, int, bytes], size: int = 4, after: bytes = b"") -> bytes:
    """A dict with one tensor under "w", and the storages that follow: key, number of elements, bytes."""
    pickled = b"\x80\x02}" + _text("w") + _tensor(storage, size) + b"s."
    keys = b"\x80\x02](" + b"".join(_text(key) for key, _, _ in stored) + b"e."
    return _head(pickled) + keys + b"".join(struct.pack("<q", count) + data for _, count, data in stored) + after


FOUR = np.array([1.0, -2.0, 3.5, 4.0], "<f4").tobytes()


# --- honest files ----------------------------------------------------------------------------------------------


def _views(weights: Weights) -> Weights:
    real = {key: value for key, value in weights.items() if value.is_floating_point()}
    parts = torch.cat([value.flatten() for value in real.values()]).split([value.numel() for value in real.values()])
    return {key: part.view(real[key].shape) for key, part in zip(real, parts, strict=True)}


FORMS: dict[str, Callable[[Weights], Any]] = {
    "plain": dict,
    "wrapped": lambda weights: {"net": weights, "acc": 91.2, "epoch": 199},
    "counters left out": lambda weights: {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")},
    "double": lambda weights: {k: v.double() if v.is_floating_point() else v for k, v in weights.items()},
    "shared storages": lambda weights: {**weights, "extra_ops": weights["conv1.weight"][0, 0, 0, :1]},
    "not contiguous": lambda weights: {
        k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v for k, v in weights.items()
    },
    "one storage for all": _views,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_file_does_not_change_a_bit_of_the_logits(
    form: str, forge: Any, resnet20_weights: Weights, plain_logits: Any
) -> None:
    probed = forge.probe(_old(forge, FORMS[form](dict(resnet20_weights))))

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["network"] == "resnet20, shortcut A"


def test_the_claim_and_the_kind_of_the_numbers_are_read_too(forge: Any, resnet20_weights: Weights) -> None:
    half = {key: value.half() if value.is_floating_point() else value for key, value in resnet20_weights.items()}

    probed = forge.probe(_old(forge, {"net": half, "acc": np.float64(91.25)}))

    assert probed.value["claim"] == ("acc", 91.25)
    assert probed.checkpoint["dtypes"] == ["float16", "int64"]
    assert probed.logits.tobytes() == forge.probe(forge.save(half)).logits.tobytes()


def test_weights_saved_on_a_gpu_are_graded(forge: Any, resnet20_weights: Weights, plain_logits: Any) -> None:
    data = _old(forge, resnet20_weights).replace(_text("cpu"), _text("cuda:0"))

    assert forge.probe(data).logits.tobytes() == plain_logits.tobytes()


def test_a_whole_module_with_its_source_is_graded_without_it(
    forge: Any, student_modules_before_2020: bytes, plain_logits: Any
) -> None:
    probed = forge.probe(student_modules_before_2020)

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["form"] == "whole module"
    assert any(name.endswith(".ResNet") for name in probed.checkpoint["unloaded"])


@pytest.fixture(scope="module")
def student_modules_before_2020(resnet20_weights: Weights, forge: Any, tmp_path_factory: Any) -> bytes:
    """torch.save(net) of a class of the student's own; torch then writes its source beside every class."""
    path = tmp_path_factory.mktemp("student") / "student_network.py"
    path.write_text(Path(models.__file__).read_text("utf-8"), "utf-8")
    spec = importlib.util.spec_from_file_location("student_network", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["student_network"] = module
    try:
        spec.loader.exec_module(module)
        net = module.resnet20("A")
        net.load_state_dict(resnet20_weights)
        data = _old(forge, net)
    finally:
        del sys.modules["student_network"]
    assert b"Two 3x3 convolutions and a shortcut" in data  # the source is in there
    return data


def test_a_sequential_of_the_students_design_is_rebuilt(forge: Any, lively_net: Any) -> None:
    net = lively_net(nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10)))

    old, new = forge.probe(_old(forge, net)), forge.probe(forge.save(net))

    assert old.logits.tobytes() == new.logits.tobytes()
    assert old.checkpoint["network"] == "nn.Sequential of 4 layers"


def test_every_kind_of_number_keeps_its_values(forge: Any) -> None:
    kinds = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
             torch.int8, torch.uint8, torch.bool)  # fmt: skip
    saved = {str(kind): torch.tensor([0, 1, 3, 100]).to(kind) for kind in kinds}
    saved |= {"nothing": torch.empty(0), "transposed": torch.arange(6.0).view(2, 3).t(), "part": torch.arange(9)[2:5]}

    found = _opened(_old(forge, saved))

    for key, value in saved.items():
        assert found[key].dtype == value.dtype, key
        assert torch.equal(found[key], value), key


def test_texts_that_the_references_share_with_the_rest_are_kept(forge: Any) -> None:
    """Pickle writes an equal text once; where it stood in a reference, the rest refers to it."""
    name = "storage"
    saved = {"w": torch.zeros(2), "cpu": "cpu", name: [name, "module", "cpu", torch.ones(1)], "kind": "cpu"}

    found = _opened(_old(forge, saved))

    assert (found["cpu"], found["kind"], found["storage"][:3]) == ("cpu", "cpu", ["storage", "module", "cpu"])


def test_a_part_of_a_storage_as_versions_before_04_wrote_it_is_that_part() -> None:
    part = _text("view") + b"K\x01K\x02\x87"

    found = _opened(_file(_reference(part=part), ("0", 4, FOUR), size=2))

    assert found["w"].tolist() == [-2.0, 3.5]


def test_what_follows_the_last_storage_is_never_read(forge: Any, resnet20_weights: Weights, plain_logits: Any) -> None:
    behind = forge.calling("posix.system", "touch marker")

    assert forge.probe(_old(forge, resnet20_weights) + behind).logits.tobytes() == plain_logits.tobytes()


def test_the_file_made_by_hand_in_these_tests_is_a_right_one() -> None:
    data = _file(_reference(), ("0", 4, FOUR))

    assert _opened(data)["w"].tolist() == [1.0, -2.0, 3.5, 4.0]
    assert torch.load(io.BytesIO(data), weights_only=True)["w"].tolist() == [1.0, -2.0, 3.5, 4.0]


# --- hostile files ---------------------------------------------------------------------------------------------

TWICE = ("0", 4, FOUR)
HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "storage not listed": (_file(_reference()), "records", "uninitialised memory"),
    "five gigabytes announced": (_file(_reference(count=5 * 2**30), ("0", 5 * 2**30, b"")), "truncated", "cut off"),
    "more in the pickle": (_file(_reference(count=9), TWICE), "records", "4 values where 9 are announced"),
    "more in the storage": (_file(_reference(), ("0", 9, bytes(36))), "records", "9 values where 4 are announced"),
    "negative in both": (_file(_reference(count=-4), ("0", -4, b"")), "records", "in two ways"),
    "negative in the storage": (_file(_reference(), ("0", -1, FOUR)), "records", "-1 values"),
    "beyond 64 bits": (_file(_reference().replace(b"\x8a\x08", b"\x8a\x09\0"), TWICE), "records", ""),
    "key listed twice": (_file(_reference(), TWICE, TWICE), "records", "appears twice"),
    "key of nothing": (_file(_reference(), TWICE, ("1", 4, FOUR)), "records", "belong to none"),
    "values cut off": (_file(_reference(), ("0", 4, FOUR[:15])), "truncated", "cut off"),
    "size cut off": (_file(_reference(), TWICE)[:-20], "truncated", "cut off"),
    "part beyond its storage": (_file(_reference(part=_text("v") + b"K\x03K\x02\x87"), TWICE), "records", "two ways"),
    "two sizes of one storage": (
        _file(_reference(), TWICE).replace(b"s.", _text("v") + _tensor(_reference(count=2)) + b"s."),
        "records",
        "in two ways",
    ),
    "two types of one storage": (
        _file(_reference(), TWICE).replace(
            b"s.", _text("v") + _tensor(_reference(kind="torch\nDoubleStorage")) + b"s."
        ),
        "records",
        "in two ways",
    ),
    "storage of complex numbers": (_file(_reference(kind="torch\nComplexFloatStorage"), TWICE), "global", "Complex"),
    "storage of another module": (_file(_reference(kind="evil\nFloatStorage"), TWICE), "global", "evil.FloatStorage"),
    "storage of quantised numbers": (_file(_reference(kind="torch\nQInt8Storage"), TWICE), "quantised", "quantised"),
    "reference out of the memo": (
        _file(_reference().replace(b"(", b"(" + _text("x") + b"q\x05", 1).replace(b"tQ", b"tq\x06h\x06Q"), TWICE),
        "pickle",
        "BINPERSID",
    ),
    "reference built by a call": (_file(b"cbuiltins\ntuple\n)RQ", TWICE), "pickle", "BINPERSID"),
    "reference by a number": (_file(b"K\x01Q", TWICE), "pickle", "BINPERSID"),
    "code in the pickle": (_head(b"\x80\x02}X\x01\0\0\0xcposix\nsystem\n(" + _text("id") + b"tRs.") + b"\x80\x02].",
                           "global", "posix.system"),
    "code for the version": (
        pickle.dumps(MAGIC, 2) + b"\x80\x02cposix\nsystem\n(" + _text("id") + b"tR.", "records", "goes on differently",
    ),
    "code in the keys": (
        _head(b"\x80\x02}.") + b"\x80\x02cposix\nsystem\n(" + _text("id") + b"tR.", "pickle", "GLOBAL",
    ),
    "another version": (pickle.dumps(MAGIC, 2) + pickle.dumps(1002, 2), "records", "goes on differently"),
    "nothing after the head": (_head(b""), "truncated", "cut off"),
    "facts without end": (
        pickle.dumps(MAGIC, 2) + pickle.dumps(VERSION, 2) + pickle.dumps("x" * 9999, 2), "records", "larger than",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_is_not_what_it_says_is_refused_by_name(kind: str, forge: Any) -> None:
    data, code, told = HOSTILE[kind]

    refused, sentence, _ = forge.refusal(data)

    assert refused == code, sentence
    assert told in sentence


def test_a_source_repeated_a_million_times_is_written_only_once_too_often(forge: Any) -> None:
    """What stood in a reference is written again wherever it is used, so the copy is bounded."""
    source = _text("x" * 1_000_000) + b"q\x01"
    module = b"(" + _text("module") + b"cmodels\nNet\n" + _text("file") + source + b"tQ"

    assert "larger than" in forge.refusal(_head(b"\x80\x02]" + module + b"h\x01a" * 100 + b"."))[1]


def test_parts_that_overlap_do_not_multiply_the_file(forge: Any) -> None:
    parts = [_tensor(_reference(count=1000, part=_text(f"v{n}") + bytes([75, n]) + b"M\x20\x03\x87")) for n in range(9)]
    pickled = b"\x80\x02]" + b"".join(part + b"a" for part in parts) + b"."
    data = _head(pickled) + pickle.dumps(["0"], 2) + struct.pack("<q", 1000) + bytes(4000)

    assert "claim more bytes" in forge.refusal(data)[1]


def test_a_file_cut_anywhere_is_refused(forge: Any) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    data = _old(forge, {"net": net.state_dict(), "acc": 91.0})
    for length in range(1, len(data), 37):
        with pytest.raises(Refuse):
            forge.probe(data[:length], count=2)


def test_a_file_with_altered_bytes_is_read_or_refused(forge: Any) -> None:
    source = random.Random(1)
    data = _old(forge, {"net": {"fc.weight": torch.rand(3, 4), "fc.bias": torch.rand(3)}, "args": [1, {"a": "b"}]})
    refused = 0
    for _ in range(1500):
        content = bytearray(data)
        for _ in range(source.randint(1, 3)):
            content[source.randrange(len(content))] = source.randrange(256)
        try:
            _opened(bytes(content))
        except Refuse:
            refused += 1
    assert refused > 300


def test_the_form_of_2016_is_called_what_it_is(forge: Any) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())

    code, sentence, _ = forge.refusal(file.getvalue())

    assert code == "legacy_tar"
    assert "before version 0.1.10" in sentence
