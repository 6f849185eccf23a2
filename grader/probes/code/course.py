"""Calls `test` in the form of old courses, test(epoch), which works on names of its module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from grader.probes.code.definitions import workers
from grader.probes.code.importing import run_definitions
from grader.probes.code.inert import Nothing
from grader.probes.code.roles import CUDA, Read, Role, reads, takes, written
from grader.probes.code.running import told_apart
from grader.probes.code.script import is_main_guard, read_script
from grader.probes.code.shown import Shown, in_names, in_printed, in_returned, printing
from grader.probes.refusals import Refuse

TEMPLATE_ARGUMENTS = 3  # test(model, loader, device)


@dataclass(frozen=True, slots=True)
class Given:
    """What the grader puts in the place of the script's own network and data."""

    model: nn.Module
    loader: DataLoader[Any]

    def of(self, role: Role) -> Any:
        """Return the object for a role."""
        match role:
            case "model":
                return self.model
            case "loader":
                return self.loader
            case "loaders":
                return _Always(self.loader)
            case "images":
                return self.loader.dataset
            case "criterion":
                return nn.CrossEntropyLoss()
            case "optimizer":
                return torch.optim.SGD(self.model.parameters(), lr=0.1)
            case "device":
                return torch.device("cpu")
            case "epoch":
                return 0
            case _:
                return Nothing()


class _Always(dict[Any, Any]):
    """A dict that answers every key: dataloaders["test"], whatever the key is called."""

    def __init__(self, value: Any) -> None:
        super().__init__(test=value)
        self._value = value

    def __missing__(self, key: Any) -> Any:
        return self._value


def is_course_form(test: object, module: ModuleType) -> bool:
    """Whether a function reads the network or the loader from its module, instead of taking them."""
    if not isinstance(test, FunctionType):
        return False
    needed, found = takes(test), {one.role for one in reads(test, module)}
    taken = {one.role for one in needed}
    misses = (found & {"model"}) - taken or (found & {"loader", "loaders"}) - taken
    return bool(misses) and not (len(needed) == TEMPLATE_ARGUMENTS and taken >= {"model", "loader"})


def call_course_form(test: FunctionType, module: ModuleType, file: str, given: Given) -> Shown:
    """Call the function on what is given, and read what it shows. Raises Refuse if that is no accuracy."""
    names, needed = vars(module), takes(test)
    doing = f"test({', '.join(one.name for one in needed)})"
    _define_what_a_run_does(file, module)
    names.update({one.name: given.of(one.role) for one in _missing(test, module)})
    before = {name: list(value) if isinstance(value, list) else value for name, value in names.items()}
    with printing() as printed, told_apart(doing), on_this_processor():
        value = test(*(given.of(one.role) for one in needed))
    shown = in_returned(value, _tree(file))
    if shown.accuracy is None:
        images = len(given.loader.dataset)  # type: ignore[arg-type]
        found = in_names(before, names, written(test, module))
        found = found if found.accuracy is not None else in_printed(printed.text, images)
        shown = Shown(found.accuracy, shown.loss, found.within)
    if shown.accuracy is None:
        raise Refuse("code_no_accuracy", doing=doing)
    return shown


def _missing(test: FunctionType, module: ModuleType) -> Iterator[Read]:
    """Yield the names that the grader fills: all of the network's and the data's, and others that are not there."""
    for one in reads(test, module):
        ours = one.role in ("model", "loader", "loaders", "images", "optimizer", "device")
        if ours or (one.role and one.name not in vars(module)):
            yield one


def _define_what_a_run_does(file: str, module: ModuleType) -> None:
    """Define what the script does below its main guard, without the work there: the function may need that."""
    script = read_script(file)
    working = workers(script)
    for piece in script.pieces:
        for statement in piece.tree.body:
            if isinstance(statement, ast.If) and is_main_guard(statement):
                run_definitions(piece, *working.reduced(statement.body), module)


def _tree(file: str) -> ast.FunctionDef | None:
    found = [node for node in read_script(file).statements if isinstance(node, ast.FunctionDef) and node.name == "test"]
    return found[-1] if found else None


@contextmanager
def on_this_processor() -> Iterator[None]:
    """Let code that asks for a GPU run on the processor, and let it save where there is no folder for that."""
    before: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, instead: Any) -> None:
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, instead)

    for owner in (torch.Tensor, nn.Module):
        put(owner, "cuda", lambda self, *args, **named: self)
        put(owner, "to", _to(owner.to))
    put(torch, "save", _saving(torch.save))
    try:
        yield
    finally:
        for owner, name, found in reversed(before):
            setattr(owner, name, found)


def _to(move: Any) -> Any:
    def to(self: Any, *args: Any, **named: Any) -> Any:
        args = tuple(torch.device("cpu") if _is_gpu(one) else one for one in args)
        return move(self, *args, **{name: "cpu" if _is_gpu(one) else one for name, one in named.items()})

    return to


def _is_gpu(value: object) -> bool:
    return isinstance(value, str | torch.device) and str(value).startswith(CUDA)


def _saving(save: Any) -> Any:
    def saved(*args: Any, **named: Any) -> None:
        try:
            save(*args, **named)
        except (OSError, RuntimeError):  # a folder that the student has, or a full disk
            return

    return saved
