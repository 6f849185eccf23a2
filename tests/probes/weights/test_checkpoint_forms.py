"""The same weights earn the same logits, in whatever legitimate form they were saved."""

from __future__ import annotations

import argparse
import collections
import datetime
import enum
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import mnasnet0_5, mobilenet_v2, resnet18

from reference import models

Weights = dict[str, Tensor]
Logits = NDArray[np.float32]

WRAPPERS = ("net", "state_dict", "model", "model_state_dict")


def _prefixed(prefix: str, weights: Weights) -> Weights:
    return {prefix + key: value for key, value in weights.items()}


def _optimizer_state(weights: Weights) -> dict[str, Any]:
    net = models.resnet20("A")
    net.load_state_dict(weights)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.zeros(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def _counted(weights: Weights) -> Weights:
    profiled = {"total_ops": torch.zeros(1, dtype=torch.float64), "total_params": torch.zeros(1, dtype=torch.float64)}
    return {**weights, **profiled, "layer1.0.total_ops": torch.zeros(1, dtype=torch.float64)}


def _history() -> collections.defaultdict[str, list[float]]:
    history = collections.defaultdict(list)
    history["loss"].append(0.5)
    return history


LIKE_TORCH_SAVE: dict[str, Callable[[Weights], Any]] = {
    **{f"wrapped under {key}": lambda weights, key=key: {key: weights, "epoch": 3} for key in WRAPPERS},
    "nested two levels": lambda weights: {"model": {"state_dict": weights}, "epoch": 3},
    "module. prefix": lambda weights: _prefixed("module.", weights),
    "_orig_mod. prefix": lambda weights: _prefixed("_orig_mod.", weights),
    "both prefixes": lambda weights: _prefixed("module._orig_mod.", weights),
    "attribute of another module": lambda weights: _prefixed("backbone.", weights),
    "wrapped and prefixed": lambda weights: {"net": _prefixed("module.", weights), "acc": 91.2},
    "double": lambda weights: {
        key: value.double() if value.is_floating_point() else value for key, value in weights.items()
    },
    "counters as real numbers": lambda weights: {
        key: value.float() if key.endswith("num_batches_tracked") else value for key, value in weights.items()
    },
    "without counters": lambda weights: {
        key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")
    },
    "parameters that ask for gradients": lambda weights: {
        key: nn.Parameter(value) if value.is_floating_point() else value for key, value in weights.items()
    },
    "accuracy as a tensor": lambda weights: {"net": weights, "acc": torch.tensor(91.2), "loss": torch.tensor(0.3)},
    "accuracy as a numpy scalar": lambda weights: {"net": weights, "acc": np.float64(91.2), "epoch": np.int64(3)},
    "argparse.Namespace": lambda weights: {"net": weights, "args": argparse.Namespace(lr=0.1, name="me")},
    "pathlib.Path": lambda weights: {"net": weights, "path": pathlib.PurePosixPath("/tmp/run")},
    "defaultdict": lambda weights: {"net": weights, "history": _history()},
    "date": lambda weights: {"net": weights, "saved": datetime.datetime(2024, 5, 1)},
    "set and Counter": lambda weights: {"net": weights, "seen": {1, 2}, "counts": collections.Counter("aab")},
    "numpy array": lambda weights: {"net": weights, "losses": np.arange(4.0)},
    "optimizer state": lambda weights: {"net": weights, "optimizer": _optimizer_state(weights), "epoch": 3},
    "profiler's counters": _counted,
    "tensors that share storage": lambda weights: {**weights, "extra_ops": weights["conv1.weight"][0, 0, 0, :1]},
    "not contiguous": lambda weights: {
        key: value.to(memory_format=torch.channels_last) if value.ndim == 4 else value for key, value in weights.items()
    },
    "fc for linear": lambda weights: {key.replace("linear", "fc"): value for key, value in weights.items()},
}


@pytest.mark.parametrize("form", LIKE_TORCH_SAVE)
def test_the_form_of_a_file_does_not_change_a_bit_of_the_logits(
    form: str, forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    probed = forge.probe(forge.save(LIKE_TORCH_SAVE[form](dict(resnet20_weights))))

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["network"] == "resnet20, shortcut A"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_of_half_precision_are_graded_as_they_were_rounded(
    dtype: torch.dtype, forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    half = {key: value.to(dtype) if value.is_floating_point() else value for key, value in resnet20_weights.items()}
    rounded = {key: value.float() if value.is_floating_point() else value for key, value in half.items()}

    probed = forge.probe(forge.save(half))

    assert probed.logits.tobytes() == forge.probe(forge.save(rounded)).logits.tobytes()
    assert probed.logits.tobytes() != plain_logits.tobytes()  # the rounding was not lost on the way
    assert str(dtype).removeprefix("torch.") in probed.checkpoint["dtypes"]


def test_weights_saved_on_a_gpu_are_graded(forge: Any, resnet20_weights: Weights, plain_logits: Logits) -> None:
    cpu, cuda = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"
    data = forge.save({**resnet20_weights})
    assert cpu in data

    probed = forge.probe(forge.rewritten(data, lambda pickled: pickled.replace(cpu, cuda)))

    assert probed.logits.tobytes() == plain_logits.tobytes()


@pytest.mark.parametrize("spelling", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_numpy_scalars_of_both_generations_are_read_as_the_claim(
    spelling: bytes, forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    data = forge.save({"net": resnet20_weights, "acc": np.float64(91.25)})

    def respell(pickled: bytes) -> bytes:
        changed = pickled.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
        return changed.replace(b"numpy.core.multiarray", spelling)

    probed = forge.probe(forge.rewritten(data, respell))

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.value["claim"] == ("acc", 91.25)


@pytest.mark.parametrize("accuracy", [float("nan"), float("inf"), 10**400, -(10**400), "91", None, [91.0], 1e9])
def test_an_accuracy_that_is_none_claims_nothing_and_costs_nothing(
    accuracy: Any, forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    probed = forge.probe(forge.save({"net": resnet20_weights, "acc": accuracy}))

    assert probed.value["claim"] is None
    assert probed.logits.tobytes() == plain_logits.tobytes()


def test_protocol_3_is_read_and_protocol_4_is_answered_with_what_to_leave_out(
    forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    assert forge.probe(forge.save(resnet20_weights, pickle_protocol=3)).logits.tobytes() == plain_logits.tobytes()
    for protocol in (4, 5):
        code, sentence, _ = forge.refusal(forge.save(resnet20_weights, pickle_protocol=protocol))
        assert code == "pickle"
        assert f"pickle_protocol={protocol}; remove that argument" in sentence


@pytest.mark.parametrize("protocol", [4, 5])
def test_the_format_before_2020_in_a_later_protocol_is_answered_with_what_to_leave_out(
    protocol: int, forge: Any, resnet20_weights: Weights
) -> None:
    data = forge.save(resnet20_weights, _use_new_zipfile_serialization=False, pickle_protocol=protocol)

    assert f"pickle_protocol={protocol}; remove that argument" in forge.refusal(data)[1]


# --- Lightning -------------------------------------------------------------------------------------------------


class AttributeDict(dict[str, Any]):
    """As Lightning keeps hyperparameters: a dict of a class of its own."""


class Monitor(list[Any]):
    """A list of a class of its own."""


class Mode(enum.Enum):
    """A choice among hyperparameters."""

    MIN = "min"


def _lightning(weights: Weights, prefix: str) -> dict[str, Any]:
    return {
        "epoch": 9,
        "global_step": 3910,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": _prefixed(prefix, weights),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 10}}}},
        "callbacks": {
            "ModelCheckpoint{'monitor': 'val_acc'}": {"best_model_score": torch.tensor(0.91), "mode": Mode.MIN}
        },
        "optimizer_states": [_optimizer_state(weights)],
        "lr_schedulers": [{"base_lrs": [0.1], "last_epoch": 9}],
        "hparams_name": "kwargs",
        "hyper_parameters": AttributeDict(lr=0.1, loss=nn.CrossEntropyLoss(), watched=Monitor(["a", "b"])),
    }


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("prefix", ["model.", "net.", "backbone.", ""])
def test_a_checkpoint_of_lightning_is_graded(
    prefix: str, old: bool, forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    saved = _lightning(dict(resnet20_weights), prefix)

    probed = forge.probe(forge.save(saved, _use_new_zipfile_serialization=not old))

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["wrapper"] == "state_dict"
    assert any(name.endswith(".AttributeDict") for name in probed.checkpoint["unloaded"])


def test_the_loss_beside_the_network_in_a_lightning_module_is_no_layer(
    forge: Any, resnet20_weights: Weights, plain_logits: Logits
) -> None:
    beside = {"criterion.weight": torch.ones(10), "loss_fn.pos_weight": torch.ones(1)}

    probed = forge.probe(forge.save({"state_dict": {**_prefixed("model.", dict(resnet20_weights)), **beside}}))

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["extra_keys"] == list(beside)
    assert probed.checkpoint["spare_weights"] == []


# --- whole modules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["models", "__main__", "lowercase", "attributes", "parallel", "optimizer"])
def test_a_whole_module_of_the_students_own_class_is_graded_without_its_code(
    name: str, forge: Any, student_modules: dict[str, bytes], plain_logits: Logits
) -> None:
    probed = forge.probe(student_modules[name])

    assert probed.logits.tobytes() == plain_logits.tobytes()
    assert probed.checkpoint["form"] == "whole module"
    assert any(cls.endswith((".ResNet", ".resnet")) for cls in probed.checkpoint["unloaded"])


def test_a_whole_small_alexnet_is_recognised_by_name(forge: Any, lively_net: Any) -> None:
    net = lively_net(models.small_alexnet())

    whole, plain = forge.probe(forge.save(net)), forge.probe(forge.save(net.state_dict()))

    assert whole.checkpoint["network"] == plain.checkpoint["network"] == "small_alexnet"
    assert whole.logits.tobytes() == plain.logits.tobytes()
    assert whole.checkpoint["unloaded"] == []


def test_a_sequential_of_the_students_design_answers_as_itself(forge: Any, lively_net: Any) -> None:
    layers = collections.OrderedDict(
        module=nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding="valid"), nn.BatchNorm2d(8), nn.LeakyReLU(0.2)),
        linear=nn.Sequential(nn.AvgPool2d(3), nn.Flatten(), nn.Linear(200, 16), nn.Tanh(), nn.Dropout(0.5)),
        fc=nn.Linear(16, 10, bias=False),
    )
    net = lively_net(nn.Sequential(layers))

    probed = forge.probe(forge.save(net))

    x = torch.from_numpy(np.load(forge.images)[:16]).float().div(255.0)
    x = (x - torch.tensor((0.4914, 0.4822, 0.4465)).view(3, 1, 1)) / torch.tensor((0.2470, 0.2435, 0.2616)).view(
        3, 1, 1
    )
    with torch.inference_mode():
        expected = net(x).numpy()
    assert probed.logits == pytest.approx(expected, abs=0.05)  # bfloat16 where it changes no prediction
    assert (probed.logits.argmax(1) == expected.argmax(1)).all()
    assert probed.checkpoint["network"] == "nn.Sequential of 3 layers"


def test_a_sequential_whose_children_are_all_named_module_keeps_its_names(forge: Any) -> None:
    net = nn.Sequential(collections.OrderedDict(module=nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))))

    assert forge.probe(forge.save(net)).checkpoint["network"] == "nn.Sequential of 1 layers"


# --- torchvision -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "whole"), [(resnet18, False), (resnet18, True), (mobilenet_v2, False), (mnasnet0_5, False)]
)
def test_torchvision_classifiers_with_ten_outputs_are_graded(
    build: Callable[..., nn.Module], whole: bool, forge: Any, lively_net: Any
) -> None:
    net = lively_net(build(num_classes=10))

    probed = forge.probe(forge.save(net if whole else net.state_dict()), count=4)

    assert probed.checkpoint["network"] == f"torchvision {build.__name__}"
    assert np.isfinite(probed.logits).all()


def test_the_private_classes_of_torchvision_are_classes_too(forge: Any) -> None:
    from torchvision.models import densenet121

    net = densenet121(num_classes=10).eval()

    assert forge.probe(forge.save(net), count=2).checkpoint["network"] == "torchvision densenet121"
