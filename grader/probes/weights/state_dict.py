"""Finds a flat state dict in whatever a checkpoint contains: names and tensors, nothing else is touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.weights.unpickle import Inert

WRAPPERS = ("net", "state_dict", "model", "model_state_dict", "model_state", "weights", "params", "module", "network")
PREFIXES = ("module.", "_orig_mod.")  # DataParallel, torch.compile
MOST_LEVELS = 4
MOST_KEYS = 20_000
MOST_PERCENT = 100
COUNTER = "num_batches_tracked"  # older files lack it, and evaluation never reads it
STATISTICS = ("running_mean", "running_var", COUNTER)  # of BatchNorm: no parameters
IGNORED_PARTS = ("criterion", "loss", "loss_fn")  # a loss with weights of its own, saved along
# Single numbers that are no layer: profilers' counters, and what training scripts keep beside the weights.
NUMBERS = ("total_ops", "total_params", "epoch", "step", "acc", "accuracy", "best_acc", "loss")
MOST_MODULES = 20_000
MOST_DEPTH = 50
CONTAINER = "torch.nn.modules.container.Sequential"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A state dict, and how it was found."""

    tensors: Mapping[str, Tensor]
    form: str  # as in evidence.Checkpoint
    wrapper: str
    renamed: tuple[Phrase, ...]
    module: Inert | None  # the whole module, where one was saved


def find_state_dict(found: Any, file: str) -> Loaded:
    """Unwrap up to four levels until tensors appear. Raises Refuse."""
    path: list[str] = []
    for _ in range(MOST_LEVELS + 1):
        if isinstance(found, Inert) and _is_module(found):
            tensors = _module_tensors(found, file)
            return _named(tensors, "whole module", path, found, file)
        if not isinstance(found, Mapping):
            break
        # first what is wrapped: the accuracy beside it may be a tensor too
        inner = next((key for key in WRAPPERS if _may_hold_weights(found.get(key))), None)
        tensors = {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, Tensor)}
        if inner is None and tensors:
            return _named(tensors, "wrapped state dict" if path else "state dict", path, None, file)
        if inner is None:
            break
        path.append(inner)
        found = found[inner]
    raise Refuse("no_tensors", file=file, found=_describe(found))


def _may_hold_weights(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(held, Tensor) for held in value.values()) or any(key in value for key in WRAPPERS)
    return isinstance(value, Inert) and _is_module(value)


def _named(tensors: dict[str, Tensor], form: str, path: list[str], module: Inert | None, file: str) -> Loaded:
    if not tensors:
        raise Refuse("no_tensors", file=file, found=phrase("no_parameters"))
    if len(tensors) > MOST_KEYS:
        raise Refuse("no_tensors", file=file, found=phrase("list_of_tensors", count=len(tensors)))
    renamed = []
    built = module is not None and module.name == CONTAINER  # rebuilt under its own names
    for prefix in PREFIXES * 2:  # torch.compile of DataParallel, and the other way round
        if not built and all(key.startswith(prefix) for key in tensors):
            tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
            renamed.append(phrase("left_out", name=prefix))
    return Loaded(tensors, form, ".".join(path), tuple(renamed), module)


def _describe(found: Any) -> Phrase:
    if isinstance(found, Mapping):
        keys = ", ".join(key[:40] if isinstance(key, str) else type(key).__name__ for key in list(found)[:8])
        return phrase("dict_with_keys", keys=keys) if keys else phrase("empty_dict")
    if isinstance(found, Inert):
        return phrase("object_of", name=found.name[:100])
    return phrase("is_kind", kind=type(found).__name__)


def _is_module(found: Inert) -> bool:
    return isinstance(found.state, Mapping) and isinstance(found.state.get("_modules"), Mapping)


def children(module: Inert) -> Iterator[tuple[str, Inert]]:
    """Return the direct sub-modules of a whole module's stand-in, in order."""
    for name, child in module.state["_modules"].items():
        if isinstance(name, str) and isinstance(child, Inert) and _is_module(child):
            yield name, child


def _module_tensors(module: Inert, file: str) -> dict[str, Tensor]:
    """Yield the parameters and buffers of a whole module by full name; stops if a module contains itself."""
    tensors: dict[str, Tensor] = {}
    waiting = [("", module, 0)]
    for count in itertools.count(1):
        if not waiting:
            break
        prefix, module, depth = waiting.pop()
        if depth > MOST_DEPTH or count > MOST_MODULES:
            problem = phrase("modules_many", count=MOST_MODULES, depth=MOST_DEPTH)
            raise Refuse("no_tensors", file=file, found=problem)
        passing = module.state.get("_non_persistent_buffers_set")  # of no state dict
        passing = passing if isinstance(passing, set) else set()
        for kind in ("_parameters", "_buffers"):
            held = module.state.get(kind)
            for name, value in held.items() if isinstance(held, Mapping) else ():
                if isinstance(name, str) and isinstance(value, Tensor) and name not in passing:
                    tensors[prefix + name] = value
        waiting += reversed([(f"{prefix}{name}.", child, depth + 1) for name, child in children(module)])
    return tensors


def without_common_prefix(tensors: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], str]:
    """Remove the prefix that all layers share: that of a network stored as an attribute of another module.

    What is no layer, such as a loss beside the network in a LightningModule, need not have it.
    """
    first = {key.partition(".")[0] for key, value in tensors.items() if not is_no_layer(key, value)}
    if len(first) != 1 or all(key.count(".") < 2 for key in tensors):
        return tensors, ""
    prefix = f"{first.pop()}."
    return {key.removeprefix(prefix): value for key, value in tensors.items()}, prefix


def with_prefix(key: str, prefix: str, tensors: Mapping[str, Tensor]) -> str:
    """Return a key as the file has it, before `without_common_prefix` removed the prefix."""
    return prefix + key if prefix + key in tensors else key


def is_no_layer(key: str, value: Tensor) -> bool:
    """Return whether an extra tensor is a counter or part of the loss, and not a weight of any layer."""
    counts = value.numel() <= 1 and key.rpartition(".")[2] in NUMBERS
    return counts or key.partition(".")[0] in IGNORED_PARTS


def take(tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], file: str) -> dict[str, Tensor]:
    """Copy the expected tensors: layout, shape, dtype, then the values, which must be finite. Raises Refuse.

    Returns float32 tensors, integers where the checkpoint has integers, that share nothing with the checkpoint.
    """
    taken: dict[str, Tensor] = {}
    for key, shape in shapes.items():
        value = tensors[key]
        problem = _problem(value, shape)
        if problem:
            raise Refuse("tensor", file=file, name=key, problem=problem)
        copy = value.detach().clone(memory_format=torch.contiguous_format)
        if copy.is_floating_point():
            copy = copy.to(torch.float32)
            bad = int((~torch.isfinite(copy)).sum())
            if bad:
                raise Refuse("not_finite", file=file, name=key, count=bad)
        taken[key] = copy
    return taken


def _problem(value: Tensor, shape: tuple[int, ...]) -> Phrase | None:
    if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
        return phrase("not_dense")
    if tuple(value.shape) != shape:
        return phrase("of_shape", shape=str(tuple(value.shape)), wanted=str(shape))
    if value.dtype.is_complex or value.dtype == torch.bool:
        return phrase("of_type", kind=str(value.dtype))
    return None


def find_claim(found: Any) -> tuple[str, float] | None:
    """Return an accuracy that the checkpoint states next to its weights under a usual key, as written. Never raises."""
    if not isinstance(found, Mapping):
        return None
    for key in ("test_acc", "test_accuracy", "best_acc", "acc", "accuracy", "val_acc", "best_accuracy", "best_prec1"):
        value = found.get(key)
        if isinstance(value, Tensor) and value.numel() == 1 and value.layout == torch.strided:
            value = value.item()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST_PERCENT:
            return key, float(value)  # what is NaN or beyond any accuracy claims nothing
    return None
