"""Fetch the official archive over HTTPS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.dataset.http import DEADLINE_SECONDS, SILENCE_SECONDS, Download
from grader.dataset.interface import Progress
from grader.dataset.layouts import BINARY, Copy
from grader.records import message

DOWNLOAD_BYTES = 200 << 20  # the archive has 170 MB


@dataclass(frozen=True, slots=True)
class OfficialArchive:
    """The archive in the binary layout, from its authors' page."""

    url: str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    silence: float = SILENCE_SECONDS
    deadline: float = DEADLINE_SECONDS

    @property
    def name(self) -> str:
        """Return its address."""
        return self.url

    def download(self, folder: Path, progress: Progress) -> Copy:
        """Fetch the archive; the reader verifies its content."""
        path = folder / BINARY.archives[0]
        said = message("Fetching CIFAR-10 from its authors' page")
        Download(self.url, said, DOWNLOAD_BYTES, self.silence, self.deadline).to(path, progress)
        return Copy(path, BINARY)
