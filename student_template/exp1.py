"""Tasks 1.1 and 1.2: fit a function with a small network.

    python exp1.py                                   f(x) = x^2 + 2 sin(x) + cos(x - 1) - 5, 1000 epochs
    python exp1.py --epochs 100 --learning-rate 0.1  how the fit changes with both
    python exp1.py --function own                    a function of your own

It prints the last loss and the error between the training points, and draws the fit in exp1.png.
"""

from __future__ import annotations

import argparse
import io
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from lab import DEVICES, LabError, Progress, known, listed, plain_errors, positive, torch_device, write_whole
from torch import Tensor, nn

NUM_TRAIN_EPOCHS = 1000  # the report compares 100, 1000, 10000 and 50000
LEARNING_RATE = 0.01  # the report compares 1, 0.1, 0.01 and 0.001
NUM_POINTS = 100
LOW, HIGH = -5.0, 5.0  # both arms of the parabola and all of the waves at its bottom
HIDDEN_UNITS = 64  # 32 reach the same error, but not with every seed


def target(x: Tensor) -> Tensor:
    """The function of the lab, element by element."""
    return x**2 + 2 * torch.sin(x) + torch.cos(x - 1) - 5


def build_model() -> nn.Sequential:
    """A network that maps x, float32 (N, 1), to f(x), (N, 1). Tanh is smooth, as the functions are."""
    return nn.Sequential(
        nn.Linear(1, HIDDEN_UNITS), nn.Tanh(),
        nn.Linear(HIDDEN_UNITS, HIDDEN_UNITS), nn.Tanh(),
        nn.Linear(HIDDEN_UNITS, 1),
    )  # fmt: skip


def fit(model: nn.Module, x: Tensor, y: Tensor, epochs: int, learning_rate: float) -> list[float]:
    """Train the model on x and y, float32 (N, 1), and return the mean squared error of each epoch.

    Every step uses all points, so an epoch is one step; its loss is measured before the step.
    """
    raise NotImplementedError("1.1: train on all points in each step, and return the mean squared error of each epoch")


def own_function(x: Tensor) -> Tensor:
    """A function of your own, element by element, as smooth or as wild as you like between LOW and HIGH."""
    raise NotImplementedError("1.2: a function of your own, built from torch functions, that the network fits well")


FUNCTIONS = {"target": target, "own": own_function}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit as the command line says; write exp1.png to the output folder."""
    options = parse(arguments)
    with plain_errors("exp1.py"):
        run(options)


def run(options: argparse.Namespace) -> None:
    """Train, measure the error between the training points, draw. Raises LabError."""
    function = FUNCTIONS[options.function]
    x = torch.linspace(LOW, HIGH, NUM_POINTS, device=options.device)[:, None]  # (N, 1)
    between = (x[1:] + x[:-1]) / 2  # (N - 1, 1): a network that only memorised the points fails here
    torch.manual_seed(options.seed)
    model = build_model().to(options.device)
    about = f"{options.function}, {options.epochs} epochs, learning rate {options.learning_rate}, on {options.device}"
    print(about, flush=True)

    with Progress(options.function, options.epochs, "epoch") as progress:
        counting = model.register_forward_hook(lambda *_: progress.step())  # an epoch calls the model once
        losses = fit(model, x, function(x), options.epochs, options.learning_rate)
        counting.remove()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(between), function(between)).item()
    if not math.isfinite(error):
        last = sum(math.isfinite(loss) for loss in losses)
        raise LabError(
            f"the loss is finite for only {last} epochs: --learning-rate {options.learning_rate} is too high"
        )
    print(f"loss of the last epoch {losses[-1]:.6f}, mean squared error between the training points {error:.6f}")
    write_whole(options.out / "exp1.png", drawing(options.function, model.cpu(), x.cpu(), losses))


def drawing(name: str, model: nn.Module, x: Tensor, losses: Sequence[float]) -> bytes:
    """The fitted curve over the true one, and the loss over the epochs, as a PNG."""
    from matplotlib.figure import Figure  # without pyplot, which would look for a screen

    dense = torch.linspace(LOW, HIGH, 1000)[:, None]
    with torch.no_grad():
        fitted = model(dense)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(dense, FUNCTIONS[name](dense), linewidth=5, alpha=0.35, label="true")
    left.plot(dense, fitted, color="black", linewidth=1.2, label="fitted")
    left.plot(x, FUNCTIONS[name](x), ".", color="tab:red", markersize=3, label="training points")
    left.set(xlabel="x", ylabel="f(x)")
    left.legend()
    right.semilogy(range(len(losses)), losses, linewidth=1)
    right.set(xlabel="epoch", ylabel="mean squared error")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    return image.getvalue()


def above_zero(text: str) -> float:
    """The text as a learning rate."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return rate


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; a path is a Path, and the device is chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known_function = partial(known, FUNCTIONS)
    parser.add_argument("--function", type=known_function, default="target", metavar="NAME", help=listed(FUNCTIONS))
    parser.add_argument("--epochs", type=positive, default=NUM_TRAIN_EPOCHS, help=f"default: {NUM_TRAIN_EPOCHS}")
    parser.add_argument("--learning-rate", type=above_zero, default=LEARNING_RATE, help=f"default: {LEARNING_RATE}")
    parser.add_argument("--seed", type=int, default=0, help="for the initial weights; default: 0")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where exp1.png goes")
    parser.add_argument("--device", type=torch_device, default="auto", metavar="NAME", help=listed(DEVICES))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
