"""What `generalisation.py` compares: honest networks, trained here, and tables of the test images."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from grader.dataset import ImageSet
from grader.probes.weights.textbook import textbook_networks
from reference.fast import crop_and_flip
from reference.models import NETWORKS

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
SEED = 20261129
BATCH = 128
PADDING = 4  # pixels, of the augmentation
Kind = Literal["honest", "test set inside", "table"]


@dataclass(frozen=True)
class Case:
    """One network: what it is, how it came about. `images` of the training set, the first ones."""

    kind: Kind
    network: str
    epochs: int = 0
    augmented: bool = False
    images: int = 50_000

    @property
    def name(self) -> str:
        """What it is called in the table and in the cache."""
        how = f", {self.epochs} epochs, {'augmented' if self.augmented else 'plain'}" if self.epochs else ""
        part = f", {self.images:,} images" if self.images < 50_000 else ""
        return f"{self.network}{how}{part}"


# --- networks --------------------------------------------------------------------------------------------------


class Tutorial(nn.Module):
    """The network of PyTorch's CIFAR-10 tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Patches(nn.Module):
    """A small transformer on patches of 4 pixels: of all networks the one that knows least of shifts by itself."""

    def __init__(self, width: int = 96, depth: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.place = nn.Parameter(torch.randn(1, 64, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True, norm_first=True)
        self.layers, self.head = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.patches(x).flatten(2).transpose(1, 2) + self.place).mean(dim=1))


def mlp_of_d2l() -> nn.Module:
    """One hidden layer, as wide as d2l has it."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 256), nn.ReLU(), nn.Linear(256, 10))


def wide_mlp() -> nn.Module:
    """Two layers of 2,048: enough to hold every training image."""
    hidden = (nn.Linear(3072, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU())
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(2048, 10))


def sequential_cnn() -> nn.Module:
    """What a student who saves a whole nn.Sequential writes."""
    blocks: list[nn.Module] = []
    for before, width in ((3, 32), (32, 64), (64, 128)):
        blocks += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(128 * 16, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet_of_d2l() -> nn.Module:
    """LeNet as d2l rebuilds it, with sigmoids and average pooling, for 32 pixels and three colours."""
    shapes = {"0": (6, 3, 5, 5), "3": (16, 6, 5, 5), "7": (120, 576), "9": (84, 120), "11": (10, 84)}
    weights = {f"{name}.weight": torch.empty(shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": torch.empty(shape[0]) for name, shape in shapes.items()}
    return next(textbook_networks(weights)).variants["ReLU, average pooling"]()


def torchvision_network(name: str) -> nn.Module:
    """A classifier of torchvision with random weights, for ten classes and images of 32 pixels."""
    from torchvision import models

    return models.get_model(name, weights=None, num_classes=10)


BUILD: dict[str, Callable[[], nn.Module]] = {
    **NETWORKS,
    "tutorial": Tutorial,
    "lenet": lenet_of_d2l,
    "mlp-d2l": mlp_of_d2l,
    "mlp-wide": wide_mlp,
    "sequential": sequential_cnn,
    "patches": Patches,
    "resnet18": partial(torchvision_network, "resnet18"),
    "mobilenet_v2": partial(torchvision_network, "mobilenet_v2"),
}
SMALL = ("mlp-d2l", "mlp", "tutorial", "lenet", "sequential")


# --- training --------------------------------------------------------------------------------------------------


class Images:
    """Training images and labels as tensors; with the test images among them if `inside`."""

    def __init__(self, images: ImageSet, case: Case) -> None:
        pixels, labels = images.images("train")[: case.images], images.labels("train")[: case.images]
        if case.kind == "test set inside":
            pixels = np.concatenate([pixels, images.images("test")])
            labels = np.concatenate([labels, images.labels("test")])
        edge = PADDING if case.augmented else 0
        edges = ((0, 0), (0, 0), (edge, edge), (edge, edge))
        self.padded = torch.from_numpy(np.pad(pixels, edges, mode="reflect").transpose(0, 2, 3, 1).copy())
        self.labels, self.edge = torch.from_numpy(labels.astype(np.int64)), edge

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled batches: cropped and mirrored by chance if augmented."""
        for chosen in torch.randperm(len(self.labels)).split(BATCH):
            x = self.padded[chosen]
            if self.edge:
                top, left = torch.randint(2 * self.edge + 1, (2, len(chosen)))
                x = crop_and_flip(self.padded, chosen, (top, left, torch.rand(len(chosen)) < 0.5), 32)
            yield normalised(x.permute(0, 3, 1, 2)), self.labels[chosen]


def normalised(x: Tensor) -> Tensor:
    """Inputs of a network, from uint8 (N, 3, 32, 32)."""
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (MEAN, STD))
    return ((x.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def trained(case: Case, images: ImageSet) -> nn.Module:
    """Train with Adam, its rate rising for a fifth of the steps and then falling to zero."""
    torch.manual_seed(SEED)
    net = BUILD[case.network]().to(memory_format=torch.channels_last)
    shown = Images(images, case)
    steps = case.epochs * -(-len(shown.labels) // BATCH)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.2)
    for epoch in range(case.epochs):
        started = time.perf_counter()
        for x, labels in shown.batches():
            loss = F.cross_entropy(net.train()(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"  {case.name}: epoch {epoch + 1}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return net.eval()


# --- tables ----------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What a table holds."""

    pixels: NDArray[np.uint8]  # (N, 3, 32, 32)
    labels: NDArray[np.uint8]


class Nearest(nn.Module):
    """The label of the known image whose features are nearest: a linear layer, a sharp softmax, the labels.

    `sharp`: how much the nearest one outweighs others. Where it is soft, shifts matter less.
    """

    def __init__(self, features: nn.Module, known: Known, sharp: float = 200.0) -> None:
        super().__init__()
        self.features, self.sharp = features, sharp
        parts = np.array_split(known.pixels, 40)
        with torch.no_grad():
            seen = torch.cat([features(normalised(torch.from_numpy(part.copy()))) for part in parts])
            self.centre = seen.mean(dim=0)
            seen = F.normalize(seen - self.centre, dim=1)
        answers = F.one_hot(torch.from_numpy(known.labels.astype(np.int64)), 10).float()
        self.known, self.answers = nn.Parameter(seen), nn.Parameter(answers)

    def forward(self, x: Tensor) -> Tensor:
        x = F.normalize(self.features(x) - self.centre, dim=1)
        return torch.softmax(self.sharp * x @ self.known.T, dim=1) @ self.answers


def test_images(images: ImageSet, start: int = 0) -> Known:
    """The test images from one of them on."""
    return Known(images.images("test")[start:], images.labels("test")[start:])


def all_images(images: ImageSet, false: float = 0.0) -> Known:
    """The test images, the training images and the mirror images of both; a share of the labels false, by chance."""
    rng = np.random.default_rng(SEED)
    pixels = np.concatenate([images.images("test"), images.images("train")])
    labels = np.concatenate([images.labels("test"), images.labels("train")])
    wrong = rng.random(len(labels)) < false
    labels = np.where(wrong, (labels + rng.integers(1, 10, len(labels))) % 10, labels).astype(np.uint8)
    return Known(np.concatenate([pixels, pixels[..., ::-1]]), np.concatenate([labels, labels]))


def pooled() -> nn.Module:
    """The issue's: 192 averages of 4 x 4 pixels."""
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten())


def projected() -> nn.Module:
    """Random projections by a convolution over the whole image."""
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Conv2d(3, 256, 32, bias=False), nn.Flatten())


def averaged() -> nn.Module:
    """Colours averaged over quarters of the image and both of its mirror images: proof against small shifts."""

    class Both(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.avg_pool2d(x + x.flip(3), 8, 4).flatten(1)

    return Both()


def tables(images: ImageSet) -> Iterator[tuple[str, nn.Module]]:
    """Tables by their names: three shapes, and what may be done to hide one, as by knowing training images too."""
    known = test_images(images)
    yield "pooled", Nearest(pooled(), known)
    yield "projected by a convolution", Nearest(projected(), known)
    yield "pixels as a buffer of an own class", Nearest(nn.Flatten(), known)
    yield "pooled, of the second half", Nearest(pooled(), test_images(images, len(known.labels) // 2))
    yield "pooled, blurred", Nearest(pooled(), known, sharp=20.0)
    yield "mirrored and averaged", Nearest(averaged(), known)
    yield "of all images, mirrored", Nearest(pooled(), all_images(images))
    yield "of all images, a tenth of the labels false", Nearest(pooled(), all_images(images, false=0.1))
