"""Computes logits of a network on images, as a plain float32 evaluation does, but faster.

Every image is evaluated in the fastest way for this processor first (ways.py), by forks of this process. That can only
change a prediction if the two largest logits are about as close as its own error, so all such images are re-evaluated
in plain float32. The error is not assumed but measured on the network itself, from every image that is evaluated
twice; a network for which the fast way is poor is therefore evaluated entirely in plain float32.
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
from grader.probes.spread import fitting, pieces, spread
from grader.probes.weights.inputs import Run, network_inputs
from grader.probes.weights.ways import Way, batch_size, fast_way

GPU_BATCH = 2_000
SAMPLE, CHUNK = 500, 250  # images looked at twice whatever their margin, spread over the whole set; and at once
FOLDED_SAMPLE, FOLDED_CHUNK = 250, 50  # the same in float32, where all errors are alike
POOR = 0.005  # of the images whose class the fast way changed: then not even a count to a percent is left to it
SAFETY = 3.0  # second look wherever the margin is within three times the largest error seen so far


@dataclass(frozen=True, slots=True)
class Result:
    """Logits, float32 (N, 10), and how they were computed."""

    logits: NDArray[np.float32]
    side: int  # of the images as the network saw them, pixels
    precision: str | Phrase
    batch_size: int
    second_looks: int
    seconds: float
    changed: int = 0  # images whose class the fast way got otherwise than plain float32


@dataclass(frozen=True, slots=True)
class Pass:
    """A network on images: in the plain way, and in how many processes."""

    net: nn.Module
    run: Run
    batch: int
    processes: int

    def logits(self, way: Way, index: NDArray[np.intp]) -> Tensor:
        """Return the logits of these images. Batches are cut alike for any number of processes."""
        if not len(index):
            return torch.empty(0, 0)
        batches = [index[start : start + self.batch] for start in range(0, len(index), self.batch)]
        shares = pieces(batches)

        def one_share(number: int) -> tuple[NDArray[np.float32]]:
            found = [way.forward(network_inputs(self.run, part, "cpu")) for part in shares[number]]
            return (torch.cat(found).numpy(),)

        processes = fitting(self.processes, self.batch * self.run.side**2)
        return torch.cat([torch.from_numpy(part) for (part,) in spread(one_share, len(shares), processes)])


def evaluate(net: nn.Module, run: Run, device: str, processes: int = 1) -> Result:
    """Evaluate in eval mode, without gradients, with TF32 off. The network is moved to the device and stays there.

    On a processor torch must not have used several threads before.
    """
    return evaluate_all(net, [run], device, processes)[0]


def evaluate_all(net: nn.Module, runs: Sequence[Run], device: str, processes: int = 1) -> list[Result]:
    """Evaluate each run. A rough one trusts the fast way, unless that is poor on it or on the runs before it."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    net = net.eval().to(device).to(memory_format=torch.channels_last)
    results: list[Result] = []
    ways: dict[int, Way] = {}
    with torch.inference_mode():
        for run in runs:
            poor = any(one.changed > POOR * len(one.logits) for one in results)
            given = replace(run, rough=run.rough and not poor)
            started = time.perf_counter()
            if device == "cpu":
                found = _on_processor(Pass(net, given, batch_size(net, run.side), processes), ways)
            else:
                found = _on_gpu(net, given, device)
            results.append(replace(found, seconds=time.perf_counter() - started))
    return results


def _on_processor(one: Pass, ways: dict[int, Way]) -> Result:
    """Evaluate in a fast way; few images in the plain way at once, since each of them would get a second look."""
    run = one.run
    few = len(run.images) <= FOLDED_SAMPLE
    way = Way(one.net, exact=True) if few else _way(one, ways)
    low = one.logits(way, np.arange(len(run.images)))
    logits, looks = (low, 0) if way.exact or _suffices(one, way, low) else _twice(one, way, low)
    changed = int((low.argmax(dim=1) != logits.argmax(dim=1)).sum())
    precision: str | Phrase = phrase("bfloat16_first") if way.low else "float32"
    return Result(logits.numpy(), run.side, precision, one.batch, looks, 0.0, changed)


def _way(one: Pass, ways: dict[int, Way]) -> Way:
    """Return the way for images of this side. Those for other sides are given up: each may hold a copy."""
    side = one.run.side
    if side not in ways:
        ways.clear()
        ways[side] = fast_way(one.net, network_inputs(one.run, slice(0, one.batch), "cpu"))
    return ways[side]


def _suffices(one: Pass, way: Way, low: Tensor) -> bool:
    """Return whether the run is rough and the fast way good enough for that; bfloat16 is tested on its own images."""
    if not one.run.rough or not way.low:
        return one.run.rough
    at = np.unique(np.linspace(0, len(low) - 1, min(FOLDED_SAMPLE, len(low))).astype(np.intp))
    high = one.logits(Way(one.net, exact=True), at)
    return int((low[at].argmax(dim=1) != high.argmax(dim=1)).sum()) <= POOR * len(at)


# --- on a GPU --------------------------------------------------------------------------------------------------


def _on_gpu(net: nn.Module, run: Run, device: str) -> Result:
    logits, batch = _all_that_fits(net, run, max(1, GPU_BATCH * 32 * 32 // run.side**2), device)
    return Result(logits.numpy(), run.side, "float32", batch, 0, 0.0)


def _forward(net: nn.Module, x: Tensor) -> Tensor:
    out: Any = net(x)
    logits: Tensor = out.float().cpu()
    return logits


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


# --- the second look ---------------------------------------------------------------------------------------------


def _twice(one: Pass, way: Way, low: Tensor) -> tuple[Tensor, int]:
    """Evaluate in plain float32 each image whose prediction the measured error of a fast way could change."""
    count = len(low)
    sample, chunk = (SAMPLE, CHUNK) if way.low else (FOLDED_SAMPLE, FOLDED_CHUNK)
    margins = _margins(low).numpy()
    order = np.argsort(margins, kind="stable")
    looked = np.zeros(count, dtype=bool)
    logits = low.clone()
    error = 0.0
    pending = np.union1d(order[:chunk], np.linspace(0, count - 1, min(sample, count)).astype(np.intp))
    while len(pending):
        high = one.logits(Way(one.net, exact=True), pending)
        error = max(error, _largest_error(low[pending], high))
        logits[pending] = high
        looked[pending] = True
        doubtful = order[~looked[order] & (margins[order] <= SAFETY * error)]
        pending = doubtful[:CHUNK]
    return logits, int(looked.sum())


def _margins(logits: Tensor) -> Tensor:
    """Return the distance of the two largest logits, (N,); zero for rows that are not finite, to re-evaluate them."""
    best = logits.topk(2, dim=1).values
    return (best[:, 0] - best[:, 1]).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _largest_error(low: Tensor, high: Tensor) -> float:
    """Return how far the fast way moved any logit relative to the one it ranks first; infinite if it is not finite."""
    if not len(low):
        return 0.0
    best = low.argmax(dim=1, keepdim=True)
    moved = (low - low.gather(1, best)) - (high - high.gather(1, best))
    return float(moved.abs().max().nan_to_num(nan=float("inf")))
