"""What `exp2.py` builds on, given to students as it is: the data set, checkpoints, history.json and history.png.

Every file is written whole or not at all, and a run can continue from any of its checkpoints.
"""

from __future__ import annotations

import io
import json
import math
import secrets
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from lab import LabError, Progress, write_whole
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torchvision import datasets, transforms

SEEDS_APART = (
    1000  # two runs share the seed of an epoch only if their own seeds differ by less than the number of epochs
)

Loader = Iterable[tuple[Tensor, Tensor]]
Contents = dict[str, Any]  # of a checkpoint: "net", "acc", "epoch"; for --resume also "optimizer", "history", ...


class CIFAR10(datasets.CIFAR10):  # type: ignore[misc]
    """torchvision's CIFAR10, downloaded to the folder if it is missing. Raises LabError.

    A folder that holds `train_images.npy`, `train_labels.npy`, `test_images.npy` and `test_labels.npy` (images
    channels first, uint8 (N, 3, 32, 32)) is read as well.
    """

    def __init__(self, folder: Path, train: bool, transform: Callable[[Any], Tensor]) -> None:
        try:
            if (folder / "train_images.npy").is_file():
                datasets.VisionDataset.__init__(self, folder, transform=transform)
                self._read_arrays(folder, "train" if train else "test")
            else:
                super().__init__(folder, train, transform, download=True)
        except (OSError, RuntimeError, ValueError) as error:
            way = "download it on a computer with a network, and give its folder with --data"
            raise LabError(f"--data: no CIFAR-10 in {folder}, and the download failed ({error}): {way}") from error

    def _read_arrays(self, folder: Path, split: str) -> None:
        self.data = np.ascontiguousarray(np.load(folder / f"{split}_images.npy").transpose(0, 2, 3, 1))
        self.targets = np.load(folder / f"{split}_labels.npy").tolist()


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: everything except the data and the seed."""

    model: str  # a name in models.NETWORKS
    epochs: int
    batch_size: int
    transform: transforms.Compose  # of the training images
    optimizer: Callable[[nn.Module], Optimizer]
    # made from the optimizer and the number of steps of the run; without one, learning_rate() sets each epoch's rate
    scheduler: Callable[[Optimizer, int], LRScheduler] | None = None


class Epoch(TypedDict):
    """One record of history.json: accuracies in percent; training figures are measured during the epoch."""

    epoch: int
    learning_rate: float  # at the first step of the epoch
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


@dataclass
class Run:
    """A training run: what it was started with, and the epochs done so far."""

    model: str
    recipe: str
    seed: int
    epochs: int  # planned
    next_epoch: int
    history: list[Epoch]
    resumed_from: Path | None
    saved: Contents = field(repr=False)  # the checkpoint that it continues; empty for a new run
    newest: Path | None = None  # its last checkpoint

    def restore(self, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler | None, batches: int) -> None:
        """Load weights, optimizer and schedule from the checkpoint of --resume, if any. An epoch has `batches` steps.

        A checkpoint without an optimizer, such as pretrain_model.pth, supplies only weights and a number of epochs.
        """
        if not self.saved:
            return
        load_weights(model, self.model, self.saved["net"], self.resumed_from)
        if "optimizer" in self.saved:
            optimizer.load_state_dict(self.saved["optimizer"])
        on_plateau, state = isinstance(scheduler, ReduceLROnPlateau), self.saved.get("scheduler")
        if scheduler and state and (on_plateau or self.saved.get("epochs") == self.epochs):
            scheduler.load_state_dict(state)
        elif scheduler and not on_plateau:
            for _ in range(self.next_epoch * batches):  # without gradients a step moves only the schedule
                optimizer.step()

    def add(self, figures: Epoch) -> None:
        """Record an epoch and print it. Raises LabError if the loss is not finite."""
        train_loss, test_loss, rate = figures["train_loss"], figures["test_loss"], figures["learning_rate"]
        if not math.isfinite(train_loss + test_loss):
            number = figures["epoch"]
            raise LabError(f"the loss is {train_loss} in epoch {number}: the learning rate of {rate} is too high")
        self.history.append(figures)
        self.next_epoch = figures["epoch"] + 1
        print(f"epoch {figures['epoch']:2}, rate {rate:.4f}: train {train_loss:.4f}", end=" ")
        print(f"{figures['train_accuracy']:5.2f} %, test {test_loss:.4f} {figures['test_accuracy']:5.2f} %", end=", ")
        print(f"{figures['seconds']:.0f} s", flush=True)

    def weights(self, model: nn.Module) -> Contents:
        """The contents of final.pth, which is handed in."""
        net = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
        return {"net": net, "acc": self.history[-1]["test_accuracy"], "epoch": self.next_epoch - 1}

    def checkpoint(self, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler | None) -> Contents:
        """What --resume needs. It holds no state of random numbers, because seed_epoch() seeds each epoch."""
        plan = {"model": self.model, "recipe": self.recipe, "seed": self.seed, "epochs": self.epochs}
        moving = {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict() if scheduler else None}
        return {**self.weights(model), **plan, **moving, "history": self.history}

    def save(self, folder: Path, contents: Contents) -> None:
        """Write a checkpoint, named after its epoch and test accuracy. Raises LabError."""
        path = folder / f"ckpt_{contents['epoch']}_acc_{contents['acc']:.2f}.pth"
        write_checkpoint(path, contents)
        self.newest = path

    @contextmanager
    def resumable(self) -> Iterator[None]:
        """On Ctrl-C, say what --resume can continue."""
        try:
            yield
        except KeyboardInterrupt:
            said = "stopped before the end of the first epoch: nothing is saved yet, so start again"
            if path := self.newest or self.resumed_from:
                said = f"stopped; to continue, start again with --resume {path}, and with the same --data and --out"
            raise KeyboardInterrupt(said) from None


def start(options: Namespace, recipes: Mapping[str, Recipe]) -> Run:
    """A new run as the command line asks for it, or the run that --resume continues. Raises LabError.

    A checkpoint of a recipe other than --recipe supplies only weights and a number of epochs.
    """
    saved = read_checkpoint(options.resume) if options.resume else {}
    if options.recipe not in (None, saved.get("recipe")):
        saved = {key: saved[key] for key in ("net", "epoch", "model") if key in saved}
    name = options.recipe or saved.get("recipe") or next(iter(recipes))
    epochs = options.epochs or saved.get("epochs", recipes[name].epochs)
    next_epoch = saved.get("epoch", -1) + 1
    if next_epoch >= epochs:
        raise LabError(f"--resume: {options.resume} already has {next_epoch} epochs; ask for more with --epochs")
    model = options.model or saved.get("model", recipes[name].model)
    seed = saved.get("seed", secrets.randbits(31)) if options.seed is None else options.seed
    return Run(model, name, seed, epochs, next_epoch, saved.get("history", []), options.resume, saved)


def make_scheduler(recipe: Recipe, optimizer: Optimizer, steps: int) -> LRScheduler | None:
    """The recipe's scheduler, if any, made to move after each batch; ReduceLROnPlateau moves after each epoch."""
    if recipe.scheduler is None:
        return None
    scheduler = recipe.scheduler(optimizer, steps)
    if not isinstance(scheduler, ReduceLROnPlateau):
        optimizer.register_step_post_hook(lambda *_: scheduler.step())
    return scheduler


def after_epoch(scheduler: LRScheduler | None, test_accuracy: float) -> None:
    """Move ReduceLROnPlateau, which watches the test accuracy."""
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(test_accuracy)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give the optimizer this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed the random numbers of an epoch, so that a resumed run draws the same ones as an uninterrupted run."""
    torch.manual_seed(seed * SEEDS_APART + epoch)


def progress(loader: Loader, epoch: int, batches: int) -> Loader:
    """The batches of the loader, counted as training goes through them."""
    with Progress(f"epoch {epoch}", batches, "batch") as counted:
        for batch in loader:
            yield batch
            counted.step()


def read_checkpoint(path: Path) -> Contents:
    """A checkpoint of this lab: `net` holds the weights, `epoch` is the last epoch done. Raises LabError."""
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise LabError(f"--resume: there is no file {path}") from None
    except Exception as error:  # torch.load raises a dozen types for files that are not checkpoints
        raise LabError(f"--resume: {path} is not a checkpoint of this lab ({type(error).__name__})") from error
    if not isinstance(contents, dict) or not isinstance(contents.get("net"), dict):
        raise LabError(f"--resume: {path} holds no weights under 'net'")
    return contents


def load_weights(model: nn.Module, name: str, weights: dict[str, Tensor], path: Path | None) -> None:
    """Load the weights from `path` into the model called `name`. Raises LabError if they are of another network."""
    wanted = {key: value.shape for key, value in model.state_dict().items()}
    given = {key: value.shape for key, value in weights.items()}
    if wanted != given:
        keys = [key for key in [*wanted, *given] if wanted.get(key) != given.get(key)]
        raise LabError(f"--resume: {path} holds the weights of a network other than {name} ('{keys[0]}'); try --model")
    model.load_state_dict(weights)


def write_checkpoint(path: Path, contents: Contents) -> None:
    """Save tensors and plain values, readable with `weights_only=True`. Raises LabError."""
    buffer = io.BytesIO()  # torch.save hides the reason if the disk is full, so write_whole writes the file
    torch.save(contents, buffer)
    write_whole(path, buffer.getvalue())


def write_history(folder: Path, run: Run) -> None:
    """Write history.json (schema history/1) and history.png. Raises LabError."""
    resumed_from = run.resumed_from.name if run.resumed_from else None
    header = {"model": run.model, "recipe": run.recipe, "seed": run.seed, "resumed_from": resumed_from}
    history = {"schema": "history/1", **header, "epochs": run.history}
    write_whole(folder / "history.json", (json.dumps(history, indent=1, allow_nan=False) + "\n").encode())
    write_whole(folder / "history.png", curves(run.history))


def curves(epochs: Sequence[Epoch]) -> bytes:
    """Loss and accuracy over the epochs, as a PNG."""
    from matplotlib.figure import Figure  # without pyplot, which would look for a screen

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    numbers = [epoch["epoch"] for epoch in epochs]
    left.plot(numbers, [epoch["train_loss"] for epoch in epochs], marker=".", label="train")
    left.plot(numbers, [epoch["test_loss"] for epoch in epochs], marker=".", label="test")
    right.plot(numbers, [epoch["train_accuracy"] for epoch in epochs], marker=".", label="train")
    right.plot(numbers, [epoch["test_accuracy"] for epoch in epochs], marker=".", label="test")
    left.set(xlabel="epoch", ylabel="cross entropy")
    right.set(xlabel="epoch", ylabel="accuracy in percent")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    return image.getvalue()
