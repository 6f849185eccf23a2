"""Weights are the same by their values, whatever they are called and however they are held."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from grader.probes.weights.values import FEWEST, digest_of_values


@pytest.fixture
def state() -> dict[str, Tensor]:
    torch.manual_seed(4)
    return nn.Sequential(nn.Conv2d(3, 32, 5), nn.BatchNorm2d(32), nn.Flatten(), nn.Linear(128, 10)).state_dict()


def test_names_order_precision_and_counters_make_no_difference(state: dict[str, Tensor]) -> None:
    other = {f"module.{name}": value.double() for name, value in reversed(state.items())}
    other["module.1.num_batches_tracked"] = torch.tensor(7)
    assert digest_of_values(state) == digest_of_values(other) != ""


def test_a_single_value_makes_a_difference(state: dict[str, Tensor]) -> None:
    other = {name: value.clone() for name, value in state.items()}
    other["0.weight"].flatten()[5] += 1e-6
    assert digest_of_values(other) != digest_of_values(state)


def test_the_same_values_in_another_shape_make_a_difference(state: dict[str, Tensor]) -> None:
    other = {name: value.flatten() if name == "0.weight" else value for name, value in state.items()}
    assert digest_of_values(other) != digest_of_values(state)


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"a": torch.rand(FEWEST - 1)},
        {"a": torch.zeros(5_000), "b": torch.ones(20)},
        {"a": torch.full((5_000,), float("nan"))},
        {"a": torch.cat([torch.rand(5_000), torch.tensor([float("inf")])])},
        {"a": torch.arange(5_000)},
    ],
    ids=["none", "few", "constant", "nan", "infinite", "whole-numbers"],
)
def test_where_it_would_tell_nothing_there_is_none(tensors: dict[str, Tensor]) -> None:
    assert digest_of_values(tensors) == ""
