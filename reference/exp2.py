"""Exercise 5.1: train a network on CIFAR-10 and measure it.

    python exp2.py                                   ResNet20, the recommended schedule, 10 epochs
    python exp2.py --resume pretrain_model.pth       the same, with the first 5 epochs done already

After each epoch it writes checkpoint/ckpt_<epoch>_acc_<accuracy>.pth, history.json and history.png, at the end
final.pth. A run that was interrupted goes on with --resume and one of its checkpoints.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from lab import DEVICES, LabError, known, listed, positive, torch_device
from torch import Tensor, nn
from torch.optim import SGD, Optimizer, lr_scheduler

Schedule = Callable[[Optimizer, int, int], lr_scheduler.LRScheduler]  # of optimizer, epochs, batches in an epoch
Loader = Iterable[tuple[Tensor, Tensor]]  # images, float32 (B, 3, 32, 32), normalised; labels, int64 (B,)

WEIGHT_DECAY = 5e-4  # the course's optimizer


def test(model: nn.Module, loader: Loader, device: torch.device) -> tuple[float, float]:
    """Mean loss and accuracy in percent over every image of the loader; the model is left as it was found."""
    # BEGIN SOLUTION 2.1: mean loss and accuracy in percent over the loader
    modes = [(module, module.training) for module in model.modules()]  # a part may be frozen in eval mode
    model.eval()  # BatchNorm uses its running statistics: one test image must not move another's logits
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            targets = labels.to(device)  # (B,)
            logits = model(images.to(device))  # (B, 10)
            loss += F.cross_entropy(logits, targets, reduction="sum").item()  # a sum: the last batch may be shorter
            correct += int((logits.argmax(dim=1) == targets).sum())
            count += len(targets)
    for module, training in modes:
        module.training = training
    return loss / count, 100 * correct / count
    # END SOLUTION


def learning_rate(epoch: int) -> float:
    """The learning rate of an epoch, counted from 0."""
    # BEGIN SOLUTION 2.2: the rate of an epoch: 0.1 for 5 epochs, then 0.01 for 5, or a better schedule
    return 0.1 if epoch < 5 else 0.01  # the course's recommendation
    # END SOLUTION


def train(model: nn.Module, loader: Loader, optimizer: Optimizer, device: torch.device) -> tuple[float, float]:
    """One epoch of training. Mean loss and accuracy in percent as they ran, while the weights moved."""
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, labels in loader:
        targets = labels.to(device)  # (B,)
        logits = model(images.to(device))  # (B, 10)
        loss = F.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(targets)
        correct += int((logits.argmax(dim=1) == targets).sum())
        count += len(targets)
    return loss_sum / count, 100 * correct / count


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: everything but the data and the seed."""

    model: str
    epochs: int
    batch_size: int
    augment: tuple[Literal["constant", "reflect"], Literal["random", "alternating"]] | None  # padding of crops, flips
    optimizer: Callable[[nn.Module], Optimizer]
    schedule: Schedule
    every_batch: bool = False  # the schedule moves after each batch, not after each epoch
    clip: float | None = None  # gradients are cut to +-clip


def sgd(model: nn.Module, rate: float, decay: float = WEIGHT_DECAY, momentum: float = 0.0) -> Optimizer:
    """Stochastic gradient descent on every parameter alike."""
    return SGD(model.parameters(), lr=rate, weight_decay=decay, momentum=momentum)


RECIPES = {
    "recommended": Recipe(  # the course's slides; the rate of the optimizer is 1, so the schedule is the rate itself
        model="resnet20",
        epochs=10,
        batch_size=128,
        augment=("constant", "random"),
        optimizer=partial(sgd, rate=1.0),
        schedule=lambda optimizer, epochs, batches: lr_scheduler.LambdaLR(optimizer, learning_rate),
    ),
}

# BEGIN REFERENCE: the other recipes of reference/RESULTS.md
MOMENTUM = 0.9  # He et al. 2016, section 4.2
PEAK_LEARNING_RATE = 0.3  # recipe `best`: over 10 epochs better than 0.5 and 1.0 at batch 256
WARM_UP = 0.2  # recipe `best`: share of the steps in which the rate rises; it falls to zero over the others
PEAK_TURN = 0.03  # recipe `quick`: over the first epochs better than 0.05
SHORT_WARM_UP = 0.02  # recipe `quick`: kernels that turn alike in all directions need hardly any


def sgd_best(model: nn.Module) -> Optimizer:
    """SGD with Nesterov momentum; weight decay on the weights only.

    Decay on BatchNorm's scales and on biases only holds them back (He et al. 2019, "Bag of Tricks", section 3.1).
    """
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return SGD(groups, lr=PEAK_LEARNING_RATE, momentum=MOMENTUM, nesterov=True)


def muon(model: nn.Module) -> Optimizer:
    """Muon on the convolutions; see muon.py."""
    from muon import Muon

    optimizer: Optimizer = Muon(model, PEAK_TURN, rate=0.1, momentum=MOMENTUM, decay=WEIGHT_DECAY)
    return optimizer


def triangle(step: int, steps: int, warm_up: float) -> float:
    """Share of the peak rate at a step: a straight rise, then a straight fall to zero."""
    rise = warm_up * steps
    return min(1.0, (step + 1) / rise, max(0.0, (steps - step) / (steps - rise)))


def up_and_down(optimizer: Optimizer, steps: int, warm_up: float = WARM_UP) -> lr_scheduler.LRScheduler:
    """The triangle as a scheduler that moves after each batch."""
    return lr_scheduler.LambdaLR(optimizer, partial(triangle, steps=steps, warm_up=warm_up))


def one_cycle(optimizer: Optimizer, steps: int) -> lr_scheduler.LRScheduler:
    """A rise to 0.01 in three tenths of the steps, then a cosine down; moves after each batch."""
    return lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)


def plateau(optimizer: Optimizer) -> lr_scheduler.LRScheduler:
    """A tenth of the rate after two epochs without a better test accuracy, down to 1e-3."""
    return lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.1, patience=1, min_lr=1e-3)


RECIPES |= {
    "plateau": Recipe(  # the report on experiment 4: 84.54 %
        model="resnet20",
        epochs=20,
        batch_size=128,
        augment=("constant", "random"),
        optimizer=partial(sgd, rate=0.1, momentum=MOMENTUM),
        schedule=lambda optimizer, epochs, batches: plateau(optimizer),
    ),
    "small-alexnet": Recipe(  # the report on homework 2: 67.94 %
        model="small_alexnet",
        epochs=20,
        batch_size=100,
        augment=None,
        optimizer=partial(sgd, rate=0.03, decay=0.0),
        schedule=lambda optimizer, epochs, batches: lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0),
    ),
    "one-cycle": Recipe(  # the report on lab 9, which printed training accuracies as validation accuracies
        model="mlp",
        epochs=20,
        batch_size=64,
        augment=None,
        optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4),
        schedule=lambda optimizer, epochs, batches: one_cycle(optimizer, epochs * batches),
        every_batch=True,
        clip=0.1,
    ),
    "quick": Recipe(  # ours, for ten epochs
        model="resnet20",
        epochs=10,
        batch_size=128,
        augment=("reflect", "alternating"),
        optimizer=muon,
        schedule=lambda optimizer, epochs, batches: up_and_down(optimizer, epochs * batches, SHORT_WARM_UP),
        every_batch=True,
    ),
    "best": Recipe(  # ours
        model="resnet20",
        epochs=60,
        batch_size=128,
        augment=("reflect", "alternating"),
        optimizer=sgd_best,
        schedule=lambda optimizer, epochs, batches: up_and_down(optimizer, epochs * batches),
        every_batch=True,
    ),
}
# END REFERENCE


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; leave weights, history and curves in the output folder."""
    # imported here: whoever grades test() and learning_rate() needs neither data nor drawings
    from models import NETWORKS
    from training import fit

    options = parse(arguments, NETWORKS)
    try:
        fit(options, RECIPES, train, test)
    except LabError as error:
        raise SystemExit(f"exp2.py: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"\nexp2.py: stopped; --resume the newest of {options.out / 'checkpoint'} to go on") from None


def parse(arguments: Sequence[str] | None, networks: Iterable[str]) -> argparse.Namespace:
    """The command line; a path is a Path, and the device is decided."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=partial(known, RECIPES), help=f"{listed(RECIPES)}; the first is the default")
    parser.add_argument("--model", type=partial(known, networks), help=f"{listed(networks)}; the recipe has its own")
    parser.add_argument("--epochs", type=positive, help="instead of the recipe's own number")
    parser.add_argument("--resume", type=Path, metavar="PATH", help="a checkpoint, or pretrain_model.pth")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER", help="where CIFAR-10 is, or goes")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where the results go")
    parser.add_argument("--device", type=torch_device, default="auto", metavar="NAME", help=listed(DEVICES))
    parser.add_argument("--seed", type=int, help="drawn anew for each run; history.json records it")
    parser.add_argument("--plain", action="store_true", help="torchvision's transforms, a DataLoader, float32: slower")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
