"""What a training run leaves behind: checkpoints, history.json and its curves; each file is whole or not there."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

Contents = dict[str, Any]  # "net", "acc" and "epoch"; to go on with, also "optimizer", "scheduler", "history", ...


class LabError(Exception):
    """Something that the person at the keyboard must act on, in a sentence."""


class Epoch(TypedDict):
    """One record of history.json: accuracies in percent; the training figures as they ran, on augmented images."""

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


def write_atomically(path: Path, content: bytes) -> None:
    """Write the whole file or nothing: on a full disk an earlier file of that name stays as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)  # os.replace: atomic within a folder
    except OSError as error:
        temporary.unlink(missing_ok=True)
        kept = "; the earlier file is as it was" if path.exists() else ""
        raise LabError(f"cannot write {path}: {error.strerror}{kept}") from error


def write_checkpoint(path: Path, contents: Contents) -> None:
    """Save tensors and plain values, readable with `weights_only=True`."""
    buffer = (
        io.BytesIO()
    )  # torch.save to a full disk raises RuntimeError without the reason, so the file is written here
    torch.save(contents, buffer)
    write_atomically(path, buffer.getvalue())


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
    wanted = model.state_dict()
    unknown = [key for key in weights if key not in wanted]
    missing = [key for key in wanted if key not in weights]
    other = [key for key in wanted if key in weights and weights[key].shape != wanted[key].shape]
    if unknown or missing or other:
        first = (unknown + missing + other)[0]
        raise LabError(f"--resume: {path} holds the weights of another network than {name}: see '{first}'; try --model")
    model.load_state_dict(weights)


def write_history(folder: Path, header: dict[str, Any], epochs: Sequence[Epoch]) -> None:
    """Write history.json (schema history/1) and history.png."""
    history = {"schema": "history/1", **header, "epochs": list(epochs)}
    write_atomically(folder / "history.json", (json.dumps(history, indent=1, allow_nan=False) + "\n").encode())
    write_atomically(folder / "history.png", curves(epochs))


def curves(epochs: Sequence[Epoch]) -> bytes:
    """Loss and accuracy over the epochs, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # without pyplot: no window system is asked for

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    numbers = [epoch["epoch"] for epoch in epochs]
    for axes, title, unit in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("cross entropy", "percent"), strict=True
    ):
        for split in ("train", "test"):
            values = [float(epoch[f"{split}_{title}"]) for epoch in epochs]  # type: ignore[literal-required]
            axes.plot(numbers, values, marker=".", label=split)
        axes.set(title=title, xlabel="epoch", ylabel=unit)
        axes.grid(alpha=0.3)
        axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    return image.getvalue()
