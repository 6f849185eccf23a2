"""Read what student code prints: drain it so that nobody blocks, keep its end, and notice if it is too much."""

from __future__ import annotations

import os
import threading

KEPT_BYTES = 1_000_000
MOST_BYTES = 8_000_000
LAST_WORDS = 2.0  # seconds to read the rest of the pipe after every process that held it has ended


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
        """Return whether more was printed than anybody prints on purpose."""
        return self._count > MOST_BYTES

    def handed_over(self) -> None:
        """Close our write end, which the child now holds, so that the pipe ends when the child does."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def text(self) -> str:
        """Return the last megabyte that was printed."""
        self.handed_over()
        self._reader.join(LAST_WORDS)
        return bytes(self._kept).decode("utf-8", "replace")

    def close(self) -> None:
        """Close both ends; a reader that still waits, because someone holds the other end, keeps its own."""
        self.handed_over()
        if not self._reader.is_alive():
            os.close(self._read_end)

    def _read(self) -> None:
        while chunk := os.read(self._read_end, 1 << 16):
            self._count += len(chunk)
            self._kept += chunk
            del self._kept[:-KEPT_BYTES]
