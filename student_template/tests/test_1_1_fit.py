"""Task 1.1, exp1.py: fit() trains a network until it follows the points.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

X = torch.linspace(-1, 1, 40).unsqueeze(1)  # (40, 1)
LINE = 2 * X + 1
CURVE = 2 * X**2 - 0.5

POINTS = torch.linspace(-5, 5, 100).unsqueeze(1)  # (100, 1), as in exp1.py
BETWEEN = (POINTS[1:] + POINTS[:-1]) / 2  # (99, 1), where the fit is measured

LOOK_AT = (
    "In every epoch: compute the prediction and its loss, then call zero_grad() (gradients add up otherwise),"
    " backward() and step(). The optimizer must be given model.parameters()."
)


def line() -> nn.Module:
    """A network with one weight and one bias: two numbers to learn."""
    torch.manual_seed(11)
    return nn.Linear(1, 1)


def waves(x: Tensor) -> Tensor:
    """The function of the lab."""
    return x**2 + 2 * torch.sin(x) + torch.cos(x - 1) - 5


def error(model: nn.Module, y: Tensor, x: Tensor = X) -> float:
    """Mean squared error of a network over the points."""
    with torch.no_grad():
        return nn.functional.mse_loss(model(x), y).item()


def moved(lab: Any, learning_rate: float) -> float:
    """How far the weights move in five epochs."""
    model = line()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    lab.exp1.fit(model, X, LINE, epochs=5, learning_rate=learning_rate)
    squares = [(new - old).square().sum() for new, old in zip(model.parameters(), before, strict=True)]
    return math.sqrt(sum(square.item() for square in squares))


def test_every_epoch_has_its_loss(lab: Any) -> None:
    """fit() returns a list with one number for each epoch."""
    losses = lab.exp1.fit(line(), X, LINE, epochs=7, learning_rate=0.01)
    assert isinstance(losses, list), (
        f"fit() returned a {type(losses).__name__}; it should return a list, one loss per epoch."
    )
    assert len(losses) == 7, f"For 7 epochs fit() returned {len(losses)} losses; it should return 7."
    assert all(isinstance(loss, float) for loss in losses), (
        f"The first loss is a {type(losses[0]).__name__}; it should be a plain number: loss.item(). A tensor keeps"
        " everything that it was computed from in memory."
    )


def test_no_epoch_is_left_out(lab: Any) -> None:
    """fit() goes on when there is nothing left to learn, so that curves of several runs can be compared."""
    losses = lab.exp1.fit(line(), X, LINE, epochs=400, learning_rate=0.1)
    assert len(losses) == 400, (
        f"For 400 epochs fit() returned {len(losses)} losses; it should return 400. Do not end early, however small the"
        " loss is."
    )


def test_a_loss_is_the_mean_over_the_points(lab: Any) -> None:
    """The mean squared error does not depend on the number of points; their sum does."""
    model = line()
    before = error(model, LINE)
    first = float(lab.exp1.fit(model, X, LINE, epochs=1, learning_rate=0.001)[0])
    assert abs(first - before * len(X)) > 0.05 * before * len(X), (
        f"The first loss is {first:.4g}, the sum over the {len(X)} points; return their mean, which is {before:.4g}:"
        " mse_loss computes it unless reduction says otherwise."
    )


def test_the_losses_fall(lab: Any) -> None:
    """200 epochs are plenty for two numbers: the last loss is a small fraction of the first."""
    losses = lab.exp1.fit(line(), X, LINE, epochs=200, learning_rate=0.1)
    assert losses[-1] < losses[0] / 10, (
        f"When fitting a line, the loss went from {float(losses[0]):.4g} to {float(losses[-1]):.4g} in 200 epochs; it"
        f" should fall to a tenth or less. {LOOK_AT}"
    )


def test_the_network_that_was_given_learns(lab: Any) -> None:
    """fit() trains `model` itself, because the caller goes on to use it."""
    model = line()
    before = error(model, LINE)
    lab.exp1.fit(model, X, LINE, epochs=200, learning_rate=0.1)
    after = error(model, LINE)
    assert after < before / 10, (
        f"Before fit() the mean squared error of the network was {before:.4g}, afterwards it was {after:.4g}; it should"
        f" fall to a tenth or less. {LOOK_AT}"
    )


def test_a_curve_is_fitted(lab: Any) -> None:
    """With a tanh layer the network can bend; no straight line fits here."""
    torch.manual_seed(11)
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    lab.exp1.fit(model, X, CURVE, epochs=1000, learning_rate=0.05)
    best_line, after = (CURVE - CURVE.mean()).square().mean().item(), error(model, CURVE)
    assert after < best_line / 2, (
        f"After 1000 epochs on a parabola the mean squared error is {after:.4g}; the best straight line already"
        f" reaches {best_line:.4g}. {LOOK_AT}"
    )


def test_the_fit_is_close(lab: Any) -> None:
    """600 epochs at the lab's learning rate are enough for an error between the points that the eye cannot see."""
    after, goal = math.inf, 0.001 * waves(POINTS).var().item()
    for seed in (11, 12, 13):  # the last step of Adam may jump, but hardly three times
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
        lab.exp1.fit(model, POINTS, waves(POINTS), epochs=600, learning_rate=0.01)
        after = min(after, error(model, waves(BETWEEN), BETWEEN))
        if after <= goal:
            break
    assert after <= goal, (
        f"After 600 epochs at learning_rate=0.01 on the function of the lab, the mean squared error between the"
        f" training points is {after:.3g}; {goal:.2g} or less is possible, and full points need it."
        " torch.optim.Adam gets there; plain SGD and some other optimizers do not."
    )


def test_the_learning_rate_is_used(lab: Any) -> None:
    """A learning rate ten times as large takes larger steps."""
    slow, fast = moved(lab, 0.001), moved(lab, 0.01)
    assert slow > 0, f"Five epochs of fit() did not move the weights at all. {LOOK_AT}"
    assert fast > 3 * slow, (
        f"Five epochs moved the weights by {slow:.4g} with learning_rate=0.001 and by {fast:.4g} with 0.01:"
        " give learning_rate to the optimizer."
    )
