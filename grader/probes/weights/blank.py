"""Networks without values: shapes only, on torch's meta device, made in milliseconds and no memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

Net = TypeVar("Net", bound=nn.Module)


class _NoInitialValues(TorchFunctionMode):
    """Leaves random initialisation out: on the meta device it costs seconds, for it imports torch's compiler."""

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
    """Call `build` with values left out."""
    with torch.device("meta"), _NoInitialValues():
        return build()
