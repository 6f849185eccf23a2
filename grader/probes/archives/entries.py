"""Defines what a reader of archives gives: entries as they are listed, bounded in number and in bytes read."""

from __future__ import annotations

import io
import lzma
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from grader.probes.refusals import Refuse

MOST_ENTRIES = 100_000  # as of a folder: a virtual environment with torch has some 30,000
LONGEST_NAME = 4_096  # bytes of a name that is passed on; far more than any system can write
READ_BYTES = 10_000_000_000  # of one archive, unpacked: a virtual environment with torch is left out, but read past
CHUNK_BYTES = 1 << 20

# What libraries raise on damaged files beside errors of their own. UnicodeDecodeError is a ValueError.
DAMAGED = (
    *(EOFError, OSError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError, TypeError),
    *(RuntimeError, struct.error, zlib.error, lzma.LZMAError),
)

Kind = Literal["file", "folder", "link", "device"]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: the name as bytes, the size in bytes as declared."""

    name: bytes
    size: int
    kind: Kind
    encrypted: bool = False
    same_as: int | None = None  # a hard link: the number of the entry with its content


def few(items: Iterable[Item], file: str) -> Iterator[Item]:
    """Yield the entries. Raises Refuse if there are more than anybody hands in."""
    for number, item in enumerate(items):
        if number == MOST_ENTRIES:
            raise Refuse("archive_many", file=file)
        yield item


def raw(name: str) -> bytes:
    """Return a name as bytes: those that could not be decoded come out as they were."""
    try:
        return name.encode("utf-8", "surrogateescape")[:LONGEST_NAME]
    except UnicodeEncodeError:  # half of a surrogate pair
        return name.encode("utf-8", "replace")[:LONGEST_NAME]


def opened(descriptor: int) -> BinaryIO:
    """Open a job's file from its beginning; the job's own descriptor stays open."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.fdopen(os.dup(descriptor), "rb")


class Budget:
    """Counts what is unpacked of one archive, so that a bomb ends as a refusal and not as a timeout."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._left = READ_BYTES

    def spend(self, count: int) -> None:
        """Raise Refuse if this many more bytes are too many."""
        self._left -= count
        if self._left < 0:
            raise Refuse("archive_large", file=self._file, most=READ_BYTES // 1_000_000_000)


class Counted(io.RawIOBase):
    """A stream that can only be read on, and is counted."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes, never all that is left: that has no bound."""
        data = self._stream.read(min(size, CHUNK_BYTES) if size >= 0 else CHUNK_BYTES)
        self._budget.spend(len(data))
        return data
