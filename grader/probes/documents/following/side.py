"""The side of the lab's images, in pixels: each job says it, and a process answers one job."""

from __future__ import annotations

from contextvars import ContextVar

_SIDE: ContextVar[int] = ContextVar("side", default=32)


def use_side(side: int) -> None:
    """Follow images of this side from now on."""
    _SIDE.set(side)


def lab_side() -> int:
    """Return the side."""
    return _SIDE.get()
