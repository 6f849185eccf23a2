"""exp1.py: calls `fit` on a network with given weights, and returns the final weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from grader.probes.code.importing import function
from grader.probes.code.running import finite, little_endian, number, returned, told_apart
from grader.probes.refusals import phrase
from grader.probes.weights.arrays import tensors

MOST_LOSSES = 60  # come back, evenly spread over the epochs; the first and the last among them


def network(given: Mapping[str, torch.Tensor]) -> nn.Sequential:
    """Build linear layers with tanh in between, as the lab does, from `weight_0`, `bias_0`, `weight_1`, ..."""
    layers: list[nn.Module] = []
    for index in range(sum(name.startswith("weight_") for name in given)):
        weight, bias = given[f"weight_{index}"], given[f"bias_{index}"]
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight, linear.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
        layers += [nn.Tanh(), linear] if index else [linear]
    return nn.Sequential(*layers)


def call_fit(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Call `fit`. Returns the number of losses, some of them, and all final weights as an array."""
    given = tensors(files, "data")
    model = network(given)
    weights = list(model.parameters())
    epochs, rate = int(inputs["epochs"]), float(inputs["learning_rate"])
    doing = f"fit(model, x, y, {epochs}, {rate:g})"
    fit = function(inputs, "fit")
    torch.manual_seed(0)
    with told_apart(doing):
        losses = fit(model, given["x"].clone(), given["y"].clone(), epochs, rate)
    wanted = phrase("number_per_epoch")
    if not isinstance(losses, list | tuple | torch.Tensor) or len(losses) == 0:
        raise returned(losses, doing, wanted)
    chosen = sorted({round(index * (len(losses) - 1) / (MOST_LOSSES - 1)) for index in range(MOST_LOSSES)})
    shown = [[index, finite(number(losses[index], doing, wanted))] for index in chosen]
    flat = torch.cat([weight.detach().flatten() for weight in weights])
    return {"count": len(losses), "losses": shown}, {"weights": little_endian(flat)}
