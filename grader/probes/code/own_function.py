"""exp1.py: calls `own_function` on all points, and on the last ones alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from grader.probes.code.importing import function
from grader.probes.code.running import finite, returned, told_apart
from grader.probes.refusals import phrase
from grader.probes.weights.arrays import tensors


def call_own_function(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Call `own_function` on the column `x`, then on its last `inputs["alone"]` points. Returns both as lists."""
    x = tensors(files, "data")["x"]
    own = function(inputs, "own_function")

    def values(points: torch.Tensor) -> list[float | None]:
        with told_apart("own_function(x)"):
            found = own(points.clone())
        if not isinstance(found, torch.Tensor) or found.shape != points.shape:
            raise returned(found, "own_function(x)", phrase("tensor_of_shape", shape=str(tuple(points.shape))))
        with told_apart("own_function(x)"):
            return [finite(value) for value in found.detach().cpu().double().flatten().tolist()]

    return {"values": values(x), "alone": values(x[-int(inputs["alone"]) :])}, {}
