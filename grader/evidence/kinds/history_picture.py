"""The curves of the training history, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.evidence.fields import Count, Name
from grader.evidence.registry import record


@record
@dataclass(frozen=True, slots=True)
class HistoryPicture:
    """Width and height of history.png in pixels, as its header states them; 0 for a file that is not a PNG."""

    source: Name
    width: Count
    height: Count
    kind: Literal["history_picture"] = "history_picture"
