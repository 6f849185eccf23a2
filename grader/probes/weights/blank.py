"""Builds networks without values: only shapes, on torch's meta device, in milliseconds and without memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

Net = TypeVar("Net", bound=nn.Module)


class _NoInitialValues(TorchFunctionMode):
    """Skips random initialisation: on the meta device it takes seconds, because it imports torch's compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in ("normal_", "uniform_", "trunc_normal_"):
            return args[0] if args else kwargs["tensor"]
        if func in (torch.arange, torch.tensor):
            kwargs["device"] = (
                "cpu"  # RegNet computes its widths from one, and numbers cannot be read off a meta tensor
            )
        return func(*args, **kwargs)


def blank(build: Callable[[], Net]) -> Net:
    """Call `build` without creating values."""
    with torch.device("meta"), _NoInitialValues():
        return build()
