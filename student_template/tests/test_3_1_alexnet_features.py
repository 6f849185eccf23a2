"""Task 3.1, extract_features.py: alexnet_features() gives what AlexNet knows of an image before it names a class.

PYTEST_DONT_REWRITE: what a test says when it fails is said in full.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import alexnet

CLASSES = 7  # not ImageNet's 1000: the features of an image do not depend on the classes that come after
IMAGES = 2
DIMENSIONS = 256 * 6 * 6

LIKELY = {  # shapes of what is often taken for the features
    (IMAGES, 256, 6, 6): "They are still maps: flatten all but the first dimension, x.flatten(1).",
    (IMAGES * DIMENSIONS,): "The images run into each other: flatten all but the first dimension, x.flatten(1).",
    (1, IMAGES * DIMENSIONS): "The images run into each other: keep the first dimension, x.flatten(1).",
    (IMAGES, CLASSES): "These are logits, the result of the classifier: the features are what goes into it.",
    (IMAGES, 4096): "A part of the classifier has worked on them already: the features are what goes into it.",
    (IMAGES, 256): "The 6 x 6 places were averaged away: flatten the maps, x.flatten(1).",
}


@pytest.fixture(scope="module")
def drawn() -> nn.Module:
    torch.manual_seed(31)
    network: nn.Module = alexnet(weights=None, num_classes=CLASSES)  # random weights: nothing to download
    return network.eval()


@pytest.fixture
def model(drawn: nn.Module) -> nn.Module:
    return copy.deepcopy(drawn)  # quicker than to draw 57 million weights for each test


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randn(IMAGES, 3, 224, 224, generator=torch.Generator().manual_seed(31))


def into_the_classifier(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """What goes into model.classifier, and the logits that come out."""
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
    """One row an image: 256 maps of 6 x 6 places, one after the other."""
    shape = tuple(features_of(lab, model, images).shape)
    assert shape == (IMAGES, DIMENSIONS), (
        f"For {IMAGES} images alexnet_features() gave the shape {shape}; it should be {(IMAGES, DIMENSIONS)}."
        f" {LIKELY.get(shape, 'Print the model and follow model.features, then model.avgpool.')}"
    )


def test_the_features_are_what_goes_into_the_classifier(lab: Any, model: nn.Module, images: Tensor) -> None:
    """The same numbers that the network itself hands to its last part, in the same order."""
    right, _ = into_the_classifier(model, images)
    seen = features_of(lab, model, images).flatten()
    assert seen.numel() == right.numel() and torch.allclose(seen, right.flatten(), rtol=1e-4, atol=1e-6), (
        "alexnet_features() gave other numbers than those that go into model.classifier: run model.features and then"
        " model.avgpool on x, flatten the result, and neither leave out, add nor turn round anything."
    )


def test_the_network_is_left_as_it_was(lab: Any, model: nn.Module, images: Tensor) -> None:
    """The next caller may want the classes: no part of the network is taken out or replaced."""
    _, before = into_the_classifier(model, images)
    parts = [name for name, _ in model.named_modules()]
    features_of(lab, model, images)
    assert [name for name, _ in model.named_modules()] == parts and torch.equal(model(images), before), (
        "After alexnet_features() the network gives other logits than before. Call its parts; do not replace them."
    )
