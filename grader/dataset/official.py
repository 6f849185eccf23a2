"""The official archive, by plain HTTPS."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from grader.dataset.edition import Unusable
from grader.dataset.interface import Progress
from grader.dataset.layouts import BINARY, Copy
from grader.records import message

if TYPE_CHECKING:
    from http.client import HTTPResponse

DOWNLOAD_BYTES = 200 << 20  # the archive has 170 MB
CHUNK_BYTES = 1 << 18
SILENCE_SECONDS = 20.0  # without a single byte, then the next source is tried
DEADLINE_SECONDS = 1800.0  # for all of it: 100 KB a second are enough


@dataclass(frozen=True, slots=True)
class OfficialArchive:
    """The archive in the binary layout from its authors' page."""

    url: str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    silence: float = SILENCE_SECONDS
    deadline: float = DEADLINE_SECONDS

    @property
    def name(self) -> str:
        """Its address."""
        return self.url

    def download(self, folder: Path, progress: Progress) -> Copy:
        """Fetch the archive; its content is verified by whoever reads the copy."""
        from http.client import HTTPException
        from urllib.request import urlopen

        path = folder / BINARY.archives[0]
        try:
            with urlopen(self.url, timeout=self.silence) as response, path.open("wb") as file:  # noqa: S310 - our own url
                length = response.headers.get("Content-Length", "")
                self._copy(response, file, int(length) if length.isdigit() else None, progress)
        except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
            raise Unusable(message("not reached or broken off ({reason})",
                                   reason=str(error) or type(error).__name__)) from error  # fmt: skip
        return Copy(path, BINARY)

    def _copy(self, response: HTTPResponse, file: IO[bytes], total: int | None, progress: Progress) -> None:
        done, began = 0, time.monotonic()
        while chunk := response.read1(CHUNK_BYTES):  # what is there: read() would wait for all of it, byte by byte
            done += len(chunk)
            if done > DOWNLOAD_BYTES:
                text = "it sends more than {limit} bytes, so it is not the archive"
                raise Unusable(message(text, limit=DOWNLOAD_BYTES))
            file.write(chunk)
            progress(message("Fetching CIFAR-10 from its authors' page"), done, total)
            if done != total and time.monotonic() - began > self.deadline:
                text = "too slow: {done} bytes in {seconds} s"
                raise Unusable(message(text, done=done, seconds=int(self.deadline)))
        # A connection that is cut ends the loop like a complete one: http.client tells by the count alone.
        if total is not None and done != total:
            raise Unusable(message("broken off after {done} of {total} bytes; try again", done=done, total=total))
