"""Turns images as they are stored into what a network is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over images, uint8 (N, C, H, H), and how they become inputs. Grey ones take the first mean and std."""

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


def network_inputs(run: Run, index: NDArray[np.intp] | slice, device: str) -> Tensor:
    """Return normalised inputs, float32 (n, C, side, side), channels last."""
    pixels = np.array(run.images[index])  # a copy: torch warns about memory that it may not write
    x = torch.from_numpy(pixels).to(device)
    if run.reverse:
        x = x.flip(1)
    if run.resize and run.resize != x.shape[-1]:
        # on uint8 with antialias this follows PIL, which torchvision's Resize uses, to within one grey level
        x = torch.nn.functional.interpolate(x, size=(run.resize, run.resize), mode="bilinear", antialias=True)
    edge = round((x.shape[-1] - run.side) / 2)  # as torchvision's CenterCrop rounds it
    x = x[:, :, edge : edge + run.side, edge : edge + run.side]
    channels = x.shape[1]
    mean = torch.tensor(run.mean[:channels], device=device).view(1, channels, 1, 1)
    std = torch.tensor(run.std[:channels], device=device).view(1, channels, 1, 1)
    return x.float().div_(run.scale).sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
