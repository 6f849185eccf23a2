"""What a source of an image set offers, and how it tells how far it has come."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from grader.dataset.layouts import Copy
from grader.records import Message


class Progress(Protocol):
    """Told now and then what is being done; the command line draws it. `total` is None where it is not known."""

    def __call__(self, description: Message, done: int, total: int | None) -> None:
        """`done` and `total` in bytes."""


class Source(Protocol):
    """A way to get a copy over the network."""

    @property
    def name(self) -> str:
        """What an error calls it."""

    def download(self, folder: Path, progress: Progress) -> Copy:
        """Leave a copy in `folder`, an empty one; Unusable, with the reason, where that cannot be done."""
