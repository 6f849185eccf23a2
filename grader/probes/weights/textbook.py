"""Networks of well-known courses, rebuilt from the names and sizes of their weights alone.

The CIFAR-10 tutorial of PyTorch, and the networks of "Dive into Deep Learning" (d2l), whose layers are numbered because
they stand in an nn.Sequential. Weights do not say which activation and which pooling stand between them: LeNet exists
with sigmoid, tanh and ReLU, with average and with maximum pooling, and the first pooling of a ResNet-18 is often left
out for small images. So each network has variants, the printed one first, and nothing here chooses among them: they are
used only where the submission has no class for these weights, and then the one that is measured to be right.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from reference.models import CLASSES

Shapes = Mapping[str, tuple[int, ...]]
CHANNELS, SIDE, LARGE = 3, 32, 224
DIGITS_KERNEL = 5  # of LeNet and its relatives

PRINTED = "as printed"
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"ReLU": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
POOLINGS: dict[str, Callable[[], nn.Module]] = {
    "max pooling": lambda: nn.MaxPool2d(2, 2), "average pooling": lambda: nn.AvgPool2d(2, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Textbook:
    """A network of a course: its name, how to build each of its variants, the least side of its images in pixels.

    The variants have the same weights and answer differently.
    """

    name: str
    variants: Mapping[str, Callable[[], nn.Module]]
    least_side: int = SIDE


def _printed(name: str, build: Callable[[], nn.Module], least_side: int = SIDE) -> Textbook:
    return Textbook(name, {PRINTED: build}, least_side)


def _first_pooling(name: str, build: Callable[[nn.Module], nn.Module]) -> Textbook:
    """A network whose first pooling may have been left out."""
    variants: dict[str, Callable[[], nn.Module]] = {
        PRINTED: lambda: build(nn.MaxPool2d(3, 2, 1)), "without its first pooling": lambda: build(nn.Identity()),
    }  # fmt: skip
    return Textbook(name, variants)


def textbook_networks(tensors: Mapping[str, Tensor]) -> Iterator[Textbook]:
    """Yield the networks that weights of these names may belong to; whether they fit is for the caller to compare."""
    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    for names, name in ((_TUTORIAL, "CIFAR-10 tutorial of PyTorch"), (_LENET, "LeNet of d2l")):
        if set(names) == {key.rpartition(".")[0] for key in shapes} and (sizes := _lenet_sizes(shapes, names)):
            yield _classic(name, partial(_lenet, names, sizes), POOLINGS)
    if set(shapes) == {"1.weight", "1.bias", "3.weight", "3.bias"} and len(shapes["1.weight"]) == 2:
        yield _classic("MLP of d2l", partial(_mlp, shapes["1.weight"][0]), {"one hidden layer": nn.Identity})
    for telling, network in _D2L.items():
        if shapes.get(telling):  # a single number is no layer of these
            yield network(shapes)


# --- LeNet and the MLP -----------------------------------------------------------------------------------------

_TUTORIAL = ("conv1", "conv2", "fc1", "fc2", "fc3")
_LENET = ("0", "3", "7", "9", "11")


def _classic(name: str, build: Callable[..., nn.Module], poolings: Mapping[str, Callable[[], nn.Module]]) -> Textbook:
    variants = {
        f"{activation}, {pooling}": partial(build, ACTIVATIONS[activation], poolings[pooling])
        for activation in ACTIVATIONS
        for pooling in poolings
    }
    return Textbook(name, variants)


def _lenet_sizes(shapes: Shapes, names: tuple[str, ...]) -> tuple[int, int, int, int, int] | None:
    """Return the outputs of the first four layers and the padding of the first; None if they are not LeNet's."""
    first, second, *rest = (shapes.get(f"{name}.weight", ()) for name in names)
    if len(first) != 4 or len(second) != 4 or any(len(shape) != 2 for shape in rest):
        return None
    if {*first[2:], *second[2:]} != {DIGITS_KERNEL} or not second[0]:
        return None
    area, left = divmod(rest[0][1], second[0])
    paddings = {25: 0, 36: 2}  # 32 - 28 - 14 - 10 - 5, or 32 - 32 - 16 - 12 - 6
    if left or area not in paddings:
        return None
    return first[0], second[0], rest[0][0], rest[1][0], paddings[area]


def _lenet(
    names: tuple[str, ...],
    sizes: tuple[int, int, int, int, int],
    activation: Callable[[], nn.Module],
    pooling: Callable[[], nn.Module],
) -> nn.Module:
    first, second, third, fourth, padding = sizes
    area = {0: 25, 2: 36}[padding]
    weighted = [
        nn.Conv2d(CHANNELS, first, DIGITS_KERNEL, padding=padding), nn.Conv2d(first, second, DIGITS_KERNEL),
        nn.Linear(second * area, third), nn.Linear(third, fourth), nn.Linear(fourth, CLASSES),
    ]  # fmt: skip
    layers: list[tuple[str, nn.Module]] = []
    for place, (name, layer) in enumerate(zip(names, weighted, strict=True)):
        if place == 2:
            layers.append(("flat", nn.Flatten()))
        layers.append((name, layer))
        if place < 4:
            layers.append((f"active_{place}", activation()))
        if place < 2:
            layers.append((f"pool_{place}", pooling()))
    return nn.Sequential(OrderedDict(layers))


def _mlp(hidden: int, activation: Callable[[], nn.Module], _: Callable[[], nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, hidden), activation(), nn.Linear(hidden, CLASSES))


# --- d2l -------------------------------------------------------------------------------------------------------


def _alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(CHANNELS, 96, 11, stride=4, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(256 * 5 * 5, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, CLASSES),
    )  # fmt: skip


def _vgg(shapes: Shapes) -> Textbook:
    """Five blocks of one, one, two, two and two convolutions, of any width, and two wide layers."""
    rows = [[f"{block}.{2 * index}.weight" for index in range(count)] for block, count in enumerate((1, 1, 2, 2, 2))]
    outputs = [max(1, shapes.get(row[0], (1,))[0]) for row in rows]
    wide = [shapes.get(f"{place}.weight", (1,)) for place in (6, 9)]
    side = LARGE if wide[0][-1] == 49 * outputs[-1] else SIDE

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        before = CHANNELS
        for row, width in zip(rows, outputs, strict=True):
            block: list[nn.Module] = []
            for _ in row:
                block += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            layers.append(nn.Sequential(*block, nn.MaxPool2d(2, 2)))
        first, second = wide[0][0], wide[1][0]
        return nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(before * (side // 32) ** 2, first), nn.ReLU(), nn.Dropout(),
            nn.Linear(first, second), nn.ReLU(), nn.Dropout(), nn.Linear(second, CLASSES),
        )  # fmt: skip

    return _printed("VGG-11 of d2l", build, side)


def _nin() -> nn.Module:
    def block(before: int, width: int, kernel: int, stride: int, padding: int) -> nn.Module:
        points = [layer for _ in range(2) for layer in (nn.Conv2d(width, width, 1), nn.ReLU())]
        return nn.Sequential(nn.Conv2d(before, width, kernel, stride, padding), nn.ReLU(), *points)

    return nn.Sequential(
        block(CHANNELS, 96, 11, 4, 0), nn.MaxPool2d(3, 2), block(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2),
        block(256, 384, 3, 1, 1), nn.MaxPool2d(3, 2), nn.Dropout(), block(384, CLASSES, 3, 1, 1),
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
    )  # fmt: skip


class _Residual(nn.Module):
    """Two convolutions, and a 1x1 convolution without BatchNorm beside them where the shape changes."""

    def __init__(self, before: int, width: int, stride: int, beside: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv3 = nn.Conv2d(before, width, 1, stride) if beside else None
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        beside: Tensor = x if self.conv3 is None else self.conv3(x)
        return torch.relu(out + beside)


def _residual_stages() -> list[nn.Module]:
    stages: list[nn.Module] = []
    for before, width in ((64, 64), (64, 128), (128, 256), (256, 512)):
        first = _Residual(before, width, 1 if before == width else 2, before != width)
        stages.append(nn.Sequential(first, _Residual(width, width, 1, False)))
    return stages


def _resnet18(pooling: nn.Module) -> nn.Module:
    pool, flat = nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()
    return nn.Sequential(_stem(pooling), *_residual_stages(), pool, flat, nn.Linear(512, CLASSES))


def _small_resnet18() -> nn.Module:
    """The one for small images: it begins with a 3x3 convolution, and its stages have names."""
    layers: list[tuple[str, nn.Module]] = [("0", nn.Conv2d(CHANNELS, 64, 3, 1, 1))]
    layers += [("1", nn.BatchNorm2d(64)), ("2", nn.ReLU())]
    layers += [(f"resnet_block{place}", stage) for place, stage in enumerate(_residual_stages(), 1)]
    layers += [("global_avg_pool", nn.AdaptiveAvgPool2d((1, 1)))]
    return nn.Sequential(OrderedDict([*layers, ("fc", nn.Sequential(nn.Flatten(), nn.Linear(512, CLASSES)))]))


def _stem(pooling: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(CHANNELS, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), pooling)


class _Dense(nn.Module):
    """Four layers, each of which sees the outputs of all before it."""

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        self.net = nn.Sequential(*(_activated(before + growth * place, growth, 3, 1) for place in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.net:
            x = torch.cat((x, layer(x)), dim=1)
        return x


def _activated(before: int, width: int, kernel: int, padding: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, width, kernel, padding=padding))


def _densenet(pooling: nn.Module) -> nn.Module:
    layers: list[nn.Module] = [_stem(pooling)]
    width = 64
    for place in range(4):
        layers.append(_Dense(width, 32))
        width += 4 * 32
        if place < 3:
            layers.append(nn.Sequential(*_activated(width, width // 2, 1, 0), nn.AvgPool2d(2, 2)))
            width //= 2
    return nn.Sequential(
        *layers, nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
        nn.Linear(width, CLASSES),
    )  # fmt: skip


class _Inception(nn.Module):
    """Four branches: 1x1; 1x1 and 3x3; 1x1 and 5x5; pooling and 1x1. `widths` are those of the six convolutions."""

    def __init__(self, before: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.p1_1 = nn.Conv2d(before, widths[0], 1)
        self.p2_1, self.p2_2 = nn.Conv2d(before, widths[1], 1), nn.Conv2d(widths[1], widths[2], 3, padding=1)
        self.p3_1, self.p3_2 = nn.Conv2d(before, widths[3], 1), nn.Conv2d(widths[3], widths[4], 5, padding=2)
        self.p4_1, self.p4_2 = nn.MaxPool2d(3, 1, 1), nn.Conv2d(before, widths[5], 1)

    def forward(self, x: Tensor) -> Tensor:
        second = self.p2_2(torch.relu(self.p2_1(x)))
        third = self.p3_2(torch.relu(self.p3_1(x)))
        return torch.relu(torch.cat((self.p1_1(x), second, third, self.p4_2(self.p4_1(x))), dim=1))


def _googlenet(shapes: Shapes) -> Textbook:
    """Two, five and two inception blocks between poolings, of the widths that the weights have."""
    branches = ("p1_1", "p2_1", "p2_2", "p3_1", "p3_2", "p4_2")

    def build(pooling: nn.Module) -> nn.Module:
        stem = nn.Sequential(nn.Conv2d(CHANNELS, 64, 7, 2, 3), nn.ReLU(), pooling)
        points = (nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, 192, 3, padding=1), nn.ReLU())
        layers: list[nn.Module] = [stem, nn.Sequential(*points, nn.MaxPool2d(3, 2, 1))]
        before = 192
        for stage, count in ((2, 2), (3, 5), (4, 2)):
            blocks: list[nn.Module] = []
            for place in range(count):
                row = tuple(max(1, shapes.get(f"{stage}.{place}.{one}.weight", (1,))[0]) for one in branches)
                blocks.append(_Inception(before, row))
                before = row[0] + row[2] + row[4] + row[5]
            end = (nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()) if stage == 4 else (nn.MaxPool2d(3, 2, 1),)
            layers.append(nn.Sequential(*blocks, *end))
        return nn.Sequential(*layers, nn.Linear(before, CLASSES))

    return _first_pooling("GoogLeNet of d2l", build)


# A key that only this network has, and the network.
_D2L: dict[str, Callable[[Shapes], Textbook]] = {
    "20.weight": lambda _: _printed("AlexNet of d2l", _alexnet, LARGE),
    "12.weight": _vgg,
    "7.4.weight": lambda _: _printed("NiN of d2l", _nin, LARGE),
    "resnet_block1.0.conv1.weight": lambda _: _printed("ResNet-18 of d2l for small images", _small_resnet18),
    "1.0.conv1.weight": lambda _: _first_pooling("ResNet-18 of d2l", _resnet18),
    "2.0.p1_1.weight": _googlenet,
    "1.net.0.0.weight": lambda _: _first_pooling("DenseNet of d2l", _densenet),
}
