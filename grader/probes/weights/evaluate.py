"""Computes logits of a network on images, as a plain float32 evaluation does, but faster.

Where the processor multiplies bfloat16 natively, every image is evaluated in bfloat16 first. bfloat16 can only change a
prediction if the two largest logits are about as close as its own error, so all such images are re-evaluated in
float32. That error is not assumed but measured on the network itself, from every image that is evaluated twice;
a network for which bfloat16 is poor is therefore evaluated entirely in float32.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grader.probes.refusals import Phrase, phrase

PIXELS_IN_A_BATCH = 250 * 32 * 32  # 250 CIFAR images: fastest of 64, 125, 250, 500, 1000 on two cores
GPU_BATCH = 2_000
SAMPLE = 500  # images looked at twice whatever their margin, spread over the whole set
CHUNK = 250
POOR = 0.005  # of the images whose class bfloat16 changed: then not even a count to a percent is left to it
SAFETY = 3.0  # second look wherever the margin is within three times the largest error seen so far


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over images, uint8 (N, 3, 32, 32), and how they become inputs."""

    images: NDArray[np.uint8]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: int  # side in pixels, 0 for as they are
    crop: int = 0  # side of the centre that is kept, pixels; 0 for all
    scale: float = 255.0  # pixels are divided by it: 1.0 for a network trained on 0 to 255
    reverse: bool = False  # blue first, as cv2 reads files
    rough: bool = False  # counts good to a percent are enough: no second look

    @property
    def side(self) -> int:
        """Side of the images as the network sees them, pixels."""
        resized = self.resize or self.images.shape[-1]
        return min(self.crop, resized) or resized


@dataclass(frozen=True, slots=True)
class Result:
    """Logits, float32 (N, 10), and how they were computed."""

    logits: NDArray[np.float32]
    side: int  # of the images as the network saw them, pixels
    precision: str | Phrase
    batch_size: int
    second_looks: int
    seconds: float
    changed: int = 0  # images whose class bfloat16 got otherwise than float32


def evaluate(net: nn.Module, run: Run, device: str) -> Result:
    """Evaluate in eval mode, without gradients, with TF32 off. The network is moved to the device and stays there.

    A rough run trusts bfloat16 for every image.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    started = time.perf_counter()
    net = net.eval().to(device).to(memory_format=torch.channels_last)
    batch = _batch_size(run, device)
    with torch.inference_mode():
        if device == "cpu" and native_bfloat16():
            low = _in_bfloat16(net, run, batch)
            logits, looks = (low, 0) if run.rough else _twice(net, run, batch, low)
            changed = int((low.argmax(dim=1) != logits.argmax(dim=1)).sum())
            precision: str | Phrase = phrase("bfloat16_first")
        else:
            logits, batch = _all_that_fits(net, run, batch, device)
            looks, changed, precision = 0, 0, "float32"
    return Result(logits.numpy(), run.side, precision, batch, looks, time.perf_counter() - started, changed)


def evaluate_all(net: nn.Module, runs: Sequence[Run], device: str) -> list[Result]:
    """Evaluate each run. A rough one is exact after all where bfloat16 was poor on the runs before it."""
    results: list[Result] = []
    for run in runs:
        poor = any(one.changed > POOR * len(one.logits) for one in results)
        results.append(evaluate(net, replace(run, rough=run.rough and not poor), device))
    return results


def native_bfloat16() -> bool:
    """Return whether this processor has bfloat16 instructions (AVX512-BF16 or AMX); emulation would be slower."""
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(check() for check in checks if check is not None)


def _batch_size(run: Run, device: str) -> int:
    side = run.side
    if device != "cpu":
        return max(1, GPU_BATCH * 32 * 32 // side**2)
    return max(1, PIXELS_IN_A_BATCH // side**2)


def network_inputs(run: Run, index: NDArray[np.intp] | slice, device: str) -> Tensor:
    """Return normalised inputs, float32 (n, 3, side, side), channels last."""
    pixels = np.array(run.images[index])  # a copy: torch warns about memory that it may not write
    x = torch.from_numpy(pixels).to(device)
    if run.reverse:
        x = x.flip(1)
    if run.resize and run.resize != x.shape[-1]:
        # on uint8 with antialias this follows PIL, which torchvision's Resize uses, to within one grey level
        x = torch.nn.functional.interpolate(x, size=(run.resize, run.resize), mode="bilinear", antialias=True)
    edge = round((x.shape[-1] - run.side) / 2)  # as torchvision's CenterCrop rounds it
    x = x[:, :, edge : edge + run.side, edge : edge + run.side]
    mean = torch.tensor(run.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(run.std, device=device).view(1, 3, 1, 1)
    return x.float().div_(run.scale).sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def _forward(net: nn.Module, x: Tensor) -> Tensor:
    out: Any = net(x)
    logits: Tensor = out.float().cpu()
    return logits


def _float32(net: nn.Module, run: Run, index: NDArray[np.intp], batch: int) -> Tensor:
    parts = [index[start : start + batch] for start in range(0, len(index), batch)]
    return torch.cat([_forward(net, network_inputs(run, part, "cpu")) for part in parts])


def _all_that_fits(net: nn.Module, run: Run, batch: int, device: str) -> tuple[Tensor, int]:
    """Evaluate everything in float32. A batch that does not fit on the GPU is halved and retried."""
    count = len(run.images)
    parts: list[Tensor] = []
    done = 0
    while done < count:
        part = slice(done, min(done + batch, count))
        try:
            parts.append(_forward(net, network_inputs(run, part, device)))
        except torch.cuda.OutOfMemoryError:
            if batch == 1:
                raise
            batch //= 2
            torch.cuda.empty_cache()
            continue
        done = part.stop
    return torch.cat(parts), batch


def _twice(net: nn.Module, run: Run, batch: int, low: Tensor) -> tuple[Tensor, int]:
    """Evaluate in float32 each image whose prediction in bfloat16 the measured error could change."""
    count = len(run.images)
    margins = _margins(low)
    order = np.argsort(margins.numpy(), kind="stable")
    looked = np.zeros(count, dtype=bool)
    logits = low.clone()
    error = 0.0
    pending = np.union1d(order[:CHUNK], np.linspace(0, count - 1, min(SAMPLE, count)).astype(np.intp))
    while len(pending):
        high = _float32(net, run, pending, batch)
        error = max(error, _largest_error(low[pending], high))
        logits[pending] = high
        looked[pending] = True
        doubtful = order[~looked[order] & (margins.numpy()[order] <= SAFETY * error)]
        pending = doubtful[:CHUNK]
    return logits, int(looked.sum())


def _in_bfloat16(net: nn.Module, run: Run, batch: int) -> Tensor:
    parts = [slice(start, min(start + batch, len(run.images))) for start in range(0, len(run.images), batch)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return torch.cat([_forward(net, network_inputs(run, part, "cpu")) for part in parts])


def _margins(logits: Tensor) -> Tensor:
    """Return the distance of the two largest logits, (N,); zero for rows that are not finite, to re-evaluate them."""
    best = logits.topk(2, dim=1).values
    return (best[:, 0] - best[:, 1]).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _largest_error(low: Tensor, high: Tensor) -> float:
    """Return how far bfloat16 moved any logit relative to the one it ranks first; infinite if it is not finite."""
    if not len(low):
        return 0.0
    best = low.argmax(dim=1, keepdim=True)
    moved = (low - low.gather(1, best)) - (high - high.gather(1, best))
    return float(moved.abs().max().nan_to_num(nan=float("inf")))
