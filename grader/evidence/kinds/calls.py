"""What records of student code have in common: calls that failed, and figures beside the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from grader.evidence.fields import Name
from grader.records import Message, strict


@strict
@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that gave nothing to judge, beside others that did; `call` says which: "normalise"."""

    call: Name
    message: Message


@strict
@dataclass(frozen=True, slots=True)
class Figure:
    """A returned number (None: not finite), the right one, and what the usual mistakes would give, by their names."""

    seen: float | None
    right: float
    mistakes: Annotated[tuple[tuple[Name, float], ...], Field(max_length=20)] = ()
