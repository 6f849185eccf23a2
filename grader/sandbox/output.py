"""What student code prints: read as it comes so that nobody waits for it, its end kept, and too much of it noticed."""

from __future__ import annotations

import os
import threading

KEPT_BYTES = 1_000_000
MOST_BYTES = 8_000_000
LAST_WORDS = 2.0  # seconds to read what is left in the pipe once everything that held it has ended


class Output:
    """A pipe whose write end goes to a child as its standard output and error."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._kept = bytearray()
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def too_much(self) -> bool:
        """Whether more came than anybody prints on purpose."""
        return self._count > MOST_BYTES

    def handed_over(self) -> None:
        """The child holds the write end now: without ours, the pipe ends when the child does."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def text(self) -> str:
        """The last megabyte that was printed."""
        self.handed_over()
        self._reader.join(LAST_WORDS)
        return bytes(self._kept).decode("utf-8", "replace")

    def close(self) -> None:
        """Give up both ends; a reader that still waits, because someone holds the other end, keeps its own."""
        self.handed_over()
        if not self._reader.is_alive():
            os.close(self._read_end)

    def _read(self) -> None:
        while chunk := os.read(self._read_end, 1 << 16):
            self._count += len(chunk)
            self._kept += chunk
            del self._kept[:-KEPT_BYTES]
