"""Follows the learning rates that a script trains with, where it has no function for them.

The script is run as its student ran it, with one small batch an epoch: what its optimizer has at each step is the rate
of that epoch, however it was set: by a scheduler, by a function that is called for every epoch, or by a new optimizer.
"""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.data import DataLoader

from grader.probes.code.course import on_this_processor
from grader.probes.code.definitions import workers
from grader.probes.code.importing import own_file, run_statements
from grader.probes.code.running import finite, within
from grader.probes.code.script import Script, read_script
from grader.probes.code.stand_ins import DrawnWeights
from grader.probes.documents.text import storable
from grader.probes.refusals import Refuse

IMAGES = 2  # in a batch: BatchNorm needs more than one
BEYOND = 2.0  # times as many steps as epochs: a scheduler for more may be meant for batches
A_PART = 0.7  # of the time of a call


class _Enough(BaseException):
    """Raised where as many epochs were seen as are asked for."""


@dataclass(slots=True)
class _Followed:
    """The rates of each training, by its network, in order; and what stopped the script, if anything did."""

    most: int
    rates: dict[int, list[float]] = field(default_factory=dict)
    networks: list[Any] = field(default_factory=list)  # kept, so that no two have the same identity
    schedulers: list[Any] = field(default_factory=list)
    problem: str = ""

    def note(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        group = optimizer.param_groups[0]
        first = group["params"][0]
        if id(first) not in self.rates:
            self.networks.append(first)
        rates = self.rates.setdefault(id(first), [])
        rates.append(float(group["lr"]))
        if len(rates) >= self.most:
            raise _Enough

    @property
    def steps(self) -> int:
        """Steps of all optimizers until now."""
        return sum(map(len, self.rates.values()))

    @property
    def unsure(self) -> bool:
        """Whether a scheduler follows the training itself, or was made for many more steps than there are epochs.

        With one batch an epoch it cannot be told whether it is stepped for each batch.
        """
        most = BEYOND * len(self.longest)
        return any(isinstance(one, ReduceLROnPlateau) or _horizon(one) > most for one in self.schedulers)

    @property
    def longest(self) -> list[float]:
        return max(self.rates.values(), key=len, default=[])


def followed_rates(inputs: dict[str, Any]) -> tuple[list[float | None], bool]:
    """Return the rate of each epoch that the script trains for, and whether that may not be what it would really be.

    The list is empty if it does not train. Raises Refuse if it cannot be followed.
    """
    script = read_script(inputs["file"])
    if not _steps(script):
        return [], False
    seen = _Followed(int(inputs["epochs"]))
    module = ModuleType("__main__")
    vars(module).update(__file__=inputs["file"], __name__="__main__")
    hook = register_optimizer_step_pre_hook(seen.note)
    try:
        with _one_batch_an_epoch(seen), on_this_processor():
            _run(script, module, seen, time.monotonic() + A_PART * float(inputs["seconds"]))
    finally:
        hook.remove()
    if seen.problem:
        file = storable(script.file)
        raise Refuse("code_not_followed", file=file, function="learning_rate", problem=seen.problem)
    return [finite(rate) for rate in seen.longest], seen.unsure


def _steps(script: Script) -> bool:
    """Whether an optimizer can make a step at all: in the script, or in a file that it imports."""
    imported = [own_file(module) for module in list(sys.modules.values())]
    scripts = [script, *(read_script(file) for file in imported if file)]
    nodes = (node for one in scripts for statement in one.statements for node in ast.walk(statement))
    return any(isinstance(node, ast.Attribute) and node.attr == "step" for node in nodes)


def _run(script: Script, module: ModuleType, seen: _Followed, until: float) -> None:
    """Run every statement. One that fails is passed over, like a file that only the student has, unless it trains."""
    working = workers(script)
    for piece in script.pieces:
        for statement in piece.tree.body:
            before = seen.steps
            try:
                with within(max(0.05, until - time.monotonic())):
                    run_statements(piece, [statement], module)
            except _Enough:
                return
            except BaseException as error:  # of their own making too
                if working.trains(statement) or seen.steps > before:
                    seen.problem = storable(f"{type(error).__name__}: {error}")[:200]
                    return


def _horizon(scheduler: Any) -> float:
    """Return the steps that a scheduler was made for, as far as it says so."""
    told = [getattr(scheduler, name, 0) for name in ("total_steps", "T_max", "step_size")]
    milestones = list(getattr(scheduler, "milestones", None) or [])
    return max(map(float, [*told, *sorted(milestones)[:1]]))


@contextmanager
def _one_batch_an_epoch(seen: _Followed) -> Iterator[None]:
    """Let every loader give one small batch, without the work of a backward pass, and see the schedulers made."""
    before: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, instead: Any) -> None:
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, instead)

    def first_batch(self: Any) -> Iterator[Any]:
        count = min(IMAGES, len(self.dataset))
        yield self.collate_fn([self.dataset[index] for index in range(count)])

    def noting(made: Any) -> Any:
        def init(self: Any, *args: Any, **named: Any) -> None:
            seen.schedulers.append(self)
            made(self, *args, **named)

        return init

    put(DataLoader, "__iter__", first_batch)
    put(DataLoader, "__len__", lambda self: 1)
    put(torch, "load", lambda *args, **named: DrawnWeights())
    put(torch.Tensor, "backward", lambda *args, **named: None)
    for kind in (LRScheduler, ReduceLROnPlateau):
        put(kind, "__init__", noting(kind.__init__))
    try:
        yield
    finally:
        for owner, name, found in reversed(before):
            setattr(owner, name, found)
