"""Takes a digest of the values of weights, whatever they are called and however the file holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

FEWEST = 1_000  # values: two networks that are smaller may be equal by chance, or because they learned nothing


def digest_of_values(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of all real values as float32; "" where it would tell nothing.

    It does not depend on names, on their order, or on counters. That is so of fewer than FEWEST values, of NaN and
    infinity, and of tensors that each hold a single value, such as zeros.
    """
    real = [value.detach().to("cpu", torch.float32).contiguous() for value in tensors.values() if _is_real(value)]
    if sum(value.numel() for value in real) < FEWEST or not all(bool(value.isfinite().all()) for value in real):
        return ""
    if all(bool((value == value.flatten()[0]).all()) for value in real):
        return ""
    digests = sorted(hashlib.sha256(f"{tuple(value.shape)}".encode() + _bytes(value)).digest() for value in real)
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _is_real(value: Tensor) -> bool:
    return value.is_floating_point() and value.layout is torch.strided and value.numel() > 0


def _bytes(value: Tensor) -> bytes:
    return value.numpy().tobytes()
