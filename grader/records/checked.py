"""What is ready and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.records.messages import Message

State = Literal["good", "worse", "bad"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of an examination: "worse" is usable with less, or could not be told; "bad" has to be mended."""

    subject: Message
    state: State
    said: Message
    steps: tuple[Message, ...] = ()  # what to do next
