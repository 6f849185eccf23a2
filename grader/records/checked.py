"""Results of readiness checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.records.messages import Message

State = Literal["good", "worse", "bad"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of a readiness check: "worse" is usable with limits, or could not be determined; "bad" must be fixed."""

    subject: Message
    state: State
    said: Message
    steps: tuple[Message, ...] = ()  # what to do next
