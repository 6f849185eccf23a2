"""Which network a state dict belongs to, and what a student reads where it is none that the grader knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grader.probes.refusals import Refuse, phrase
from grader.probes.weights.blank import blank
from grader.probes.weights.networks import Recognised, recognise
from grader.probes.weights.state_dict import find_state_dict
from reference import models

Weights = dict[str, Tensor]


def _shapes(build: Callable[[], nn.Module]) -> Weights:
    """A state dict without values: recognition must look at names and shapes only."""
    return dict(blank(build).state_dict())


def _recognised(weights: Weights) -> Recognised:
    return recognise(find_state_dict(weights, "final.pth"), "final.pth")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet20", "resnet32", "resnet44", "resnet56", "resnet110"])
@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("prefix", ["", "model."])
def test_every_resnet_is_told_apart_by_depth_and_shortcut(name: str, shortcut: str, prefix: str) -> None:
    weights = _shapes(lambda: getattr(models, name)(shortcut))

    known = _recognised({prefix + key: value for key, value in weights.items()})

    assert known.name == f"{name}, shortcut {shortcut}"
    assert set(known.source.values()) == {prefix + key for key in weights}
    assert bool(known.renamed) == bool(prefix)


@pytest.mark.parametrize("name", ["small_alexnet", "mlp", "cnn", "resnet9"])
def test_the_labs_other_networks_are_recognised(name: str) -> None:
    assert _recognised(_shapes(models.NETWORKS[name])).name == name


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("fc", "linear"), ("downsample", "shortcut"), ("shortcut", "shortcut"), ("linear", "linear")],
)
def test_usual_spellings_are_understood_and_told(theirs: str, ours: str) -> None:
    weights = {key.replace(ours, theirs): value for key, value in _shapes(lambda: models.resnet20("B")).items()}

    known = _recognised(weights)

    assert known.name == "resnet20, shortcut B"
    assert all(known.source[key] == key.replace(ours, theirs) for key in known.source)
    assert bool(known.renamed) == (theirs != ours)


@pytest.mark.parametrize(
    "name",
    ["alexnet", "vgg11_bn", "shufflenet_v2_x1_0", "vit_b_32", "swin_t", "regnet_y_400mf"],
)
@pytest.mark.slow
def test_torchvisions_classifiers_are_recognised(name: str) -> None:
    from torchvision import models as zoo

    net = blank(lambda: zoo.get_model(name, weights=None, num_classes=10))

    assert _recognised(dict(net.state_dict())).name == f"torchvision {name}"


# --- refusals --------------------------------------------------------------------------------------------------


def _refusal(weights: Weights) -> Refuse:
    with pytest.raises(Refuse) as caught:
        _recognised(weights)
    return caught.value


def test_a_missing_layer_names_the_nearest_network_and_each_missing_key() -> None:
    weights = {key: value for key, value in _shapes(models.resnet20).items() if not key.startswith("layer2.1.bn2.")}

    refused = _refusal(weights)

    assert refused.code == "network"
    assert refused.values["nearest"] == "resnet20, shortcut A"
    assert (refused.values["missing"], refused.values["unexpected"], refused.values["shapes"]) == (4, 0, 0)
    assert "layer2.1.bn2.weight: missing, (32,) expected" in refused.details


@pytest.mark.parametrize(
    "key",
    ["layer1.3.conv1.weight", "layer2.0.se.fc1.weight", "layer4.0.bn1.bias", "conv2.weight", "layer1.0.alpha",
     "fc.bias2", "linear2.weight"],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.slow
def test_a_layer_more_makes_it_another_network(key: str, prefix: str) -> None:
    weights = {**_shapes(models.resnet20), key: torch.zeros(1)}

    refused = _refusal({prefix + name: value for name, value in weights.items()})

    assert refused.code == "more_weights"
    assert (refused.values["nearest"], refused.values["count"]) == ("resnet20, shortcut A", 1)
    assert refused.details == [f"{key}: (1,), not expected"]


def test_a_layer_more_in_a_sequential_makes_it_another_network_too() -> None:
    assert (
        _refusal({**_shapes(models.NETWORKS["small_alexnet"]), "99.weight": torch.zeros(10, 10)}).code == "more_weights"
    )


@pytest.mark.parametrize("key", ["aux.w", "projector.0.weight", "attention.weight", "teacher.conv1.weight", "scale"])
@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.slow
def test_a_part_that_may_be_unused_is_left_aside_and_told(key: str, prefix: str) -> None:
    weights = {**_shapes(models.resnet20), key: torch.zeros(3)}

    known = _recognised({prefix + name: value for name, value in weights.items()})

    assert known.name == "resnet20, shortcut A"
    assert known.extra == known.spare == (prefix + key,)
    assert set(known.source.values()) == {prefix + name for name in weights} - {prefix + key}


@pytest.mark.parametrize("key", ["total_ops", "layer1.0.total_params", "criterion.weight", "epoch", "best_acc"])
def test_what_is_no_layer_is_left_aside_without_a_doubt(key: str) -> None:
    known = _recognised({**_shapes(models.resnet20), key: torch.zeros(1)})

    assert (known.extra, known.spare) == ((key,), ())


def test_a_head_more_does_not_make_the_smaller_of_two_networks_fit() -> None:
    assert _recognised({**_shapes(models.resnet32), "aux.w": torch.zeros(3)}).name == "resnet32, shortcut A"


def test_another_shape_is_named_with_both_shapes() -> None:
    refused = _refusal({**_shapes(models.resnet20), "conv1.weight": torch.zeros(16, 1, 3, 3)})

    assert refused.details == ["conv1.weight: (16, 1, 3, 3), (16, 3, 3, 3) expected"]


def test_a_hundred_outputs_are_answered_with_the_ten_of_cifar10() -> None:
    refused = _refusal(_shapes(lambda: models.ResNet(3, classes=100)))

    assert refused.code == "classes"
    assert (refused.values["classes"], refused.values["name"]) == (100, "linear.weight")


def test_a_stranger_costs_a_sentence_of_bounded_length() -> None:
    refused = _refusal({f"{'x' * 5000}{index}.weight": torch.zeros(2) for index in range(500)})

    assert refused.code == "network"
    assert len(refused.details) <= 200
    assert all(len(line) <= 300 for line in refused.details)


def test_thirty_thousand_keys_are_refused_before_they_are_compared() -> None:
    with pytest.raises(Refuse) as caught:
        find_state_dict({f"key{index}": torch.zeros(1) for index in range(30_000)}, "final.pth")

    assert caught.value.values["found"] == phrase("list_of_tensors", count=30_000)


def test_images_too_small_for_the_network_are_told_as_such(forge: Any, lively_net: Any) -> None:
    data = forge.save(lively_net(models.small_alexnet()).state_dict())
    with pytest.raises(Refuse) as caught:
        forge.probe(data, side=16)
    assert caught.value.code == "forward"
    assert caught.value.values["side"] == 16
