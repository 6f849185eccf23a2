"""Task 3.1, extract_features.py: alexnet_features() returns the input of AlexNet's classifier.

So does resnet50_features(), which is given, for ResNet50.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import alexnet, resnet50

CLASSES = 7  # not ImageNet's 1000: features do not depend on the classes that come after them
IMAGES = 2
DIMENSIONS = 256 * 6 * 6

LIKELY = {  # shapes that are often mistaken for the features
    (IMAGES, 256, 6, 6): "These are still maps: flatten all but the first dimension, x.flatten(1).",
    (IMAGES * DIMENSIONS,): "All images were joined into one row: flatten all but the first dimension, x.flatten(1).",
    (1, IMAGES * DIMENSIONS): "All images were joined into one row: keep the first dimension, x.flatten(1).",
    (IMAGES, CLASSES): "These are logits, the output of the classifier: the features are its input.",
    (IMAGES, 4096): "Part of the classifier has been applied already: the features are its input.",
    (IMAGES, 256): "The 6 x 6 positions were averaged away: flatten the maps, x.flatten(1).",
}


@pytest.fixture(scope="module")
def drawn() -> nn.Module:
    torch.manual_seed(31)
    network: nn.Module = alexnet(weights=None, num_classes=CLASSES)  # random weights: nothing to download
    return network.eval()


@pytest.fixture
def model(drawn: nn.Module) -> nn.Module:
    return copy.deepcopy(drawn)  # quicker than drawing 57 million weights for each test


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randn(IMAGES, 3, 224, 224, generator=torch.Generator().manual_seed(31))


def into_the_classifier(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """The input of model.classifier, and the logits that it returns."""
    inputs: list[Tensor] = []
    hook = model.get_submodule("classifier").register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    with torch.no_grad():
        logits = model(images)
    hook.remove()
    return inputs[0].flatten(1), logits


def features_of(lab: Any, model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        features: Tensor = lab.extract_features.alexnet_features(model, images)
    return features


def test_an_image_has_9216_features(lab: Any, model: nn.Module, images: Tensor) -> None:
    """One row per image: 256 maps of 6 x 6 positions, one after the other."""
    shape = tuple(features_of(lab, model, images).shape)
    hint = LIKELY.get(shape, "Print the model: model.features comes first, then model.avgpool.")
    assert shape == (IMAGES, DIMENSIONS), (
        f"For {IMAGES} images alexnet_features() returned the shape {shape}; it should be {(IMAGES, DIMENSIONS)}."
        f" {hint}"
    )


def test_the_features_are_what_goes_into_the_classifier(lab: Any, model: nn.Module, images: Tensor) -> None:
    """They are the numbers that the network itself passes to its classifier, in the same order."""
    right, _ = into_the_classifier(model, images)
    seen = features_of(lab, model, images).flatten()
    assert seen.numel() == right.numel() and torch.allclose(seen, right.flatten(), rtol=1e-4, atol=1e-6), (
        "alexnet_features() did not return the input of model.classifier: apply model.features and then model.avgpool"
        " to x and flatten the result, without adding, omitting or reordering anything."
    )


def test_the_network_is_left_as_it_was(lab: Any, model: nn.Module, images: Tensor) -> None:
    """No part of the network is removed or replaced, because the next caller may want the classes."""
    _, before = into_the_classifier(model, images)
    parts = [name for name, _ in model.named_modules()]
    features_of(lab, model, images)
    assert [name for name, _ in model.named_modules()] == parts and torch.equal(model(images), before), (
        "After alexnet_features() the network returns different logits. Call its parts; do not replace them."
    )


def test_resnet50_features_is_still_right(lab: Any, images: Tensor) -> None:
    """It is given as an example, and is graded with your own function: a change by mistake would cost points."""
    torch.manual_seed(31)
    model = resnet50(weights=None, num_classes=CLASSES).eval()
    inputs: list[Tensor] = []
    model.get_submodule("fc").register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    with torch.no_grad():
        model(images)
        seen = lab.extract_features.resnet50_features(model, images)
    assert seen.shape == inputs[0].shape and torch.allclose(seen, inputs[0], rtol=1e-3, atol=1e-5), (
        "resnet50_features() no longer returns the input of model.fc. It was finished: put it back as it was handed"
        " out."
    )
