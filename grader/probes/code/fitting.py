"""Compares the weights of a file with the network that a class builds, and loads them into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from grader.probes.code.running import told_apart
from grader.probes.documents.text import storable
from grader.probes.refusals import Phrase, phrase
from grader.probes.weights.opening import read_checkpoint
from grader.probes.weights.state_dict import (
    COUNTER,
    find_state_dict,
    is_no_layer,
    take,
    with_prefix,
    without_common_prefix,
)

MOST_NAMED = 3  # weights in one line

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Weights:
    """The content of the file, and the class that it names; "" if it names none."""

    file: str
    tensors: Mapping[str, Tensor]
    of_class: str


@dataclass(frozen=True, slots=True)
class Match:
    """The mapping from the file's keys to the network's, or why there is none: `problem` is None if they match."""

    source: Mapping[str, str]
    problem: Phrase | None
    likeness: float  # share of the keys that agree


def read_weights(inputs: Value, files: Mapping[str, int]) -> Weights:
    """Read `files["checkpoint"]` without running any of its code. Raises Refuse."""
    name = str(inputs["weights"])
    found, _ = read_checkpoint(files["checkpoint"], name)
    loaded = find_state_dict(found, name)
    return Weights(name, loaded.tensors, loaded.module.name.rpartition(".")[2] if loaded.module else "")


def matching(net: nn.Module, weights: Weights) -> Match:
    """Match the names and shapes of the file with those of the network: nothing left over, nothing missing."""
    with told_apart(phrase("state_dict_of", name=storable(type(net).__name__))):
        state = nn.Module.state_dict(net)
        shapes = {key: _shape(value) for key, value in state.items()}
    nearest = Match({}, phrase("no_weights"), 0.0)
    for tensors, prefix in ((weights.tensors, ""), without_common_prefix(weights.tensors)):
        missing = [key for key in shapes if key not in tensors and not key.endswith(COUNTER)]
        unexpected = [key for key in tensors if key not in shapes and not is_no_layer(key, tensors[key])]
        shared = [key for key in shapes if key in tensors]
        other = [key for key in shared if shapes[key] not in (None, tuple(tensors[key].shape))]
        if shared and not missing and not unexpected and not other:
            return Match({key: with_prefix(key, prefix, weights.tensors) for key in shared}, None, 1.0)
        likeness = (len(shared) - len(other)) / max(1, len(shared) + len(missing) + len(unexpected))
        if likeness >= nearest.likeness:
            nearest = Match({}, _difference(missing, unexpected, other), likeness)
    return nearest


def _shape(value: Tensor) -> tuple[int, ...] | None:
    return None if is_lazy(value) else tuple(value.shape)  # of nn.LazyLinear


def _difference(missing: list[str], unexpected: list[str], other: list[str]) -> Phrase:
    kinds = (("keys_missing", missing), ("keys_instead", unexpected), ("keys_shape", other))
    parts = [
        phrase(code, count=len(keys), names=storable(", ".join(keys[:MOST_NAMED]))) for code, keys in kinds if keys
    ]
    return phrase("other_weights", what=reduce(lambda first, second: phrase("and", first=first, second=second), parts))


def fill(net: nn.Module, source: Mapping[str, str], weights: Weights) -> None:
    """Load the weights by torch's own rules, under the names of the network. Raises Refuse."""
    with told_apart(phrase("loading_into", name=storable(type(net).__name__))):
        state = nn.Module.state_dict(net)
    shapes = {key: _shape(state[key]) or tuple(weights.tensors[theirs].shape) for key, theirs in source.items()}
    taken = take({key: weights.tensors[theirs] for key, theirs in source.items()}, shapes, weights.file)
    with told_apart(phrase("loading_into", name=storable(type(net).__name__))):
        nn.Module.load_state_dict(net, {**state, **taken})
