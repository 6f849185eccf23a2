"""exp1.py: calls `fit` on two functions. It returns the final weights, and the errors are computed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grader.collect.code.caller import Call, Caller, observed
from grader.collect.subject import Look, Subject
from grader.evidence import FailedCall, Failure, FunctionFit, Refused
from grader.labs import the_lab
from grader.sandbox import ArraySpec, Reply

Array = NDArray[np.float64]

UNITS = (1, 48, 48, 1)  # of a network like the lab's, a little smaller
RATES = (0.001, 0.01)  # ten times the rate makes longer steps
FEW_EPOCHS = 5


@dataclass(frozen=True, slots=True)
class Task:
    """A function to fit: its range, number of points and epochs."""

    function: Literal["the lab's function", "another function"]
    of: Callable[[Array], Array]
    low: float
    high: float
    points: int
    epochs: int
    learning_rate: float
    seed: int


def target(x: Array) -> Array:
    """Return the function of the exercise."""
    return np.asarray(x**2 + 2 * np.sin(x) + np.cos(x - 1) - 5)


def other(x: Array) -> Array:
    """Return another function, on another range."""
    return 2 * np.sin(2.5 * x) * np.exp(-0.3 * x) + x


EXERCISE = Task("the lab's function", target, -5.0, 5.0, 100, 600, 0.01, 7)
OTHER = Task("another function", other, -1.0, 3.0, 60, 900, 0.01, 8)


def look(subject: Subject) -> FunctionFit | Failure:
    """Call `fit` on both functions, and for a few epochs at two rates. The first call decides whether to go on."""
    caller = subject.caller
    fits, failed = [], []
    for task in (EXERCISE, OTHER):
        reply = _call(caller, task, task.epochs, task.learning_rate)
        if not isinstance(reply, Reply):
            if task is EXERCISE or not isinstance(reply, Refused):
                return caller.refused(reply)
            failed.append(FailedCall(task.function, reply.message))
            continue
        fits.append(_fit(task, reply))
    moved = []
    for rate in RATES:
        reply = _call(caller, EXERCISE, FEW_EPOCHS, rate)
        if isinstance(reply, Reply):
            distance = float(np.linalg.norm(reply.arrays["weights"].astype(float) - _flat(_weights(EXERCISE.seed))))
            moved.append({"learning_rate": rate, "distance": _finite(distance)})
        elif isinstance(reply, Refused):
            failed.append(FailedCall(f"learning rate {rate:g}", reply.message))
        else:
            return caller.refused(reply)
    return observed(FunctionFit, {"fits": fits, "moved": moved}, caller, failed)


def _call(caller: Caller, task: Task, epochs: int, rate: float) -> Reply | Failure:
    x, _ = _points(task)
    data = {f"{name}_{index}": value for index, pair in enumerate(_weights(task.seed)) for name, value in pair.items()}
    data |= {"x": _column(x), "y": _column(task.of(x))}
    size = sum(value.size for pair in _weights(task.seed) for value in pair.values())
    inputs = {"epochs": epochs, "learning_rate": rate}
    return caller.call(
        the_lab().script_of("fit"),
        Call("fit", "code.function_fit.call_fit", inputs, data, {"weights": ArraySpec("<f4", (size,))}),
    )


def _fit(task: Task, reply: Reply) -> dict[str, Any]:
    x, between = _points(task)
    start, end = _weights(task.seed), _unflatten(reply.arrays["weights"], task.seed)
    return {
        "function": task.function, "points": task.points, "epochs": task.epochs, "learning_rate": task.learning_rate,
        "spread": float(np.var(task.of(x))),
        "between": _error(end, between, task.of),
        "before": _error(start, x, task.of),
        "after": _error(end, x, task.of),
        "losses": reply.value.get("losses"),
        "count": reply.value.get("count"),
    }  # fmt: skip


def _points(task: Task) -> tuple[Array, Array]:
    """Return the training points, and the points half-way between them."""
    x = np.linspace(task.low, task.high, task.points)
    return x, (x[1:] + x[:-1]) / 2


def _column(values: Array) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, None]


Layers = list[dict[str, NDArray[np.float32]]]


def _weights(seed: int) -> Layers:
    """Draw initial weights as torch does: uniform within 1 / sqrt(number of inputs)."""
    draw = np.random.default_rng(seed)
    layers: Layers = []
    for inputs, units in pairwise(UNITS):
        most = inputs**-0.5
        weight = draw.uniform(-most, most, (units, inputs)).astype(np.float32)
        layers.append({"weight": weight, "bias": draw.uniform(-most, most, units).astype(np.float32)})
    return layers


def _flat(layers: Layers) -> NDArray[np.float32]:
    return np.concatenate([value.ravel() for pair in layers for value in pair.values()])


def _unflatten(values: NDArray[Any], seed: int) -> Layers:
    layers, start = _weights(seed), 0
    for pair in layers:
        for name, value in pair.items():
            pair[name] = values[start : start + value.size].reshape(value.shape)
            start += value.size
    return layers


def _error(layers: Layers, x: Array, function: Callable[[Array], Array]) -> float | None:
    """Return the mean squared error of the network at `x`; None if it is not finite."""
    hidden: Array = x[:, None]
    with np.errstate(all="ignore"):
        for index, pair in enumerate(layers):
            hidden = (np.tanh(hidden) if index else hidden) @ pair["weight"].astype(float).T + pair["bias"]
        return _finite(float(np.mean((hidden[:, 0] - function(x)) ** 2)))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


LOOK = Look(FunctionFit, look, calls_code=True)
