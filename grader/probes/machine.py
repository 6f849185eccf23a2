"""Describes the machine from inside the sandbox, as probes see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe_machine(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Report torch's version and the CUDA devices that it can use."""
    del inputs, files
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {"torch": torch.__version__, "cuda": names}, {}
