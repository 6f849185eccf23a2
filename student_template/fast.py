"""The fast path of training: the data set in memory, augmentation in tensors, bfloat16 where the processor has it.

Nothing here changes what is learnt: the loop in `exp2.py` is the same with and without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import CIFAR10

MEAN = (0.4914, 0.4822, 0.4465)  # of the training images, a channel; the grader normalises with the same
STD = (0.2470, 0.2435, 0.2616)
PADDING = 4  # He et al. 2016, section 4.2: 4 pixels on each side, then a random 32x32 crop
WORKERS = 2  # processes that read for the plain loader

Pixels = npt.NDArray[np.uint8]
Padding = Literal["constant", "reflect"]
Flips = Literal["random", "alternating"]
Augment = tuple[Padding, Flips]


class Split(NamedTuple):
    """One half of CIFAR-10: images, uint8 (N, 32, 32, 3), and labels, int64 (N,)."""

    images: Pixels
    labels: npt.NDArray[np.int64]


def load_cifar10(folder: Path) -> tuple[Split, Split]:
    """The training and the test split under `folder`, fetched by torchvision where they are not there yet.

    A folder that holds `train_images.npy`, `train_labels.npy`, `test_images.npy` and `test_labels.npy` (images
    channels first, uint8 (N, 3, 32, 32)) is read as well. Raises OSError or RuntimeError where neither can be had.
    """
    if (folder / "train_images.npy").is_file():
        return _read_arrays(folder, "train"), _read_arrays(folder, "test")
    halves = (CIFAR10(str(folder), train=train, download=True) for train in (True, False))
    train, test = (Split(np.asarray(half.data), np.asarray(half.targets, dtype=np.int64)) for half in halves)
    return train, test


def _read_arrays(folder: Path, split: str) -> Split:
    images = np.load(folder / f"{split}_images.npy").transpose(0, 2, 3, 1)
    return Split(np.ascontiguousarray(images), np.load(folder / f"{split}_labels.npy").astype(np.int64))


class PlainImages(Dataset[tuple[Tensor, int]]):
    """A split as torchvision's own data sets give it: one transformed picture at a time."""

    def __init__(self, split: Split, transform: transforms.Compose) -> None:
        self.split, self.transform = split, transform

    def __len__(self) -> int:
        return len(self.split.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture: Tensor = self.transform(Image.fromarray(self.split.images[index]))
        return picture, int(self.split.labels[index])


def plain_loader(
    split: Split, batch_size: int, augment: Augment | None = None, seed: int | None = None
) -> DataLoader[tuple[Tensor, int]]:
    """The loop that everyone knows: torchvision's transforms and a DataLoader. Flips are random in each epoch."""
    crop = [transforms.RandomCrop(32, padding=PADDING, padding_mode=augment[0])] if augment else []
    flip = [transforms.RandomHorizontalFlip()] if augment else []
    transform = transforms.Compose([*crop, *flip, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    images = PlainImages(split, transform)
    return DataLoader(images, batch_size, shuffle=seed is not None, num_workers=WORKERS)


class TensorLoader:
    """What a DataLoader gives, from memory: batches of images (B, 3, 32, 32), normalised, and labels (B,).

    With a seed the images come shuffled, and cropped and flipped where `augment` asks for it; without one, in order.
    Random flips are drawn anew for every image; alternating ones are drawn once and then change from epoch to epoch,
    so that two epochs show each image both ways round (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds", section 3.6).
    `epoch` says which epoch the next pass is.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        device: torch.device,
        augment: Augment | None = None,
        seed: int | None = None,
    ) -> None:
        self.batch_size, self.device, self.augment = batch_size, device, augment
        self.shuffle = seed is not None
        self.epoch = 0
        images = split.images
        if augment:  # once, before training: a batch is then a single gather from (N, 40, 40, 3)
            images = np.pad(images, ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)), mode=augment[0])
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.from_numpy(split.labels).to(device)
        self.mean = torch.tensor(MEAN, device=device) * 255
        self.std = torch.tensor(STD, device=device) * 255
        coins = torch.Generator().manual_seed(seed or 0)
        self.first_flip = torch.randint(2, (len(self.labels),), generator=coins).to(device)

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.labels)
        order = (torch.randperm(count) if self.shuffle else torch.arange(count)).to(self.device)
        for start in range(0, count, self.batch_size):
            chosen = order[start : start + self.batch_size]
            images = self._augmented(chosen) if self.augment else self.images[chosen]
            images = (images.float() - self.mean) / self.std
            yield images.permute(0, 3, 1, 2), self.labels[chosen]  # a view: channels-last in memory

    def _augmented(self, chosen: Tensor) -> Tensor:
        assert self.augment is not None
        count = len(chosen)
        top, left = torch.randint(2 * PADDING + 1, (2, count)).to(self.device)
        if self.augment[1] == "alternating":
            flip = (self.first_flip[chosen] + self.epoch) % 2 == 1
        else:
            flip = torch.randint(2, (count,)).to(self.device) == 1
        return crop_and_flip(self.images, chosen, top, left, flip)


def crop_and_flip(padded: Tensor, chosen: Tensor, top: Tensor, left: Tensor, flip: Tensor) -> Tensor:
    """The 32x32 crops of the chosen images that begin at row `top` and column `left`, mirrored where `flip` is true.

    `padded` is (N, 40, 40, 3); `chosen`, `top`, `left` and `flip` are (B,); the result is (B, 32, 32, 3).
    """
    side = torch.arange(padded.shape[1] - 2 * PADDING, device=padded.device)
    rows = top[:, None] + side  # (B, 32)
    columns = left[:, None] + torch.where(flip[:, None], side.flip(0), side)
    return padded[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]


class Accelerated(nn.Module):
    """The same network, run channels-last, in bfloat16 and compiled, where each of them pays; logits are float32."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last)
        self.device = device
        self.in_bfloat16 = has_bfloat16(device)
        if device.type == "cuda" and find_spec("triton"):
            # not on a CPU: there ResNet20 takes 60 s to compile and then saves 3 % of a step (2 cores, AVX512-BF16)
            torch._dynamo.config.suppress_errors = True  # what does not compile runs as it is
            self.model.compile()

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            logits: Tensor = self.model(images)
        return logits.float()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself; elsewhere it is emulated, and slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, bool])()  # torch 2.10 and later
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
