"""Networks of the PyTorch tutorial and of d2l: found by names and sizes, and never chosen among by guessing."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.probes.refusals import Refuse
from grader.probes.weights.checkpoint import MOST_VARIANTS, run_variants
from grader.probes.weights.networks import recognise, variants
from grader.probes.weights.state_dict import find_state_dict

Weights = dict[str, Tensor]


class Tutorial(nn.Module):
    """The network of the tutorial on classifying CIFAR-10; other widths are the usual first change to it."""

    def __init__(self, first: int = 6, second: int = 16, hidden: int = 120) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, first, 5), nn.Conv2d(first, second, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(second * 25, hidden), nn.Linear(hidden, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x)))))).flatten(1)
        logits: Tensor = self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))
        return logits


def _lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2), nn.Flatten(),
        nn.Linear(16 * 6 * 6, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.Tanh(), nn.Linear(64, 10))


def _vgg(ratio: int = 8) -> nn.Module:
    layers: list[nn.Module] = []
    before = 3
    for count, width in ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)):
        block: list[nn.Module] = []
        for _ in range(count):
            block += [nn.Conv2d(before, width // ratio, 3, padding=1), nn.ReLU()]
            before = width // ratio
        layers.append(nn.Sequential(*block, nn.MaxPool2d(2, 2)))
    head = (nn.Linear(before, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(128, 10))


class Residual(nn.Module):
    def __init__(self, before: int, width: int, beside: bool = False, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, padding=1, stride=stride)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv3 = nn.Conv2d(before, width, 1, stride=stride) if beside else None
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.conv3(x) if self.conv3 else x))


def _stages() -> list[nn.Module]:
    found: list[nn.Module] = [nn.Sequential(Residual(64, 64), Residual(64, 64))]
    for before in (64, 128, 256):
        found.append(nn.Sequential(Residual(before, 2 * before, True, 2), Residual(2 * before, 2 * before)))
    return found


def _resnet18() -> nn.Module:
    stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU())
    return nn.Sequential(stem, *_stages(), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(512, 10))


def _small_resnet18() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1), nn.BatchNorm2d(64), nn.ReLU())
    for place, stage in enumerate(_stages(), 1):
        net.add_module(f"resnet_block{place}", stage)
    net.add_module("global_avg_pool", nn.AdaptiveAvgPool2d((1, 1)))
    net.add_module("fc", nn.Sequential(nn.Flatten(), nn.Linear(512, 10)))
    return net


NETWORKS: dict[str, tuple[Any, str, str]] = {
    "tutorial": (Tutorial, "CIFAR-10 tutorial of PyTorch", "ReLU, max pooling"),
    "tutorial, wider": (lambda: Tutorial(32, 64, 512), "CIFAR-10 tutorial of PyTorch", "ReLU, max pooling"),
    "LeNet": (_lenet, "LeNet of d2l", "sigmoid, average pooling"),
    "MLP": (_mlp, "MLP of d2l", "tanh, one hidden layer"),
    "VGG": (_vgg, "VGG-11 of d2l", "as printed"),
    "ResNet-18": (_resnet18, "ResNet-18 of d2l", "without its first pooling"),
    "ResNet-18, small": (_small_resnet18, "ResNet-18 of d2l for small images", "as printed"),
}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("prefix", ["", "net."])
def test_weights_alone_leave_open_which_variant_it_is(kind: str, prefix: str) -> None:
    build, name, variant = NETWORKS[kind]
    loaded = find_state_dict({prefix + key: value for key, value in build().state_dict().items()}, "final.pth")

    with pytest.raises(Refuse) as caught:
        recognise(loaded, "final.pth")

    assert (caught.value.code, caught.value.values["network"]) == ("variants", name)
    assert variant in variants(loaded)
    assert recognise(loaded, "final.pth", variant).name == f"{name} ({variant})"


def _variants(forge: Any, weights: Weights, count: int = 8) -> tuple[list[str], dict[str, bytes]]:
    run = {"images": "images", "count": count, "mean": [0.5] * 3, "std": [0.25] * 3, "resize": 0, "scale": 255.0}
    inputs = {"file": "final.pth", "device": "cpu", "threads": 1, "run": {**run, "crop": 0, "reverse": False}}
    with tempfile.TemporaryFile() as file, forge.images.open("rb") as images:
        file.write(forge.save(weights))
        file.flush()
        value, arrays = run_variants(inputs, {"checkpoint": os.dup(file.fileno()), "images": images.fileno()})
    return list(value["variants"]), arrays


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_variant_that_was_trained_answers_as_the_students_network_did(
    kind: str, forge: Any, lively_net: Any
) -> None:
    build, _, variant = NETWORKS[kind]
    net = lively_net(build())

    names, arrays = _variants(forge, net.state_dict())

    x = (torch.from_numpy(np.load(forge.images)[:8]).float() / 255 - 0.5) / 0.25
    with torch.inference_mode():
        expected = net(x).numpy()
    answers = {name: np.frombuffer(arrays[f"logits_{index}"], "<f4").reshape(8, 10) for index, name in enumerate(names)}
    scale = np.abs(expected).max()
    assert np.abs(answers[variant] - expected).max() < 0.02 * scale  # bfloat16 where it changes no prediction
    for other in answers.keys() - {variant}:
        assert np.abs(answers[other] - expected).max() > 0.005 * scale, other
    assert sorted(arrays) == [f"logits_{index}" for index in range(MOST_VARIANTS)]
    assert {len(array) for array in arrays.values()} == {8 * 10 * 4}


def test_weights_of_no_textbook_have_no_variants(forge: Any, resnet20_weights: Weights) -> None:
    assert _variants(forge, resnet20_weights)[0] == []


@pytest.mark.parametrize(
    "changed",
    [{"fc1.weight": torch.zeros(120, 16 * 24)}, {"conv1.weight": torch.zeros(6, 3, 3, 3)},
     {"fc3.weight": torch.zeros(100, 84)}, {"fc2.weight": torch.zeros(84)}, {"bn1.weight": torch.zeros(6)},
     {"conv2.weight": torch.zeros(0, 6, 5, 5)}, {"conv1.weight": torch.zeros(())}],
)  # fmt: skip
def test_a_layer_that_differs_makes_it_a_network_of_ones_own(changed: Weights) -> None:
    loaded = find_state_dict({**Tutorial().state_dict(), **changed}, "final.pth")

    with pytest.raises(Refuse) as caught:
        recognise(loaded, "final.pth")

    assert caught.value.code in ("network", "classes")
    assert variants(loaded) == ()
