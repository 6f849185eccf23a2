"""Shared parts of records about student code: failed calls, and returned figures with the correct ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from grader.evidence.fields import Name
from grader.records import Message, strict


@strict
@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that returned nothing to judge although others did; `call` names it, for example "normalise"."""

    call: Name
    message: Message


@strict
@dataclass(frozen=True, slots=True)
class Figure:
    """A returned number (None: not finite), the correct one, and the values of the usual mistakes by name.

    `within` is the last digit of a number that was only printed.
    """

    seen: float | None
    right: float
    mistakes: Annotated[tuple[tuple[Name, float], ...], Field(max_length=20)] = ()
    within: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
