"""Finds what a function reads from its module, and what each name stands for: the network, a loader, a device.

The form that old courses hand out, test(epoch), works on names of its module. The grader puts its own objects there,
under the names that the function uses. What a name stands for is told by the value that the script gave it, and only
where there is none by the name itself.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any, Literal

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

Role = Literal["model", "loader", "loaders", "images", "criterion", "optimizer", "device", "epoch", ""]

NAMES: dict[Role, frozenset[str]] = {
    "model": frozenset({"model", "net", "network", "resnet", "cnn", "classifier", "mymodel", "my_model", "my_net"}),
    "criterion": frozenset({"criterion", "loss_fn", "loss_func", "loss_function", "lossfunc", "cost", "crit"}),
    "optimizer": frozenset({"optimizer", "optim", "opt", "optimiser"}),
    "device": frozenset({"device", "dev"}),
    "epoch": frozenset({"epoch", "ep", "e", "epoch_num", "epoch_idx", "i_epoch", "num_epoch"}),
}
ENDS: dict[Role, tuple[str, ...]] = {
    "loader": ("loader", "dl", "test_iter", "testiter", "test_data"),
    "loaders": ("loaders",),
    "images": ("set", "dataset"),
}
CUDA = ("cuda", "gpu")
MOST_REACHED = 200


@dataclass(frozen=True, slots=True)
class Read:
    """A name that a function reads from its module, and what it stands for."""

    name: str
    role: Role


def reads(function: FunctionType, module: ModuleType) -> list[Read]:
    """Return the names that a function reads, and those of the module's own functions that it calls."""
    return [Read(name, role_of(name, vars(module))) for name in _names(function, module)]


def takes(function: Callable[..., Any]) -> list[Read]:
    """Return the arguments that a function needs, and what their names say of them."""
    needed = (one for one in inspect.signature(function).parameters.values() if one.default is one.empty)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [Read(one.name, _by_name(one.name)) for one in needed if one.kind in kinds]


def written(function: FunctionType, module: ModuleType) -> set[str]:
    """Return the names that a function sets in its module."""
    codes = (code for one in _reached(function, module) for code in _codes(one.__code__))
    return {step.argval for code in codes for step in dis.get_instructions(code) if step.opname == "STORE_GLOBAL"}


def role_of(name: str, names: Mapping[str, Any]) -> Role:
    """Return what a name of a module stands for; "" for anything else."""
    if name not in names:
        return _by_name(name)
    value = names[name]
    if isinstance(value, nn.Module):  # a loss is one too, and stays the script's own
        return "model" if any(True for _ in value.parameters()) and _by_name(name) != "criterion" else ""
    for kind, role in _KINDS:
        if isinstance(value, kind):
            return role
    if isinstance(value, dict) and any(isinstance(one, DataLoader) for one in value.values()):
        return "loaders"
    return "device" if isinstance(value, str) and value.startswith(CUDA) else ""


_KINDS: tuple[tuple[type, Role], ...] = (
    (DataLoader, "loader"), (torch.optim.Optimizer, "optimizer"), (torch.device, "device"), (Dataset, "images"),
)  # fmt: skip


def _by_name(name: str) -> Role:
    low = name.casefold()
    for role, names in NAMES.items():
        if low in names:
            return role
    for role, ends in ENDS.items():
        if low.endswith(ends):
            return role
    return ""


def _names(function: FunctionType, module: ModuleType) -> list[str]:
    found: dict[str, None] = {}
    for one in _reached(function, module):
        for code in _codes(one.__code__):
            found.update({step.argval: None for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"})
    return list(found)


def _reached(function: FunctionType, module: ModuleType) -> list[FunctionType]:
    """Return the function, and the functions of its module that it calls in turn."""
    found = [function]
    for one in found:
        for code in _codes(one.__code__):
            others = (vars(module).get(name) for name in code.co_names)
            own = [other for other in others if isinstance(other, FunctionType) and other not in found]
            found += [other for other in own if other.__module__ == module.__name__][: MOST_REACHED - len(found)]
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
