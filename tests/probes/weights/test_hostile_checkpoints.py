"""Whatever a file called final.pth holds: it is refused by name or graded, nothing in it runs, and nothing hangs."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from grader.evidence import Failure, OutOfMemory, Refused
from grader.evidence.refusals import heard_refusal
from grader.probes.refusals import Refuse
from grader.probes.weights.unpickle import BUILT, is_class
from grader.probes.worker import is_memory_error
from grader.sandbox import ArraySpec, Job, Limits, Reply, Sandbox, open_sandbox
from grader.sandbox.select import BACKENDS, why_not
from reports.text import words

Weights = dict[str, Tensor]


# --- what the file is instead ----------------------------------------------------------------------------------


def _zip(*names: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in names:
            archive.writestr(name, b"content of " + name.encode())
    return file.getvalue()


def _scripted() -> bytes:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), file)
    return file.getvalue()


def _pickle_of(module: str, name: str, protocol: int) -> bytes:
    """A pickle of an object of a class that need not be installed."""
    if protocol == 2:
        return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b")\x81q\x00}q\x01b."
    texts = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() + b"\x94" for word in (module, name))
    return b"\x80\x04\x95" + struct.pack("<Q", len(texts) + 9) + texts + b"\x93\x94)\x81\x94}\x94b."


def _arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, weight=np.zeros(3))
    return file.getvalue()


ONNX = b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:\x8a\x01"
OTHER_FILES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "empty", "0 bytes"),
    "page": (lambda: b"\n<!DOCTYPE html><html>Please log in</html>", "html", "web page"),
    "pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9", "lfs", "git lfs pull"),
    "ONNX": (lambda: ONNX, "program", "ONNX program"),
    "ONNX of tf2onnx": (lambda: b"\x08\x08\x12\x06tf2onnx", "program", "ONNX program"),
    "torch.export": (lambda: _zip("net/archive_format", "net/models/model.json"), "program", "torch.export"),
    "Keras, HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(40), "other_framework", "Keras"),
    "Keras, zip": (lambda: _zip("metadata.json", "config.json", "model.weights.h5"), "other_framework", "Keras"),
    "TensorFlow, zip": (lambda: _zip("saved_model.pb", "variables/variables.index"), "other_framework", "TensorFlow"),
    "TensorFlow, one file": (lambda: b"\x08\x01\x12\xd4\x9b\x02\n", "other_framework", "TensorFlow"),
    "TensorFlow, index": (lambda: b'model_checkpoint_path: "m"', "other_framework", "TensorFlow"),
    "TensorFlow Lite": (lambda: b"\x1c\0\0\0TFL3" + bytes(20), "other_framework", "TensorFlow Lite"),
    "scikit-learn": (lambda: _pickle_of("sklearn.svm._classes", "SVC", 4), "other_framework", "scikit-learn"),
    "scikit-learn of old": (lambda: _pickle_of("sklearn.svm.classes", "SVC", 2), "other_framework", "scikit-learn"),
    "Keras, pickle": (lambda: _pickle_of("keras.src.models.model", "Model", 4), "other_framework", "Keras"),
    "an array": (lambda: b"\x93NUMPY\x01\0v\0", "arrays", "load_state_dict"),
    "arrays": (_arrays, "arrays", "load_state_dict"),
    "pickled arrays": (lambda: pickle.dumps({"w": np.zeros(3)}), "arrays", "load_state_dict"),
    "pickled network": (lambda: pickle.dumps(nn.Linear(2, 2)), "plain_pickle", "pickle.dump"),
    "pickle of a class of one's own": (lambda: _pickle_of("__main__", "Net", 4), "plain_pickle", "pickle.dump"),
    "tar": (lambda: b"exp2.py".ljust(257, b"\0") + b"ustar\x0000" + bytes(300), "archive", "tar archive"),
    "rar": (lambda: b"Rar!\x1a\x07\x01\x00", "archive", "RAR"),
    "7z": (lambda: b"7z\xbc\xaf\x27\x1c\0\4", "archive", "7-Zip"),
    "gz": (lambda: b"\x1f\x8b\x08\0", "archive", "gzip"),
    "TorchScript": (_scripted, "torchscript", "TorchScript"),
    "pickle.dump": (lambda: pickle.dumps({"w": 1}), "plain_pickle", "pickle.dump"),
    "pickle of one byte": (lambda: b"\x80", "plain_pickle", "pickle.dump"),
    "zip of files": (lambda: _zip("exp2.py", "history.json"), "plain_zip", "zip archive"),
    "zip of nothing": (_zip, "plain_zip", "zip archive"),
    "text": (lambda: b"see the link in my report", "unknown", "see the link"),
    "escape codes": (lambda: b"\x1b[2J\x1b]0;owned\x07", "unknown", "1b 5b 32 4a"),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_a_file_that_is_something_else_is_called_what_it_is(kind: str, forge: Any) -> None:
    make, code, told = OTHER_FILES[kind]

    refused, sentence, _ = forge.refusal(make())

    assert refused == code
    assert told in sentence
    assert sentence.isprintable()


def test_an_archive_repacked_by_a_zip_program_is_refused(forge: Any, resnet20_weights: Weights) -> None:
    data = forge.rewritten(forge.save(resnet20_weights), lambda pickled: pickled, zipfile.ZIP_DEFLATED)

    code, sentence, _ = forge.refusal(data)

    assert code == "records"
    assert "repacked by a zip program" in sentence


def test_a_record_that_occurs_twice_is_refused(forge: Any, resnet20_weights: Weights) -> None:
    file = io.BytesIO(forge.save(resnet20_weights))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr(archive.namelist()[0], b"another")

    assert "appears twice" in forge.refusal(file.getvalue())[1]


@pytest.mark.parametrize("size", [2**31, 5 * 10**9])
def test_records_that_claim_more_than_the_file_has_are_refused(size: int, forge: Any) -> None:
    data = bytearray(forge.save({"w": torch.zeros(4)}))
    place = data.index(b"PK\x01\x02", data.rindex(b"archive/data/0") - 46)
    data[place + 20 : place + 28] = struct.pack("<LL", size % 2**32, size % 2**32)

    code, sentence, _ = forge.refusal(bytes(data))

    assert code in ("records", "truncated")
    assert "claim more" in sentence or "is cut off" in sentence


def test_two_names_for_the_same_bytes_do_not_count_twice(forge: Any) -> None:
    """Overlapping entries: a small file that unfolds into many large records."""
    data = bytearray(forge.save({"w": torch.zeros(50_000)}))
    listing = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    record = bytes(data[data.index(b"PK\x01\x02", data.rindex(b"archive/data/0") - 46) :][: 46 + len("archive/data/0")])
    extra = b"".join(record.replace(b"data/0", b"data/%d" % number) for number in range(1, 10))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 14, 14, end - listing + len(extra), listing, 0)

    assert forge.refusal(bytes(data[:end]) + extra + tail)[0] in ("records", "truncated")


def test_altered_weights_are_not_called_a_file_that_breaks_off(forge: Any, resnet20_weights: Weights) -> None:
    data = bytearray(forge.save(resnet20_weights))
    data[len(data) // 2] ^= 1

    code, sentence, _ = forge.refusal(bytes(data))

    assert code == "records"
    assert "checksum" in sentence


def test_what_lies_outside_the_top_folder_is_never_read(
    forge: Any, plain_logits: Any, resnet20_weights: Weights
) -> None:
    file = io.BytesIO(forge.save(resnet20_weights))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("zzz/archive/data.pkl", b"cos\nsystem\n(X\x02\0\0\0idtR.")
        archive.writestr("../../etc/passwd", b"root")

    assert forge.probe(file.getvalue()).logits.tobytes() == plain_logits.tobytes()


# --- what it asks for ------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[Any, ...]] = {
    "posix.system": ("touch {marker}",),
    "os.system": ("touch {marker}",),
    "nt.system": ("touch {marker}",),
    "__builtin__.eval": ("open('{marker}', 'w')",),
    "builtins.eval": ("open('{marker}', 'w')",),
    "builtins.exec": ("open('{marker}', 'w')",),
    "builtins.open": ("{marker}", "w"),
    "builtins.__import__": ("antigravity",),
    "builtins.bytearray": (2_000_000_000,),
    "io.open": ("{marker}", "w"),
    "subprocess.Popen": ("touch {marker}",),
    "subprocess.check_output": ("touch {marker}",),
    "commands.getoutput": ("touch {marker}",),
    "shutil.rmtree": ("{marker}",),
    "runpy.run_path": ("{marker}",),
    "pickle.loads": (b"X\x01\0\0\0a",),
    "code.InteractiveInterpreter": (),
    "pathlib.Path.touch": ("{marker}",),
    "torch.hub.load": ("attacker/repository", "net"),
    "torch.load": ("{marker}",),
    "torch.jit.load": ("{marker}",),
    "torch.storage._load_from_bytes": (b"X\x01\0\0\0a",),
    "torch.utils.collect_env.run": ("touch {marker}",),
    "torch.FloatTensor": (100_000, 100_000),
    "torch.Tensor": (100, 100),
    "torch.storage.UntypedStorage": (2**40,),
    "torch._utils._rebuild_meta_tensor_no_storage": (),
    "torch._utils._rebuild_sparse_tensor": (),
    "torch._tensor._rebuild_from_type_v2": (),
    "numpy.testing._private.utils.runstring": ("open('{marker}', 'w')",),
    "numpy.load": ("{marker}",),
    "operator.attrgetter": ("x",),
    "helper.save_it": ("{marker}",),
}


def _filled(arguments: tuple[Any, ...], marker: Path) -> tuple[Any, ...]:
    return tuple(item.replace("{marker}", str(marker)) if isinstance(item, str) else item for item in arguments)


@pytest.mark.parametrize("name", CALLS)
def test_a_function_is_refused_by_name_and_never_called(name: str, forge: Any, tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    code, sentence, _ = forge.refusal(forge.zipped(forge.calling(name, *_filled(CALLS[name], marker))))

    assert code == "global"
    assert name.replace("__builtin__", "builtins") in sentence
    assert not marker.exists()


def test_the_payload_of_these_tests_would_really_run(forge: Any, tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    torch.load(io.BytesIO(forge.zipped(forge.calling("os.system", f"touch {marker}"))), weights_only=False)

    assert marker.exists()


@pytest.mark.parametrize(
    "name", ["__main__.Popen", "helper.Popen", "torch.nn.modules.linear.Linear", "builtins.getattr"]
)
def test_what_is_named_like_a_class_is_replaced_and_never_called(name: str, forge: Any, tmp_path: Path) -> None:
    code, _, _ = forge.refusal(forge.zipped(forge.calling(name, f"touch {tmp_path / 'marker'}")))

    assert code == "no_tensors"
    assert not (tmp_path / "marker").exists()


def test_no_global_that_torch_builds_by_itself_passes_for_a_class() -> None:
    from torch._weights_only_unpickler import _get_allowed_globals

    assert [name for name in _get_allowed_globals().keys() - BUILT if is_class(name, instantiated=True)] == []


def test_a_chain_of_partial_functions_calls_nothing(forge: Any, tmp_path: Path) -> None:
    inner = b"cfunctools\npartial\n(cposix\nsystem\nX\x02\0\0\0idtR"
    pickled = b"\x80\x02}X\x01\0\0\0x" + inner + b"(tRs."

    assert "posix.system" in forge.refusal(forge.zipped(pickled))[1]


@pytest.mark.parametrize(
    "codec", ["hex", "zip", "uu", "rot13", "no such codec", "../../tmp/evil", "idna", "x" * 10_000]
)
def test_encoding_a_text_in_an_odd_way_loads_no_code(codec: str, forge: Any) -> None:
    code, _, _ = forge.refusal(forge.zipped(forge.calling("_codecs.encode", "abc", codec)))

    assert code in ("pickle", "no_tensors")


def test_names_with_control_characters_steer_no_terminal(forge: Any) -> None:
    pickled = b"\x80\x02}X\x01\0\0\0xcos\x1b[2J\x07\r\nsystem\x1b]0;owned\x07{x.__class__}\n)Rs."
    with pytest.raises(Refuse) as caught:
        forge.probe(forge.zipped(pickled))

    shown = words(heard_refusal(caught.value.code, caught.value.values).message)
    assert shown.isprintable()
    assert "{x.__class__}" in shown


def test_a_class_written_small_counts_where_the_file_makes_objects_of_it(forge: Any) -> None:
    made, called = b"\x80\x02c__main__\nnet\nq\x00)\x81q\x01.", b"\x80\x02c__main__\nnet\n)R."

    assert forge.refusal(forge.zipped(made))[0] == "no_tensors"
    assert forge.refusal(forge.zipped(called))[0] == "global"


# --- what its tensors are --------------------------------------------------------------------------------------


def _with(weights: Weights, **changed: Any) -> Weights:
    return {**weights, **{key.replace("__", "."): value for key, value in changed.items()}}


def _attributed(weights: Weights) -> Weights:
    weights["conv1.weight"] = weights["conv1.weight"].clone()
    weights["conv1.weight"].colour = "red"  # type: ignore[attr-defined]
    return weights


BAD_WEIGHTS: dict[str, tuple[Callable[[Weights], Any], str, str]] = {
    "NaN": (lambda w: _with(w, linear__bias=torch.full((10,), float("nan"))), "not_finite", "10 values"),
    "infinite": (lambda w: _with(w, linear__bias=torch.full((10,), float("inf"))), "not_finite", "linear.bias"),
    "infinite in float32": (
        lambda w: _with(w, linear__bias=torch.full((10,), 1e300, dtype=torch.float64)),
        "not_finite",
        "10",
    ),
    "whole numbers": (lambda w: _with(w, linear__bias=torch.zeros(10, dtype=torch.int64)), "tensor", "int64"),
    "truth values": (lambda w: _with(w, linear__bias=torch.zeros(10, dtype=torch.bool)), "tensor", "bool"),
    "complex": (lambda w: _with(w, linear__bias=torch.zeros(10, dtype=torch.complex64)), "global", "ComplexFloat"),
    "stride 0": (lambda w: _with(w, linear__weight=torch.zeros(1).expand(10, 64_000_000_000)), "network", "shape"),
    "sparse": (lambda w: _with(w, linear__weight=torch.zeros(10, 64).to_sparse()), "global", "sparse"),
    "meta": (lambda w: _with(w, linear__weight=torch.zeros(10, 64, device="meta")), "global", "meta"),
    "attribute": (_attributed, "global", "torch.Tensor"),
    "no tensors": (lambda w: {"lr": 0.1}, "no_tensors", "keys lr"),
    "odd keys": (lambda w: {10**500: 1, (1, 2): 2, None: 3}, "no_tensors", "int, tuple, NoneType"),
    "list": (lambda w: list(w.values()), "no_tensors", "list"),
    "huge number": (lambda w: 10**6000, "pickle", ""),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", BAD_WEIGHTS)
def test_weights_that_cannot_be_used_are_refused_with_the_reason(
    kind: str, forge: Any, resnet20_weights: Weights
) -> None:
    spoil, code, told = BAD_WEIGHTS[kind]

    refused, sentence, details = forge.refusal(forge.save(spoil(dict(resnet20_weights))))

    assert refused == code
    assert told in sentence + " ".join(details)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_quantised_tensors_are_called_what_they_are(form: str, forge: Any) -> None:
    quantised = torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8)

    code, sentence, _ = forge.refusal(forge.save({"w": quantised}, _use_new_zipfile_serialization=form == "zip"))

    assert code == "quantised"
    assert "before quantisation" in sentence


def test_an_expanded_weight_of_the_right_shape_is_an_honest_one(forge: Any, resnet20_weights: Weights) -> None:
    expanded = torch.full((1, 1), 0.1).expand(10, 64)

    probed = forge.probe(forge.save({**resnet20_weights, "linear.weight": expanded}))

    assert probed.logits.tobytes() == forge.probe(
        forge.save({**resnet20_weights, "linear.weight": expanded.clone()})
    ).logits.tobytes()  # fmt: skip


def _numbers(*values: int) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def _tensor(size: tuple[int, ...], stride: tuple[int, ...], numel: int, offset: int = 0) -> bytes:
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu"
    storage += b"J" + struct.pack("<i", numel) + b"tQ"
    numbers = b"J" + struct.pack("<i", offset) + _numbers(*size) + _numbers(*stride)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + numbers + b"\x89ccollections\nOrderedDict\n)RtR"


@pytest.mark.parametrize(
    ("size", "stride", "numel", "offset"),
    [
        ((9,), (1,), 4, 0),
        ((4,), (1,), 9, 0),
        ((4,), (1,), 4, 2),
        ((2, 2), (9, 1), 4, 0),
        ((4,), (1,), 4, -1),
        ((-4,), (1,), 4, 0),
    ],
)
def test_a_tensor_that_reaches_beyond_its_bytes_is_refused(
    size: tuple[int, ...], stride: tuple[int, ...], numel: int, offset: int, forge: Any
) -> None:
    pickled = b"\x80\x02}X\x01\0\0\0w" + _tensor(size, stride, numel, offset) + b"s."

    assert forge.refusal(forge.zipped(pickled, {"data/0": bytes(16)}))[0] == "pickle"


def test_a_tensor_within_its_bytes_is_read(forge: Any) -> None:
    pickled = b"\x80\x02}X\x01\0\0\0w" + _tensor((2, 2), (2, 1), 4) + b"s."

    assert forge.refusal(forge.zipped(pickled, {"data/0": bytes(16)}))[0] == "network"


# --- how it is built -------------------------------------------------------------------------------------------

DEEP = 100_000
BUILDS: dict[str, bytes] = {
    "list in a list": b"\x80\x02" + b"]" * DEEP + b"a" * (DEEP - 1) + b".",
    "tuple in a tuple": b"\x80\x02)" + b"\x85" * DEEP + b".",
    "marks": b"\x80\x02" + b"(" * DEEP + b".",
    "stand-in in a stand-in": b"\x80\x02" + b"cmodels\nNet\n" * 300 + b")" + b"\x81\x85" * 299 + b".",
    "dict that contains itself": b"\x80\x02}q\0X\x03\0\0\0neth\0s.",
    "nothing": b"",
    "stop": b".",
    "stack underflow": b"\x80\x02R.",
    "memo that is not there": b"\x80\x02h\x07.",
    "key that cannot be hashed": b"\x80\x02}]K\x01s.",
    "number of a thousand bytes": b"\x80\x02\x8b\xe8\x03\0\0" + b"\x7f" * 1000 + b".",
    "number that is no decimal": b"\x80\x02I" + b"9" * 5000 + b"\n.",
    "extension": b"\x80\x02\x82\x01.",
    "old-style object": b"\x80\x02(ios\nsystem\n.",
    "persistent id": b"\x80\x02X\x01\0\0\0aQ.",
    "two thousand and one classes": b"\x80\x02" + b"".join(b"cmodels\nC%d\n" % n for n in range(2001)) + b".",
    "half a surrogate": b"\x80\x02}X\x03\0\0\0\xed\xa0\x80K\x01s.",
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_pickle_of_strange_build_is_refused(build: str, forge: Any) -> None:
    code, sentence, _ = forge.refusal(forge.zipped(BUILDS[build]))

    assert code in ("pickle", "no_tensors")
    assert len(sentence) < 1000


def test_modules_that_multiply_are_refused_before_they_are_counted_out(forge: Any) -> None:
    """Twenty modules, each of which holds the next one a hundred times: 10 ** 40 by their full names."""
    net: nn.Module = nn.Linear(1, 1)
    for _ in range(20):
        net = nn.Sequential(*[net] * 100)

    assert forge.refusal(forge.save(net))[0] == "no_tensors"


def test_a_module_that_contains_itself_is_refused(forge: Any) -> None:
    net = nn.Sequential(nn.Linear(1, 1))
    net._modules["again"] = net

    assert forge.refusal(forge.save(net))[0] == "no_tensors"


def _tampered(layer: nn.Module, **attributes: Any) -> nn.Module:
    for name, value in attributes.items():
        layer.__dict__[name] = value
    return layer


ODD_LAYERS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "attribute beyond measure": (lambda: _tampered(nn.AvgPool2d(2), kernel_size=10**9), "layer"),
    "attribute that is NaN": (lambda: _tampered(nn.Dropout(0.5), p=float("nan")), "layer"),
    "attribute that is a dict": (lambda: _tampered(nn.AvgPool2d(2), kernel_size={}), "layer"),
    "no groups": (lambda: _tampered(nn.GroupNorm(1, 3), num_groups=0), "layer"),
    "limits the wrong way round": (lambda: _tampered(nn.Hardtanh(), min_val=5.0, max_val=1.0), "layer"),
    "a layer we do not rebuild": (lambda: nn.LSTM(2, 2), "layer"),
    "sizes that do not follow": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(7, 10)), "forward"),
    "words for a number": (lambda: _tampered(nn.LayerNorm(32), eps="small"), "forward"),
    "too many axes": (lambda: nn.Sequential(nn.Conv2d(3, 3, 23)), "output"),
    "kernel as wide as a street": (lambda: nn.Sequential(_tampered(nn.MaxPool2d(2), kernel_size=10**6)), "forward"),
}


@pytest.mark.parametrize("kind", ODD_LAYERS)
def test_a_sequential_of_impossible_layers_is_refused(kind: str, forge: Any) -> None:
    make, code = ODD_LAYERS[kind]

    assert forge.refusal(forge.save(nn.Sequential(make(), nn.Linear(10, 10))))[0] == code


@pytest.mark.parametrize("name", ["", "a.b", "forward"])
def test_layers_with_names_that_torch_forbids_are_refused(name: str, forge: Any) -> None:
    net = nn.Sequential(nn.Flatten())
    net._modules = OrderedDict({name: nn.Flatten()})  # type: ignore[assignment]
    net._modules["fc"] = nn.Linear(3072, 10)

    assert forge.refusal(forge.save(net))[0] == "layer"


def test_a_sequential_whose_weights_were_taken_out_is_refused(forge: Any) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    net[1]._parameters["weight"] = None

    code, sentence, _ = forge.refusal(forge.save(net))

    assert code == "tensor"
    assert "1.weight is missing" in sentence


# --- anything at all -------------------------------------------------------------------------------------------


def _outcome(forge: Any, data: bytes) -> str:
    """How a file ends: an answer, a refusal with its sentence, or want of memory. Everything else raises."""
    try:
        forge.probe(data, count=2)
    except Refuse as refused:
        assert heard_refusal(refused.code, refused.values).message.english()
        return refused.code
    except Exception as error:
        if is_memory_error(error):
            return "memory"
        raise
    return "graded"


@pytest.fixture(scope="module")
def small_files(forge: Any) -> list[bytes]:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    half = {key: value.half() for key, value in net.state_dict().items()}
    return [forge.save(net), forge.save({"net": half, "acc": np.float64(91), "lr": 0.1, "args": [1, {"a": "b"}]})]


def test_a_file_cut_anywhere_is_refused(forge: Any, small_files: list[bytes]) -> None:
    for data in small_files:
        steps = {*range(0, 64), *range(64, len(data), len(data) // 60), *range(len(data) - 64, len(data))}
        for length in sorted(steps):
            assert _outcome(forge, data[:length]) != "graded", length


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_altered_bytes_is_graded_or_refused(
    forge: Any, small_files: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(small_files)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    _outcome(forge, bytes(content))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_pickle_with_altered_bytes_is_graded_or_refused(
    forge: Any, small_files: list[bytes], data: st.DataObject
) -> None:
    def alter(pickled: bytes) -> bytes:
        content = bytearray(pickled)
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(content) - 1))
            match data.draw(st.sampled_from(["set", "insert", "delete"])):
                case "set":
                    content[place] = data.draw(st.integers(0, 255))
                case "insert":
                    content[place:place] = data.draw(
                        st.sampled_from([b"0", b"2", b"(", b"t", b"R", b"b", b"\x81", b"a"])
                    )
                case "delete":
                    del content[place : place + data.draw(st.integers(1, 8))]
        return bytes(content)

    _outcome(forge, forge.rewritten(data.draw(st.sampled_from(small_files)), alter))


def test_random_bytes_behind_a_right_beginning_are_refused(forge: Any) -> None:
    source = random.Random(0)
    for start in (b"PK\x03\x04", b"\x80\x02", b"PK\x05\x06", b""):
        for _ in range(20):
            assert _outcome(forge, start + source.randbytes(300)) != "graded"


# --- in the sandboxes themselves -------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=BACKENDS)
def isolated(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if problem := why_not(request.param):
        pytest.skip(problem.english())
    with open_sandbox(request.param) as opened:
        yield opened


@pytest.fixture(scope="module", params=[*BACKENDS, "plain"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param != "plain" and (problem := why_not(request.param)):
        pytest.skip(problem.english())
    with open_sandbox(request.param) as opened:
        yield opened


def _sandboxed(sandbox: Sandbox, data: bytes, folder: Path, images: Path, megabytes: int = 3000) -> Reply | Failure:
    path = folder / "final.pth"
    path.write_bytes(data)
    run = {"images": "images", "count": 2, "mean": [0.5] * 3, "std": [0.2] * 3, "resize": 0, "scale": 255.0}
    inputs = {"file": "final.pth", "device": "cpu", "threads": 1, "runs": [{**run, "crop": 0, "reverse": False}]}
    files, arrays = {"checkpoint": path, "images": images}, {"logits_0": ArraySpec("<f4", (2, 10))}
    return sandbox.run(
        Job("weights.checkpoint.run_checkpoint", inputs, files, arrays, Limits(seconds=60.0, megabytes=megabytes))
    )


def test_hostile_files_are_refused_in_the_sandbox_too(sandbox: Sandbox, forge: Any, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    names = ("os.system",) if sandbox.name == "plain" else CALLS  # there each job costs an import of torch
    for name in names:
        data = forge.zipped(forge.calling(name, *_filled(CALLS[name], marker)))
        answer = _sandboxed(sandbox, data, tmp_path, forge.images)
        assert isinstance(answer, Refused), (name, answer)
        assert name.replace("__builtin__", "builtins") in answer.message.english()
    assert not marker.exists()


LARGE: dict[str, Callable[[], nn.Module]] = {
    "pooling to a billion": lambda: nn.Sequential(nn.AdaptiveAvgPool2d((10**5, 10**5)), nn.Linear(1, 1)),
    "padding of a million": lambda: nn.Sequential(nn.ZeroPad2d(10**6), nn.Linear(1, 1)),
    "convolution with padding": lambda: nn.Sequential(nn.Conv2d(3, 1, 1, padding=10**5)),
    "ever wider": lambda: nn.Sequential(*[nn.ZeroPad2d(5000)] * 3, nn.Linear(1, 1)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_network_that_wants_all_memory_is_told_so_and_the_next_file_is_graded(
    kind: str, isolated: Sandbox, forge: Any, tmp_path: Path
) -> None:
    answer = _sandboxed(isolated, forge.save(LARGE[kind]()), tmp_path, forge.images)

    assert isinstance(answer, OutOfMemory | Refused), answer
    if isinstance(answer, OutOfMemory):
        assert answer.megabytes == 3000
    good = forge.save(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)))
    assert isinstance(_sandboxed(isolated, good, tmp_path, forge.images), Reply)


def test_half_a_surrogate_in_a_key_ends_in_a_sentence_that_can_be_written(
    isolated: Sandbox, forge: Any, resnet20_weights: Weights, tmp_path: Path
) -> None:
    answer = _sandboxed(
        isolated, forge.save({**resnet20_weights, "layer1.\ud800": torch.zeros(5)}), tmp_path, forge.images
    )

    assert isinstance(answer, Refused)
    assert answer.details
    "".join(answer.details).encode()


def test_the_plain_sandbox_holds_the_limit_of_memory_too(forge: Any, tmp_path: Path) -> None:
    answer = _sandboxed(open_sandbox("plain"), forge.save(LARGE["ever wider"]()), tmp_path, forge.images)

    assert answer == OutOfMemory(3000)


def test_a_tuple_nested_beyond_the_stack_costs_one_child_and_not_the_server(
    isolated: Sandbox, forge: Any, tmp_path: Path
) -> None:
    """Hashing it recurses in C until the stack ends: the child dies, and the grade needs a human."""
    pickled = b"\x80\x02})" + b"\x85" * 400_000 + b"K\x01s."

    answer = _sandboxed(isolated, forge.zipped(pickled), tmp_path, forge.images)

    assert not isinstance(answer, Reply)
    good = forge.save(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)))
    assert isinstance(_sandboxed(isolated, good, tmp_path, forge.images), Reply)


def test_the_probe_refuses_a_named_pipe_in_place_of_a_file(sandbox: Sandbox, forge: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "final.pth")

    answer = sandbox.run(
        Job("documents.history.read_history", {"file": "final.pth"}, {"history": tmp_path / "final.pth"})
    )

    assert not isinstance(answer, Reply)
