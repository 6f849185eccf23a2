"""One network is one, however it is spelled."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from grader.measures.same_network import one_a_network, same_name


@dataclass(frozen=True)
class Run:
    model: str
    weights: str = ""


V1 = Run("resnet50", "IMAGENET1K_V1")


@pytest.mark.parametrize(
    "other",
    [
        Run("ResNet50", "imagenet1k_v1"), Run("resnet-50", "ResNet50_Weights.IMAGENET1K_V1"), Run("resnet50"),
        Run("resnet50-IMAGENET1K_V1"), Run("ResNet50_Weights.IMAGENET1K_V1"), Run("resnet50", "pretrained"),
        Run("\uff32\uff45\uff53\uff2e\uff45\uff5450", "ImageNet"),
    ],
    ids=str,
)  # fmt: skip
def test_spellings_of_one_network(other):
    assert same_name(V1, other)
    assert same_name(other, V1)


@pytest.mark.parametrize(
    "other",
    [Run("resnet50", "IMAGENET1K_V2"), Run("resnet101"), Run("wide_resnet50_2"), Run(""), Run("resnet50", "random")],
    ids=str,
)
def test_other_networks_are_others(other):
    assert not same_name(V1, other)


def test_two_without_names_are_two():
    assert not same_name(Run(""), Run(""))


def test_the_best_of_each_network_is_kept_by_name_and_by_digest():
    runs = [Run("resnet20", "final.pth"), Run("resnet56", "final.pth"), Run("mlp", "random"), Run("MLP", "random")]
    assert one_a_network(runs, ["x", "x", "y", ""], [1, 0, 3, 2]) == [1, 3]
    assert one_a_network([Run(""), Run("")], ["", ""], [0, 1]) == [0, 1]


def test_two_networks_whose_values_differ_are_two_whatever_they_are_called():
    runs = [Run("resnet50"), Run("resnet50", "IMAGENET1K_V2")]
    assert one_a_network(runs, ["x", "y"], [0, 1]) == [0, 1]
    assert one_a_network(runs, ["x", ""], [0, 1]) == [0]
