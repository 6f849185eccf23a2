"""Exercise 5.1: train a network on CIFAR-10 and measure it.

    python exp2.py                                   ResNet20, the recommended schedule, 10 epochs
    python exp2.py --resume pretrain_model.pth       the same, with the first 5 epochs done already
    python exp2.py --recipe best --epochs 60         the strongest recipe here

After each epoch it writes checkpoint/ckpt_<epoch>_acc_<accuracy>.pth, history.json and history.png, at the end
final.pth. A run that was interrupted goes on with --resume and one of its checkpoints.
"""

from __future__ import annotations

import argparse
import difflib
import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from fast import Accelerated, Augment, TensorLoader, load_cifar10, plain_loader  # type: ignore[import-not-found]
from models import NETWORKS  # type: ignore[import-not-found]
from record import (  # type: ignore[import-not-found]
    Contents,
    Epoch,
    LabError,
    load_weights,
    read_checkpoint,
    write_checkpoint,
    write_history,
)
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from tqdm import tqdm

Loader = Iterable[tuple[Tensor, Tensor]]  # images, float32 (B, 3, 32, 32), normalised; labels, int64 (B,)

WEIGHT_DECAY = 5e-4  # the course's optimizer
MOMENTUM = 0.9  # He et al. 2016, section 4.2
PEAK_LEARNING_RATE = 0.3  # recipe `best`: the better of 0.3 at batch 128 and 0.5, 1.0 at batch 256 over 10 epochs
WARM_UP = 0.2  # recipe `best`: share of the steps in which the rate rises; it falls to zero over the others
TEST_BATCH_SIZE = 250  # activations of a batch stay in the processor's cache
SEEDS_APART = 1000  # seeds of the epochs of two runs do not overlap


def test(model: nn.Module, loader: Loader, device: torch.device) -> tuple[float, float]:
    """Mean loss and accuracy in percent over every image of the loader; the model is left as it was found."""
    # BEGIN SOLUTION 2.1: mean loss and accuracy in percent over the loader, in eval mode and without gradients
    was_training = model.training
    model.eval()  # BatchNorm uses its running statistics: one test image must not move another's logits
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)  # (B, 10)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()  # a sum: the last batch may be shorter
            correct += int((logits.argmax(dim=1) == labels).sum())
            count += len(labels)
    model.train(was_training)
    return loss / count, 100 * correct / count
    # END SOLUTION


def learning_rate(epoch: int) -> float:
    """The learning rate of an epoch, counted from 0."""
    # BEGIN SOLUTION 2.2: the learning rate of an epoch: 0.1 for 5 epochs, then 0.01 for 5, or a better schedule
    return 0.1 if epoch < 5 else 0.01  # the course's recommendation
    # END SOLUTION


def train(model: nn.Module, loader: Loader, optimizer: Optimizer, device: torch.device) -> tuple[float, float]:
    """One epoch of training. Mean loss and accuracy in percent as they ran, while the weights moved."""
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, labels in tqdm(loader, desc="train", unit="batch", leave=False, disable=None):
        images, labels = images.to(device), labels.to(device)
        logits = model(images)  # (B, 10)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        correct += int((logits.argmax(dim=1) == labels).sum())
        count += len(labels)
    return loss_sum / count, 100 * correct / count


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: everything but the data and the seed."""

    model: str
    epochs: int
    batch_size: int
    augment: Augment | None
    optimizer: Callable[[nn.Module], Optimizer]
    schedule: Callable[[Optimizer, int, int], LRScheduler]  # of the optimizer, the epochs, the batches an epoch
    every_batch: bool = False  # the schedule moves after each batch, not after each epoch
    clip: float | None = None  # gradients are cut to +-clip


def sgd(model: nn.Module, rate: float, decay: float = WEIGHT_DECAY, momentum: float = 0.0) -> Optimizer:
    """Stochastic gradient descent on every parameter alike."""
    return SGD(model.parameters(), lr=rate, weight_decay=decay, momentum=momentum)


def sgd_best(model: nn.Module) -> Optimizer:
    """SGD with Nesterov momentum; weight decay on the weights only.

    Decay on BatchNorm's scales and on biases only holds them back (He et al. 2019, "Bag of Tricks", section 3.1).
    """
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return SGD(groups, lr=PEAK_LEARNING_RATE, momentum=MOMENTUM, nesterov=True)


def triangle(step: int, steps: int) -> float:
    """Share of the peak rate at a step: a straight rise, then a straight fall to zero."""
    rise = WARM_UP * steps
    return min((step + 1) / rise, max(0.0, (steps - step) / (steps - rise)))


RECIPES = {
    "recommended": Recipe(  # the course's slides; the rate of the optimizer is 1, so the schedule is the rate itself
        model="resnet20",
        epochs=10,
        batch_size=128,
        augment=("constant", "random"),
        optimizer=partial(sgd, rate=1.0),
        schedule=lambda optimizer, epochs, batches: LambdaLR(optimizer, learning_rate),
    ),
    "plateau": Recipe(  # the report on experiment 4: 84.54 %
        model="resnet20",
        epochs=20,
        batch_size=128,
        augment=("constant", "random"),
        optimizer=partial(sgd, rate=0.1, momentum=MOMENTUM),
        schedule=lambda optimizer, epochs, batches: ReduceLROnPlateau(optimizer, "max", 0.1, patience=1, min_lr=1e-3),
    ),
    "small-alexnet": Recipe(  # the report on homework 2: 67.94 %
        model="small_alexnet",
        epochs=20,
        batch_size=100,
        augment=None,
        optimizer=partial(sgd, rate=0.03, decay=0.0),
        schedule=lambda optimizer, epochs, batches: LambdaLR(optimizer, lambda epoch: 1.0),
    ),
    "one-cycle": Recipe(  # the report on lab 9, which printed training accuracies as validation accuracies
        model="mlp",
        epochs=20,
        batch_size=64,
        augment=None,
        optimizer=lambda model: Adam(model.parameters(), lr=0.01, weight_decay=1e-4),
        schedule=lambda optimizer, epochs, batches: OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * batches),
        every_batch=True,
        clip=0.1,
    ),
    "best": Recipe(
        model="resnet20",
        epochs=60,
        batch_size=128,
        augment=("reflect", "alternating"),
        optimizer=sgd_best,
        schedule=lambda optimizer, epochs, batches: LambdaLR(optimizer, partial(triangle, steps=epochs * batches)),
        every_batch=True,
    ),
}


@dataclass
class Run:
    """A training run between two epochs: all that changes, and what it was started with."""

    model_name: str
    recipe_name: str
    seed: int
    epochs: int  # planned
    model: nn.Module
    optimizer: Optimizer
    scheduler: LRScheduler
    next_epoch: int
    history: list[Epoch]
    resumed_from: str | None

    def checkpoint(self) -> Contents:
        """What going on needs. Random numbers need nothing: each epoch is seeded by the run's seed and its number."""
        return {
            **self.weights(),
            "model": self.model_name,
            "recipe": self.recipe_name,
            "seed": self.seed,
            "epochs": self.epochs,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "history": self.history,
        }

    def weights(self) -> Contents:
        """What is handed in."""
        net = {name: value.cpu().contiguous() for name, value in self.model.state_dict().items()}
        return {"net": net, "acc": self.history[-1]["test_accuracy"], "epoch": self.next_epoch - 1}


def prepare(options: argparse.Namespace, batches: Callable[[int], int], device: torch.device) -> Run:
    """The run that the command line asks for: a new one, or one that a checkpoint goes on with.

    A checkpoint of another recipe, or one without an optimizer such as `pretrain_model.pth`, gives its weights and
    the number of epochs that they have seen. `batches` says how many batches of a size the training set gives.
    """
    saved = read_checkpoint(options.resume) if options.resume else {}
    if options.recipe not in (None, saved.get("recipe")):
        saved = {key: saved[key] for key in ("net", "epoch", "model") if key in saved}
    recipe_name = options.recipe or saved.get("recipe", "recommended")
    recipe = RECIPES[recipe_name]
    model_name = options.model or saved.get("model", recipe.model)
    epochs = options.epochs or saved.get("epochs", recipe.epochs)
    seed = saved.get("seed", secrets.randbits(31)) if options.seed is None else options.seed
    if recipe.every_batch and epochs != saved.get("epochs", epochs):
        raise LabError(f"--epochs: this run's schedule was laid out over {saved['epochs']} epochs; keep to that number")

    torch.manual_seed(seed)
    model: nn.Module = NETWORKS[model_name]()
    if saved:
        load_weights(model, model_name, saved["net"], options.resume)
    optimizer = recipe.optimizer(model.to(device))
    steps_an_epoch = batches(recipe.batch_size)
    scheduler = recipe.schedule(optimizer, epochs, steps_an_epoch)
    next_epoch = saved.get("epoch", -1) + 1
    if "optimizer" in saved:
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
    elif next_epoch and not isinstance(scheduler, ReduceLROnPlateau):
        optimizer.step()  # without gradients nothing moves; schedulers want to come after a step
        for _ in range(next_epoch * (steps_an_epoch if recipe.every_batch else 1)):
            scheduler.step()
    if recipe.clip:
        clip = partial(nn.utils.clip_grad_value_, list(model.parameters()), recipe.clip)
        optimizer.register_step_pre_hook(lambda *_: clip())
    if recipe.every_batch:
        optimizer.register_step_post_hook(lambda *_: scheduler.step())
    resumed_from = options.resume.name if options.resume else None
    history = saved.get("history", [])
    return Run(model_name, recipe_name, seed, epochs, model, optimizer, scheduler, next_epoch, history, resumed_from)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; leave weights, history and curves in the output folder."""
    options = parse(arguments)
    try:
        fit(options, torch.device(options.device))
    except LabError as error:
        raise SystemExit(f"exp2.py: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"\nexp2.py: stopped; --resume the newest of {options.out / 'checkpoint'} to go on") from None


def fit(options: argparse.Namespace, device: torch.device) -> None:
    """Every epoch of a run: train, test, move the schedule, write down."""
    train_split, test_split = load_cifar10(options.data)
    run = prepare(options, lambda size: -(-len(train_split.labels) // size), device)
    recipe = RECIPES[run.recipe_name]
    if options.plain:
        model: nn.Module = run.model
        train_loader = plain_loader(train_split, recipe.batch_size, recipe.augment, run.seed)
        test_loader = plain_loader(test_split, TEST_BATCH_SIZE)
    else:
        model = Accelerated(run.model, device)
        train_loader = TensorLoader(train_split, recipe.batch_size, device, recipe.augment, run.seed)
        test_loader = TensorLoader(test_split, TEST_BATCH_SIZE, device)
    header = {"model": run.model_name, "recipe": run.recipe_name, "seed": run.seed, "resumed_from": run.resumed_from}
    print(", ".join(f"{key} {value}" for key, value in header.items()), flush=True)

    for epoch in range(run.next_epoch, run.epochs):
        began = time.perf_counter()
        torch.manual_seed(run.seed * SEEDS_APART + epoch)  # a resumed run draws what an uninterrupted one would draw
        train_loader.epoch = epoch
        rate = run.optimizer.param_groups[0]["lr"]  # at the epoch's first step
        train_loss, train_accuracy = train(model, train_loader, run.optimizer, device)
        last = epoch + 1 == run.epochs  # what is handed in is measured as it will be graded: in float32
        test_loss, test_accuracy = test(run.model if last else model, test_loader, device)
        if not math.isfinite(train_loss + test_loss):
            raise LabError(f"the loss is {train_loss} after epoch {epoch}: the learning rate of {rate} is too high")
        if isinstance(run.scheduler, ReduceLROnPlateau):
            run.scheduler.step(test_accuracy)
        elif not recipe.every_batch:
            run.scheduler.step()
        seconds = round(time.perf_counter() - began, 1)
        run.history.append(
            Epoch(
                epoch=epoch,
                learning_rate=rate,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                test_loss=test_loss,
                test_accuracy=test_accuracy,
                seconds=seconds,
            )
        )
        run.next_epoch = epoch + 1
        print(f"epoch {epoch:2}  rate {rate:.4f}  train {train_loss:.4f} {train_accuracy:5.2f} %", end="  ")
        print(f"test {test_loss:.4f} {test_accuracy:5.2f} %  {seconds:.0f} s", flush=True)
        write_checkpoint(options.out / "checkpoint" / f"ckpt_{epoch}_acc_{test_accuracy:.2f}.pth", run.checkpoint())
        write_history(options.out, header, run.history)
    write_checkpoint(options.out / "final.pth", run.weights())


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; a path is a Path, and the device is decided."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--recipe", type=partial(known, RECIPES), help=f"recommended (the default) or {listed(RECIPES)}"
    )
    parser.add_argument(
        "--model", type=partial(known, NETWORKS), help=f"instead of the recipe's own: {listed(NETWORKS)}"
    )
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    parser.add_argument("--resume", type=Path, metavar="PATH", help="a checkpoint, or pretrain_model.pth")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER", help="where CIFAR-10 is, or goes")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where the results go")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, help="drawn anew for each run; history.json records it")
    parser.add_argument("--plain", action="store_true", help="torchvision's transforms, a DataLoader, float32: slower")
    options = parser.parse_args(arguments)
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    return options


def known(names: Iterable[str], name: str) -> str:
    """The name, if it is one of the names; else a sentence that proposes one."""
    if name in names:
        return name
    close = difflib.get_close_matches(name, list(names), n=1)
    raise argparse.ArgumentTypeError(f"unknown name '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""))


def listed(names: Iterable[str]) -> str:
    """The names, for a line of help."""
    return ", ".join(names)


if __name__ == "__main__":
    main()
