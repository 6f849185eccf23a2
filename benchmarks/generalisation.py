"""Honest networks against tables of the test images, by the figures that raise the flag "look-up table?".

    python benchmarks/generalisation.py [--networks mlp cnn] [--epochs 2 10] [--images 50000] [--cache DIR]
    python benchmarks/generalisation.py --show      prints what the cache holds, and trains nothing

Trains each network with and without augmentation, and some with the test images among the training images; builds
look-up tables of three shapes. Each is shown the test images, mirrored and shifted copies and training images, drawn
and counted as the grader does. One line each, and at the end: tables found, networks with the test set inside found,
honest ones flagged, and the margins to both thresholds.

Run so far, on two busy cores: all six tables; as honest networks the reference's final.pth (60 epochs, augmented);
plain and augmented, the MLP of d2l (20 epochs on 10,000 images, 40 on 4,000), the tutorial of PyTorch (20 on
10,000) and `sequential`, a small CNN (10 on 2,000); plain, an MLP of 10.5 million parameters (15 on 4,000). None was
flagged: they lost at most 4.7 points and were at most 0.4 above their training accuracy. The tables lost 5.4 to 62.3
and were 32 to 66.5 above; all six were found, and so was the MLP of d2l trained with the test images and 1,000 others,
plain, for 40 epochs. Not run: 50,000 images except for the reference, deeper networks without augmentation,
transformers, networks of torchvision, and the test set inside with augmentation, which this cannot find.

A result is kept in the cache under what was trained and how, so that a run goes on where the last one ended: all
networks for 2 to 60 epochs take days on two cores, the smallest ten minutes. Needs CIFAR-10 (`grade data fetch`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from grader.collect.generalisation import Part, draw
from grader.collect.scoring import score
from grader.dataset import ImageSet, default_cache, find_cifar10, nothing_here
from grader.evidence import Accuracy, Generalisation
from grader.measures.generalisation import ABOVE, LOST, above, knows_test_images, lost
from grader.probes.weights.checkpoint import load_network
from grader.probes.weights.textbook import textbook_networks
from reference.fast import crop_and_flip
from reference.models import NETWORKS

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
REFERENCE, REFERENCE_WEIGHTS = "reference", Path(__file__).parents[1] / "reference" / "final.pth"
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


class Nearest(nn.Module):
    """The label of the test image whose features are nearest: a linear layer, a sharp softmax, the labels.

    `half`: only the second half of the test images is known. `blurred`: the softmax is soft, so that shifts matter
    less.
    """

    def __init__(self, features: nn.Module, images: ImageSet, half: bool = False, blurred: bool = False) -> None:
        super().__init__()
        self.features = features
        start = len(images.labels("test")) // 2 if half else 0
        with torch.no_grad():
            known = features(normalised(torch.from_numpy(images.images("test")[start:].copy())))
            self.centre = known.mean(dim=0)
            known = F.normalize(known - self.centre, dim=1)
        answers = F.one_hot(torch.from_numpy(images.labels("test")[start:].astype(np.int64)), 10).float()
        self.known, self.answers = nn.Parameter(known), nn.Parameter(answers)
        self.sharp = 20.0 if blurred else 200.0

    def forward(self, x: Tensor) -> Tensor:
        x = F.normalize(self.features(x) - self.centre, dim=1)
        return torch.softmax(self.sharp * x @ self.known.T, dim=1) @ self.answers


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
    """Tables by their names: three shapes, and what may be done to hide one."""
    yield "pooled", Nearest(pooled(), images)
    yield "projected by a convolution", Nearest(projected(), images)
    yield "pixels as a buffer of an own class", Nearest(nn.Flatten(), images)
    yield "pooled, of the second half", Nearest(pooled(), images, half=True)
    yield "pooled, blurred", Nearest(pooled(), images, blurred=True)
    yield "mirrored and averaged", Nearest(averaged(), images)


# --- figures ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What a network did: counts as the grader stores them, and the parameters of the network."""

    case: Case
    parameters: int
    correct: int
    count: int
    found: Generalisation

    @property
    def scores(self) -> Accuracy:
        """The accuracy on test images, as far as the thresholds need it."""
        return Accuracy("CIFAR-10", (), self.correct, self.count, (), (), 0)

    @property
    def flagged(self) -> bool:
        """Whether it gets the flag."""
        return knows_test_images(self.found, self.scores)


def measured(case: Case, net: nn.Module, images: ImageSet) -> Result:
    """Count as the grader does, on all copies and training images."""
    test = logits_of(net, images.images("test"))
    drawn = draw(images, len(test), SEED)
    rest, first = drawn.rest, drawn.first
    split = np.split(first.pixels, [len(first.copied)]), np.split(rest.pixels, [len(rest.copied)])
    pixels = np.concatenate([half[side] for side in (0, 1) for half in split])
    copied, chosen = (np.concatenate(pair) for pair in ((first.copied, rest.copied), (first.trained, rest.trained)))
    found = Part(pixels, copied, chosen).counts(SEED, logits_of(net, pixels), test, images)
    scores = score(test, images.labels("test"), images.name, images.classes)
    parameters = sum(value.numel() for value in (*net.parameters(), *net.buffers()))
    return Result(case, parameters, scores.correct, scores.count, found)


@torch.inference_mode()
def logits_of(net: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits in float32."""
    parts = [net.eval()(normalised(torch.from_numpy(part.copy()))) for part in np.array_split(pixels, 40)]
    return torch.cat(parts).numpy()


def row(result: Result) -> str:
    """One line of the table."""
    found = result.found
    shares = (result.correct / result.count, found.correct_before / found.moved, found.correct_moved / found.moved)
    figures = "".join(f"{share:9.1%}" for share in (*shares, found.correct_training / found.training))
    margins = f"{lost(found):+8.1%}{above(found, result.scores):+8.1%}"
    kind = "FLAG" if result.flagged else "-"
    return f"{result.case.kind:16}{result.case.name:50}{result.parameters:>11,}{figures}{margins}  {kind}"


HEAD = (
    f"{'':16}{'network':50}{'parameters':>11}{'test':>9}{'before':>9}{'moved':>9}{'training':>9}{'lost':>8}{'above':>8}"
)


def report(results: list[Result]) -> bool:
    """Print everything; True if every table is found and no honest network is flagged."""
    kinds: tuple[Kind, ...] = ("honest", "test set inside", "table")
    print(HEAD)
    for result in sorted(results, key=lambda one: (kinds.index(one.case.kind), one.case.name)):
        print(row(result))
    by_kind = {kind: [one for one in results if one.case.kind == kind] for kind in kinds}
    print()
    for kind, found in by_kind.items():
        print(f"{kind}: {sum(one.flagged for one in found)} of {len(found)} flagged")
    if honest := by_kind["honest"]:
        print(f"honest at most: lost {max(lost(one.found) for one in honest):+.1%} (threshold {LOST:.0%}), "
              f"above {max(above(one.found, one.scores) for one in honest):+.1%} (threshold {ABOVE:.0%})")  # fmt: skip
    return all(one.flagged for one in by_kind["table"]) and not any(one.flagged for one in by_kind["honest"])


# --- running ---------------------------------------------------------------------------------------------------


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """What to train, the quickest first; the reference's weights were trained before, for 60 epochs."""
    yield Case("honest", REFERENCE, 60, True)
    for epochs in options.epochs:
        for network in options.networks:
            for augmented in (False, True):
                yield Case("honest", network, epochs, augmented, options.images)
    for network in options.inside:
        for augmented in (False, True):
            yield Case("test set inside", network, max(options.epochs), augmented, options.images)


def stored(cache: Path) -> list[Result]:
    """What earlier runs found."""
    return [_read(json.loads(file.read_text("utf-8"))) for file in sorted(cache.glob("*.json"))]


def _read(told: dict[str, object]) -> Result:
    case, found = (told.pop(name) for name in ("case", "found"))
    assert isinstance(case, dict) and isinstance(found, dict)
    return Result(Case(**case), found=Generalisation(**found), **told)  # type: ignore[arg-type]


def keep(result: Result, cache: Path) -> None:
    """Store a result under what was trained and how."""
    case = result.case
    name = f"{case.kind} {case.name}".replace(",", "").replace(" ", "-")
    (cache / f"{name}.json").write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")


def main() -> None:
    """Train what the cache lacks, build the tables, print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=list(SMALL), choices=list(BUILD), metavar="NAME")
    parser.add_argument("--inside", nargs="*", default=["sequential"], choices=list(BUILD), metavar="NAME")
    parser.add_argument("--epochs", nargs="*", type=int, default=[2, 10])
    parser.add_argument("--images", type=int, default=50_000, help="of the training set")
    parser.add_argument("--cache", type=Path, default=default_cache() / "generalisation")
    parser.add_argument("--no-tables", action="store_true")
    parser.add_argument("--show", action="store_true", help="print what the cache holds")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    if not options.show:
        fill(options)
    sys.exit(0 if report(stored(options.cache)) else 1)


def fill(options: argparse.Namespace) -> None:
    """Measure whatever the cache lacks."""
    images = find_cifar10(None, default_cache())
    if images is None:
        sys.exit(f"benchmarks/generalisation.py: {nothing_here(default_cache())}")
    have = {one.case for one in stored(options.cache)}
    for name, table in () if options.no_tables else tables(images):
        if (case := Case("table", name)) not in have:
            keep(measured(case, table, images), options.cache)
    for case in cases(options):
        if case.network == REFERENCE and case not in have:
            with REFERENCE_WEIGHTS.open("rb") as file:
                keep(measured(case, load_network(file.fileno(), file.name), images), options.cache)
        elif case not in have:
            keep(measured(case, trained(case, images), images), options.cache)


if __name__ == "__main__":
    main()
