"""Download one file over HTTPS: bounded in size and time, and never accepted when truncated."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from grader.dataset.edition import Unusable
from grader.dataset.interface import Progress
from grader.records import Message, message

if TYPE_CHECKING:
    from http.client import HTTPResponse

CHUNK_BYTES = 1 << 18
SILENCE_SECONDS = 20.0  # without a single byte before giving up
DEADLINE_SECONDS = 1800.0  # for the whole file: 100 KB a second is enough


@dataclass(frozen=True, slots=True)
class Download:
    """A file at an address. `said` is the progress text, `most` its greatest size in bytes."""

    url: str
    said: Message
    most: int
    silence: float = SILENCE_SECONDS
    deadline: float = DEADLINE_SECONDS

    def to(self, path: Path, progress: Progress) -> None:
        """Fetch the file; the reader verifies its content. Raises Unusable."""
        from http.client import HTTPException
        from urllib.request import urlopen

        try:
            with urlopen(self.url, timeout=self.silence) as response, path.open("wb") as file:  # noqa: S310 - our own url
                length = response.headers.get("Content-Length", "")
                self._copy(response, file, int(length) if length.isdigit() else None, progress)
        except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
            raise Unusable(message("could not be reached, or the connection broke off ({reason})",
                                   reason=str(error) or type(error).__name__)) from error  # fmt: skip

    def _copy(self, response: HTTPResponse, file: IO[bytes], total: int | None, progress: Progress) -> None:
        done, began = 0, time.monotonic()
        while chunk := response.read1(CHUNK_BYTES):  # returns what has arrived; read() would wait for the whole chunk
            done += len(chunk)
            if done > self.most:
                raise Unusable(
                    message("it sends more than {limit} bytes, so it is not the expected file", limit=self.most)
                )
            file.write(chunk)
            progress(self.said, done, total)
            if done != total and time.monotonic() - began > self.deadline:
                raise Unusable(message("too slow: {done} bytes in {seconds} s", done=done, seconds=int(self.deadline)))
        # A lost connection ends the loop like a complete download; only the byte count tells them apart.
        if total is not None and done != total:
            raise Unusable(message("connection lost after {done} of {total} bytes; try again", done=done, total=total))
