"""Chooses a fast way to run a network on this processor, beside the plain one that every prediction must agree with.

Convolutions take the BatchNorm behind them into their weights, which saves passes over memory. Where the processor
multiplies bfloat16 natively, the network runs in bfloat16, which halves the rest and more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.nn.modules.batchnorm import _BatchNorm

PIXELS_IN_A_BATCH = 50 * 32 * 32  # 50 CIFAR images: what lies between two layers of a ResNet20 stays in the cache
LEAST_BATCH = 4
HEAVY = 16_000_000  # weights in linear layers: reading them takes longer than a small batch does with them
PIXELS_OF_HEAVY = 20 * PIXELS_IN_A_BATCH
MOST_AT_ONCE = 250
MOST_COPIED = 400 << 20  # bytes of weights: a copy of more could go past the memory that a submission has
LOSES = 0.8  # bfloat16 is given up where float32 takes less of its time than this
TRIES = 3
# In a network of nothing else, bfloat16 wins on every processor that has it.
PLAIN = (
    nn.BatchNorm2d, nn.Linear, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
    nn.Identity, nn.Dropout, nn.Flatten, nn.Sequential,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run a network. `exact`: it is the plain float32 network itself."""

    net: nn.Module
    dtype: torch.dtype = torch.float32  # of its weights and inputs
    autocast: bool = False
    exact: bool = False

    @property
    def low(self) -> bool:
        """Return whether it computes in bfloat16."""
        return self.autocast or self.dtype == torch.bfloat16

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, float32 on the processor, of inputs in float32."""
        context: AbstractContextManager[object] = (
            torch.autocast("cpu", dtype=torch.bfloat16) if self.autocast else nullcontext()
        )
        with context:
            logits: Tensor = self.net(x.to(self.dtype)).float().cpu()
        return logits


def native_bfloat16() -> bool:
    """Return whether this processor has bfloat16 instructions (AVX512-BF16 or AMX); emulation would be slower."""
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(check() for check in checks if check is not None)


def batch_size(net: nn.Module, side: int) -> int:
    """Return how many images of this side are fastest at once, on one processor."""
    linear = sum(module.weight.numel() for module in net.modules() if isinstance(module, nn.Linear))
    pixels = PIXELS_OF_HEAVY if linear > HEAVY else PIXELS_IN_A_BATCH
    return min(MOST_AT_ONCE, max(LEAST_BATCH, pixels // side**2))


def fast_way(net: nn.Module, inputs: Tensor) -> Way:
    """Return the fastest way that can be expected for a network in eval mode, tried and warm; `inputs` are a batch."""
    low = native_bfloat16()
    found = _first_that_runs(_ways(net, low), inputs)
    if not found.low or _is_plain(net):
        return found
    other, few = _first_that_runs(_ways(net, low=False), inputs), inputs[:LEAST_BATCH]
    return other if _seconds(other, few) < LOSES * _seconds(found, few) else found


def _ways(net: nn.Module, low: bool) -> Iterator[Way]:
    """Yield ways in bfloat16 or in float32, the fastest first, and the plain one last."""
    dtype = torch.bfloat16 if low else torch.float32
    copied = folded(net, dtype) if low or any(isinstance(one, _BatchNorm) for one in net.modules()) else None
    if copied is not None:
        yield Way(copied, dtype)
    if low:
        yield Way(net, autocast=True)
    yield Way(net, exact=True)


def _first_that_runs(ways: Iterator[Way], inputs: Tensor) -> Way:
    for way in ways:
        try:
            way.forward(inputs)
        except Exception:  # a layer without bfloat16, say, or want of memory: the plain way raises it where it is due
            if not way.exact:
                continue
        return way
    raise AssertionError("the plain way is the last")


def folded(net: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module | None:
    """Return a copy with BatchNorm folded into convolutions; None if the network cannot be traced, or is large."""
    if sum(value.numel() * value.element_size() for value in net.state_dict().values()) > MOST_COPIED:
        return None
    try:
        return fuse(net).to(dtype).to(memory_format=torch.channels_last)
    except Exception:  # a network whose path depends on its input, as a MaxViT's
        return None


def _is_plain(net: nn.Module) -> bool:
    leaves = [module for module in net.modules() if not any(True for _ in module.children())]
    return all(isinstance(one, PLAIN) or (type(one) is nn.Conv2d and one.groups == 1) for one in leaves)


def _seconds(way: Way, inputs: Tensor) -> float:
    taken = []
    for _ in range(TRIES):
        started = time.perf_counter()
        way.forward(inputs)
        taken.append(time.perf_counter() - started)
    return min(taken)
