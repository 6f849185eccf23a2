"""Compares the weights that were handed in with files that students are given to start from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from grader.probes.refusals import Refuse
from grader.probes.weights.opening import read_checkpoint
from grader.probes.weights.state_dict import STATISTICS, find_state_dict, without_common_prefix

Value = dict[str, Any]


def compare_with_given(inputs: Value, files: Mapping[str, int]) -> tuple[Value, dict[str, bytes]]:
    """Compare `files["checkpoint"]` with each of `inputs["given"]`, a list of keys of `files`. Raises Refuse.

    Returns under "compared" the key, whether all weights are the same, and the relative distance of the parameters; a
    file that is no checkpoint or holds another network is left out.
    """
    found = _weights(files["checkpoint"], str(inputs["file"]))
    compared = []
    for key in inputs["given"]:
        try:
            given = _weights(files[key], key)
        except Refuse:
            continue
        if given and {name: value.shape for name, value in found.items()} == {k: v.shape for k, v in given.items()}:
            distance = _distance(found, given)
            if math.isfinite(distance):
                compared.append((key, _same(found, given), distance))
    return {"compared": compared}, {}


def _weights(descriptor: int, name: str) -> dict[str, Tensor]:
    """Return the real numbers of a checkpoint by their names: no counters."""
    found, _ = read_checkpoint(descriptor, name)
    tensors, _ = without_common_prefix(find_state_dict(found, name).tensors)
    return {key: value.detach() for key, value in tensors.items() if _is_real(value)}


def _is_real(value: Tensor) -> bool:
    return value.layout == torch.strided and value.is_floating_point() and value.device.type == "cpu"


def _same(found: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> bool:
    """Whether all values are equal in the coarser of their types: weights may be saved in half precision."""
    for key, value in found.items():
        coarser = min(value.dtype, given[key].dtype, key=lambda kind: -torch.finfo(kind).eps)
        if not torch.equal(value.to(coarser), given[key].to(coarser)):
            return False
    return True


def _distance(found: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> float:
    """Return the Euclidean distance of all parameters, relative to the norm of the given ones."""
    keys = [key for key in found if key.rpartition(".")[2] not in STATISTICS]
    apart = sum(float((found[key].double() - given[key].double()).square().sum()) for key in keys)
    norm = sum(float(given[key].double().square().sum()) for key in keys)
    return math.sqrt(apart / norm) if norm > 0 else math.inf
