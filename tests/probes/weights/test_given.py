"""Weights beside the file that students are given: equal ones are found whatever their form, others have a distance."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import Tensor

from grader.probes.refusals import Refuse
from grader.probes.weights.given import compare_with_given

Weights = dict[str, Tensor]


def _compared(found: bytes, *given: bytes) -> list[tuple[str, bool, float]]:
    with ExitStack() as stack:
        descriptors = {}
        for name, data in [("checkpoint", found), *((f"given_{index}", data) for index, data in enumerate(given))]:
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(data)
            file.flush()
            descriptors[name] = os.dup(file.fileno())
        names = [name for name in descriptors if name != "checkpoint"]
        value, arrays = compare_with_given({"file": "final.pth", "given": names}, descriptors)
    assert arrays == {}
    compared: list[tuple[str, bool, float]] = value["compared"]
    return compared


def _real(change: Callable[[Tensor], Tensor], weights: Weights) -> Weights:
    return {key: change(value) if value.is_floating_point() else value for key, value in weights.items()}


SAME: dict[str, Callable[[Any, Weights], bytes]] = {
    "as it is": lambda forge, weights: forge.save(weights),
    "wrapped": lambda forge, weights: forge.save({"net": weights, "acc": 65.9, "epoch": 5}),
    "old form": lambda forge, weights: forge.save(weights, _use_new_zipfile_serialization=False),
    "DataParallel": lambda forge, weights: forge.save({f"module.{key}": value for key, value in weights.items()}),
    "part of another module": lambda forge, weights: forge.save({f"net.{k}": v for k, v in weights.items()}),
    "half": lambda forge, weights: forge.save(_real(Tensor.half, weights)),
    "double": lambda forge, weights: forge.save(_real(Tensor.double, weights)),
    "bfloat16": lambda forge, weights: forge.save(_real(Tensor.bfloat16, weights)),
    "without counters": lambda forge, weights: forge.save(
        {key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")}
    ),
}


@pytest.mark.parametrize("form", SAME)
def test_the_given_weights_are_recognised_in_every_form(form: str, forge: Any, resnet20_weights: Weights) -> None:
    ((key, same, distance),) = _compared(SAME[form](forge, resnet20_weights), forge.save({"net": resnet20_weights}))

    assert (key, same) == ("given_0", True)
    assert distance < 0.003


def test_one_weight_that_moved_makes_them_others(forge: Any, resnet20_weights: Weights) -> None:
    moved = {**resnet20_weights, "linear.bias": resnet20_weights["linear.bias"] * 1.001}

    ((_, same, distance),) = _compared(forge.save(moved), forge.save(resnet20_weights))

    assert not same
    assert 0 < distance < 1e-3


def test_the_distance_is_relative_to_the_given_weights_and_ignores_statistics(
    forge: Any, resnet20_weights: Weights
) -> None:
    moved = {
        key: value * (1.0 if "running" in key else 1.25) if value.is_floating_point() else value + 100
        for key, value in resnet20_weights.items()
    }
    statistics = {k: v + 5.0 if "running" in k else v for k, v in resnet20_weights.items()}

    ((_, same, distance),) = _compared(forge.save(moved), forge.save(resnet20_weights))
    assert (same, distance) == (False, pytest.approx(0.25))
    ((_, same, distance),) = _compared(forge.save(statistics), forge.save(resnet20_weights))
    assert (same, distance) == (False, 0.0)


def test_files_that_cannot_be_compared_are_left_out(forge: Any, resnet20_weights: Weights) -> None:
    plain = forge.save(resnet20_weights)
    other = forge.save({"fc.weight": torch.ones(10, 3072)})
    zero = forge.save(_real(torch.zeros_like, resnet20_weights))

    compared = _compared(plain, b"no checkpoint", other, forge.calling("os.system", "touch marker"), zero, plain)

    assert [(key, same) for key, same, _ in compared] == [("given_4", True)]


def test_weights_that_cannot_be_read_are_refused_as_always(forge: Any, resnet20_weights: Weights) -> None:
    with pytest.raises(Refuse) as caught:
        _compared(b"\x80", forge.save(resnet20_weights))
    assert caught.value.code == "plain_pickle"
