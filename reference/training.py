"""One training run, from its first epoch to final.pth: what `exp2.py` stands on, given to students as it is.

Checkpoints, history.json and history.png are each whole or not there, and a run can go on from any checkpoint.
"""

from __future__ import annotations

import io
import json
import math
import secrets
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import torch
from fast import Accelerated, Split, TensorLoader, load_cifar10, plain_loader
from lab import LabError, write_whole
from matplotlib.figure import Figure  # without pyplot: no window system is asked for
from models import NETWORKS
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm import tqdm

if TYPE_CHECKING:
    from exp2 import Recipe

TEST_BATCH_SIZE = 250  # the activations of a batch stay in the processor's cache
SEEDS_APART = 1000  # two epochs share a seed only where the seeds of their runs lie closer than their numbers

Loader = Iterable[tuple[Tensor, Tensor]]
Train = Callable[[nn.Module, Loader, Optimizer, torch.device], tuple[float, float]]
Test = Callable[[nn.Module, Loader, torch.device], tuple[float, float]]
Contents = dict[str, Any]  # of a checkpoint: "net", "acc", "epoch"; to go on with it also "optimizer", "history", ...


class Epoch(TypedDict):
    """One record of history.json: accuracies in percent; the training figures as they ran, on augmented images."""

    epoch: int
    learning_rate: float  # at the first step of the epoch
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


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

    def header(self) -> dict[str, object]:
        """What history.json says about the run as a whole."""
        names = {"model": self.model_name, "recipe": self.recipe_name, "seed": self.seed}
        return {"schema": "history/1", **names, "resumed_from": self.resumed_from}

    def weights(self) -> Contents:
        """What is handed in."""
        net = {name: value.cpu().contiguous() for name, value in self.model.state_dict().items()}
        return {"net": net, "acc": self.history[-1]["test_accuracy"], "epoch": self.next_epoch - 1}

    def checkpoint(self) -> Contents:
        """What going on needs. Random numbers need nothing: each epoch is seeded by the run's seed and its number."""
        plan = {"model": self.model_name, "recipe": self.recipe_name, "seed": self.seed, "epochs": self.epochs}
        state = {"optimizer": self.optimizer.state_dict(), "scheduler": self.scheduler.state_dict()}
        return {**self.weights(), **plan, **state, "history": self.history}


def fit(options: Namespace, recipes: Mapping[str, Recipe], train: Train, test: Test) -> None:
    """Every epoch of a run: train, test, move the schedule, write down. Raises LabError."""
    train_split, test_split = read_data(options.data)
    run = prepare(options, recipes, len(train_split.labels))
    recipe = recipes[run.recipe_name]
    if options.plain:
        model = run.model
        train_loader = plain_loader(train_split, recipe.batch_size, recipe.augment, run.seed)
        test_loader = plain_loader(test_split, TEST_BATCH_SIZE)
    else:
        model = Accelerated(run.model, options.device)
        train_loader = TensorLoader(train_split, recipe.batch_size, options.device, recipe.augment, run.seed)
        test_loader = TensorLoader(test_split, TEST_BATCH_SIZE, options.device)
    print(f"{run.model_name}, recipe {run.recipe_name}, seed {run.seed}, on {options.device}", flush=True)

    for epoch in range(run.next_epoch, run.epochs):
        began = time.perf_counter()
        torch.manual_seed(run.seed * SEEDS_APART + epoch)  # a resumed run draws what an uninterrupted one would draw
        train_loader.epoch = epoch
        rate = float(run.optimizer.param_groups[0]["lr"])
        bar = tqdm(train_loader, desc=f"epoch {epoch}", unit="batch", leave=False, disable=None)
        train_loss, train_accuracy = train(model, bar, run.optimizer, options.device)
        last = epoch + 1 == run.epochs  # what is handed in is measured as it will be graded: in float32
        test_loss, test_accuracy = test(run.model if last else model, test_loader, options.device)
        if not math.isfinite(train_loss + test_loss):
            raise LabError(f"the loss is {train_loss} in epoch {epoch}: a learning rate of {rate} is too high here")
        if isinstance(run.scheduler, ReduceLROnPlateau):
            run.scheduler.step(test_accuracy)
        elif not recipe.every_batch:
            run.scheduler.step()
        seconds = round(time.perf_counter() - began, 1)
        figures = (epoch, rate, train_loss, train_accuracy, test_loss, test_accuracy, seconds)
        run.history.append(Epoch(**dict(zip(Epoch.__annotations__, figures, strict=True))))  # type: ignore[typeddict-item]
        run.next_epoch = epoch + 1
        print(f"epoch {epoch:2}, rate {rate:.4f}: train {train_loss:.4f} {train_accuracy:5.2f} %", end=", ")
        print(f"test {test_loss:.4f} {test_accuracy:5.2f} %, {seconds:.0f} s", flush=True)
        write_checkpoint(options.out / "checkpoint" / f"ckpt_{epoch}_acc_{test_accuracy:.2f}.pth", run.checkpoint())
        write_history(options.out, run.header(), run.history)
    write_checkpoint(options.out / "final.pth", run.weights())


def prepare(options: Namespace, recipes: Mapping[str, Recipe], images: int) -> Run:
    """The run that the command line asks for: a new one, or one that a checkpoint goes on with.

    A checkpoint of another recipe, or one without an optimizer such as `pretrain_model.pth`, gives its weights and
    the number of epochs that they have seen. `images` is the size of the training set.
    """
    saved = read_checkpoint(options.resume) if options.resume else {}
    if options.recipe not in (None, saved.get("recipe")):
        saved = {key: saved[key] for key in ("net", "epoch", "model") if key in saved}
    recipe_name = options.recipe or saved.get("recipe", "recommended")
    recipe = recipes[recipe_name]
    model_name = options.model or saved.get("model", recipe.model)
    epochs = options.epochs or saved.get("epochs", recipe.epochs)
    seed = saved.get("seed", secrets.randbits(31)) if options.seed is None else options.seed
    next_epoch = saved.get("epoch", -1) + 1
    if next_epoch >= epochs:
        raise LabError(f"--resume: {options.resume} has seen {next_epoch} epochs already; ask for more with --epochs")

    torch.manual_seed(seed)
    model: nn.Module = NETWORKS[model_name]()
    if saved:
        load_weights(model, model_name, saved["net"], options.resume)
    optimizer = recipe.optimizer(model.to(options.device))
    batches = math.ceil(images / recipe.batch_size)
    scheduler = recipe.schedule(optimizer, epochs, batches)
    if "optimizer" in saved:
        optimizer.load_state_dict(saved["optimizer"])
    if saved.get("epochs") == epochs or (isinstance(scheduler, ReduceLROnPlateau) and "scheduler" in saved):
        scheduler.load_state_dict(saved["scheduler"])
    elif next_epoch and not isinstance(scheduler, ReduceLROnPlateau):  # the schedule begins where the weights stand
        optimizer.step()  # without gradients nothing moves; schedulers want to come after a step
        for _ in range(next_epoch * (batches if recipe.every_batch else 1)):
            scheduler.step()
    if recipe.clip:
        clip = partial(nn.utils.clip_grad_value_, list(model.parameters()), recipe.clip)
        optimizer.register_step_pre_hook(lambda *_: clip())
    if recipe.every_batch:
        optimizer.register_step_post_hook(lambda *_: scheduler.step())
    resumed_from = options.resume.name if options.resume else None
    history = saved.get("history", [])
    return Run(model_name, recipe_name, seed, epochs, model, optimizer, scheduler, next_epoch, history, resumed_from)


def read_data(folder: Path) -> tuple[Split, Split]:
    """CIFAR-10 under the folder; where it cannot be had, a sentence."""
    try:
        splits: tuple[Split, Split] = load_cifar10(folder)
    except (OSError, RuntimeError, ValueError) as error:
        way = "fetch it where there is a network, and name its folder with --data"
        raise LabError(f"--data: no CIFAR-10 in {folder}, and it could not be fetched ({error}): {way}") from error
    return splits


def read_checkpoint(path: Path) -> Contents:
    """A checkpoint of this lab: `net` holds the weights, `epoch` the last epoch that is done."""
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise LabError(f"--resume: there is no file {path}") from None
    except Exception as error:  # torch.load raises a dozen types on files that are no checkpoints
        raise LabError(f"--resume: {path} is no checkpoint of this lab ({type(error).__name__})") from error
    if not isinstance(contents, dict) or not isinstance(contents.get("net"), dict):
        raise LabError(f"--resume: {path} holds no weights under 'net'")
    return contents


def load_weights(model: nn.Module, name: str, weights: dict[str, Tensor], path: Path) -> None:
    """Put the weights into the model called `name`; weights of another network are refused with a sentence."""
    wanted = {key: value.shape for key, value in model.state_dict().items()}
    given = {key: value.shape for key, value in weights.items()}
    if wanted != given:
        keys = [key for key in [*wanted, *given] if wanted.get(key) != given.get(key)]
        raise LabError(f"--resume: {path} holds weights of another network than {name} (see '{keys[0]}'); try --model")
    model.load_state_dict(weights)


def write_checkpoint(path: Path, contents: Contents) -> None:
    """Save tensors and plain values, readable with `weights_only=True`."""
    buffer = io.BytesIO()  # torch.save to a full disk hides the reason, so the file itself is written below
    torch.save(contents, buffer)
    write_whole(path, buffer.getvalue())


def write_history(folder: Path, header: Mapping[str, object], epochs: Sequence[Epoch]) -> None:
    """Write history.json (schema history/1) and history.png."""
    history = {**header, "epochs": epochs}
    write_whole(folder / "history.json", (json.dumps(history, indent=1, allow_nan=False) + "\n").encode())
    write_whole(folder / "history.png", curves(epochs))


def curves(epochs: Sequence[Epoch]) -> bytes:
    """Loss and accuracy over the epochs, as a PNG."""
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
