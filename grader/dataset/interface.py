"""Define the interface of a source of an image set, and how it reports progress."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from grader.dataset.layouts import Copy
from grader.records import Message


class Progress(Protocol):
    """Called now and then with the current step, which the command line shows. `total` is None if unknown."""

    def __call__(self, description: Message, done: int, total: int | None) -> None:
        """`done` and `total` in bytes."""


class Source(Protocol):
    """A way to get a copy over the network."""

    @property
    def name(self) -> str:
        """Return the source's name for an error."""

    def download(self, folder: Path, progress: Progress) -> Copy:
        """Put a copy into `folder`, which is empty. Raises Unusable, with the reason, if that fails."""
