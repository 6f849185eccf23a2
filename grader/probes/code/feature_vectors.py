"""extract_features.py: extracts features of unseen networks, and scales rows to unit length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from grader.probes.code.drawn import COLUMNS, drawn_images, drawn_network
from grader.probes.code.importing import function
from grader.probes.code.running import little_endian, returned, told_apart
from grader.probes.refusals import phrase
from grader.probes.weights.arrays import tensors

MOST_DIMENSIONS = 8


def call_features(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Call `alexnet_features` or `resnet50_features`. Returns the shape, and the values if their number is right."""
    del files
    name = f"{inputs['network']}_features"
    extract = function(inputs, name)
    network, images = drawn_network(inputs), drawn_images(inputs)
    with torch.no_grad(), told_apart(f"{name}(model, x)"):
        found = extract(network, images)
    return _as_agreed(found, f"{name}(model, x)", (len(images), COLUMNS[inputs["network"]]))


def call_normalise(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Call `normalise` on a matrix."""
    rows = tensors(files, "data")["rows"]
    normalise = function(inputs, "normalise")
    with told_apart("normalise(features)"):
        found = normalise(rows.clone())
    return _as_agreed(found, "normalise(features)", tuple(rows.shape))


def _as_agreed(found: object, doing: str, shape: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, bytes]]:
    if not isinstance(found, torch.Tensor | np.ndarray):
        raise returned(found, doing, phrase("tensor_of_shape", shape=str(shape)))
    seen = [int(size) for size in found.shape][:MOST_DIMENSIONS]
    as_many = int(np.prod(seen)) == int(np.prod(shape))
    values = found if as_many else np.zeros(shape)
    return {"shape": seen}, {"values": little_endian(values)}
