"""The fast path of training: images in memory, augmented in tensors; bfloat16 where the processor has it.

`exp2.py --plain` trains without it. It prepares images by the same transforms as the loader that it is given; a loader
with a transform that it does not know is used as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, default_collate
from torchvision import transforms
from torchvision.datasets import CIFAR10

Loader = Iterable[tuple[Tensor, Tensor]]  # images, float32 (B, 3, 32, 32), normalised; labels, int64 (B,)


class AlternatingFlip(transforms.RandomHorizontalFlip):  # type: ignore[misc]
    """Flips each image in every other epoch, so that two epochs show it both ways round.

    From Jordan 2024, "94% on CIFAR-10 in 3.29 seconds", section 3.6. In a DataLoader, which does not know the epoch, it
    is a RandomHorizontalFlip.
    """


class UnknownError(Exception):
    """The loader does something that this file cannot imitate; the text names it."""


class Steps(NamedTuple):
    """What a transform does: the optional steps before and after ToTensor()."""

    crop: Any = None  # a RandomCrop
    flip: Any = None  # a RandomHorizontalFlip or an AlternatingFlip
    normalize: Any = None  # a Normalize

    @property
    def padding(self) -> int:
        """Pixels added on each side before the crop."""
        return int(self.crop.padding or 0) if self.crop else 0


def loader(plain: Loader, device: torch.device, seed: int = 0, epoch: int = 0) -> Loader:
    """A faster loader of the same batches; the given one, and a printed note, if it does something unknown.

    `seed` and `epoch`, the number of the first epoch, are for AlternatingFlip only.
    """
    try:
        return TensorLoader(plain, device, seed, epoch)
    except UnknownError as unknown:
        print(f"fast.py does not know {unknown}, so the DataLoader prepares the images; this is slower", flush=True)
        return plain


def read_steps(transform: Any, side: int) -> Steps:
    """The steps of [RandomCrop, RandomHorizontalFlip,] ToTensor[, Normalize] for images of that side.

    Raises UnknownError for other transforms, another order, and parameters that are not supported here.
    """
    steps = list(transform.transforms) if type(transform) is transforms.Compose else [transform]

    def take(*kinds: type) -> Any:
        return steps.pop(0) if steps and type(steps[0]) in kinds else None

    crop = take(transforms.RandomCrop)
    flip = take(transforms.RandomHorizontalFlip, AlternatingFlip)
    to_tensor = take(transforms.ToTensor)
    normalize = take(transforms.Normalize)
    if steps or not to_tensor:
        raise UnknownError(str(steps[0]) if steps else "a transform without ToTensor()")
    if crop and not (
        crop.size == (side, side)
        and isinstance(crop.padding, int | None)
        and crop.padding_mode in ("constant", "reflect")
        and crop.fill == 0
        and not crop.pad_if_needed
    ):
        raise UnknownError(str(crop))
    if flip and flip.p != 0.5:
        raise UnknownError(str(flip))
    return Steps(crop, flip, normalize)


def check(plain: Any) -> None:
    """Check that this is a plain DataLoader over CIFAR10, in order or shuffled. Raises UnknownError."""
    if type(plain) is not DataLoader or plain.drop_last or plain.collate_fn is not default_collate:
        raise UnknownError("this kind of loader")
    dataset: Any = plain.dataset
    if type(dataset).__getitem__ is not CIFAR10.__getitem__ or dataset.target_transform:
        raise UnknownError("this data set")
    sampler = plain.sampler
    shuffled = type(sampler) is RandomSampler and not sampler.replacement and sampler.num_samples == len(dataset)
    if plain.batch_size is None or plain.generator or not (shuffled or type(sampler) is SequentialSampler):
        raise UnknownError("this order of images")


class TensorLoader:
    """The batches of a DataLoader over CIFAR10: images (B, 3, 32, 32), normalised, and labels (B,).

    Raises UnknownError for a DataLoader that it cannot imitate.
    """

    def __init__(self, plain: Any, device: torch.device, seed: int = 0, epoch: int = 0) -> None:
        check(plain)
        images: np.ndarray[Any, Any] = plain.dataset.data  # uint8 (N, 32, 32, 3)
        self.steps = read_steps(plain.dataset.transform, images.shape[1])
        self.batch_size, self.device, self.epoch = plain.batch_size, device, epoch
        self.shuffle = isinstance(plain.sampler, RandomSampler)
        if padding := self.steps.padding:  # once, before training: a batch is then a single gather from (N, 40, 40, 3)
            edges = ((0, 0), (padding, padding), (padding, padding), (0, 0))
            images = np.pad(images, edges, mode=self.steps.crop.padding_mode)
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.tensor(plain.dataset.targets, device=device)
        normalize = self.steps.normalize or transforms.Normalize((0.0,), (1.0,))
        self.mean = torch.tensor(normalize.mean, device=device) * 255
        self.std = torch.tensor(normalize.std, device=device) * 255
        coins = torch.Generator().manual_seed(seed)
        self.first_flip = torch.randint(2, (len(self.labels),), generator=coins).to(device)

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / int(self.batch_size))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        count = len(self.labels)
        order = (torch.randperm(count) if self.shuffle else torch.arange(count)).to(self.device)
        for start in range(0, count, self.batch_size):
            chosen = order[start : start + self.batch_size]
            augment = self.steps.crop or self.steps.flip
            images = self._augmented(chosen, epoch) if augment else self.images[chosen]
            images = (images.float() - self.mean) / self.std
            yield images.permute(0, 3, 1, 2), self.labels[chosen]  # a view: channels-last in memory

    def _augmented(self, chosen: Tensor, epoch: int) -> Tensor:
        count = len(chosen)
        top, left = torch.randint(2 * self.steps.padding + 1, (2, count)).to(self.device)
        flip = torch.zeros(count, dtype=torch.bool, device=self.device)
        if isinstance(self.steps.flip, AlternatingFlip):
            flip = (self.first_flip[chosen] + epoch) % 2 == 1
        elif self.steps.flip:
            flip = torch.randint(2, (count,)).to(self.device) == 1
        side = self.images.shape[1] - 2 * self.steps.padding
        return crop_and_flip(self.images, chosen, (top, left, flip), side)


def crop_and_flip(padded: Tensor, chosen: Tensor, where: tuple[Tensor, Tensor, Tensor], side: int) -> Tensor:
    """The crops of the chosen images that begin at row `top` and column `left`, mirrored where `flip` is true.

    `padded` is (N, H, W, 3); `chosen` and `where`, which is `top`, `left` and `flip`, are (B,); the result is
    (B, side, side, 3).
    """
    top, left, flip = where
    offsets = torch.arange(side, device=padded.device)
    rows = top[:, None] + offsets  # (B, side)
    columns = left[:, None] + torch.where(flip[:, None], offsets.flip(0), offsets)
    return padded[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]


class Accelerated(nn.Module):
    """The same network, run channels-last, in bfloat16 and compiled where that is faster; logits are float32."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last)
        self.device = device
        self.in_bfloat16 = has_bfloat16(device)
        if device.type == "cuda" and find_spec("triton"):
            # not on a CPU: there ResNet20 takes 60 s to compile and then saves 3 % of a step (2 cores, AVX512-BF16)
            torch._dynamo.config.suppress_errors = True  # what cannot be compiled runs without
            self.model.compile()

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            logits: Tensor = self.model(images)
        return logits.float()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device can multiply in bfloat16; if not, it is emulated and slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, bool])()  # torch 2.10 and later
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
