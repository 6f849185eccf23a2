"""Describes the machine from inside the sandbox, as probes see it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

PICTURES, SIDE = 4, 224


def describe_machine(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Report torch's version and the CUDA devices that it can use."""
    del inputs, files
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {"torch": torch.__version__, "cuda": names}, {}


def time_ordinary_network(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the seconds that a ResNet50 takes for one picture of 224 pixels: the slower of two small batches."""
    del files
    import torch
    from torchvision import models as zoo

    torch.set_num_threads(int(inputs["threads"]))
    device = str(inputs["device"])
    net = zoo.get_model("resnet50", weights=None).eval().to(device).to(memory_format=torch.channels_last)
    pictures = torch.zeros(PICTURES, 3, SIDE, SIDE, device=device).contiguous(memory_format=torch.channels_last)
    taken = []
    with torch.inference_mode():
        net(pictures)  # the first pass also prepares
        for _ in range(2):
            started = time.perf_counter()
            net(pictures).cpu()
            taken.append(time.perf_counter() - started)
    return {"seconds": max(taken) / PICTURES}, {}
