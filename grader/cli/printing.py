"""Keep a command going when nothing can be printed any more: its results are files, and printing only reports them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from grader.cli import console
from grader.cli.options import UNUSABLE
from grader.records import message

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Descriptor(io.FileIO):
    """A file descriptor that takes whatever is written, and keeps the reason from when it could not pass it on."""

    fault: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the bytes, or drop them once one write has failed."""
        if self.fault is None:
            try:
                return super().write(data)
            except OSError as error:
                self.fault = error
        return memoryview(data).nbytes


@contextmanager
def lasting() -> Iterator[None]:
    """Let the block print to outputs that may close or fill up, and to encodings without the letters.

    Says nothing of a reader that stopped reading, such as `head`. Raises SystemExit at the end if standard output
    failed for another reason, because then its reader has lost something.
    """
    before = sys.stdout, sys.stderr
    out, err = (_lasting(stream) for stream in before)
    sys.stdout, sys.stderr = out, err
    try:
        yield
    finally:
        try:
            fault = _fault(out)
            if fault is not None and not isinstance(fault, BrokenPipeError):
                sentence = message(
                    "standard output cannot be written: {why}. What this command wrote to files is complete. Send its"
                    " output elsewhere, and run it again if you need what it prints.",
                    why=fault.strerror or str(fault),
                )
                console.complain(sentence)
                raise SystemExit(UNUSABLE)
        finally:
            _fault(err)
            sys.stdout, sys.stderr = before


def _lasting(stream: TextIO | None) -> TextIO:
    """Return a stream on the same descriptor, or as good as none if it is closed."""
    if stream is None:  # `grade ... >&-`
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the command
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # escapes what the terminal cannot show
    if stream.isatty():  # its window closes with a signal
        return stream
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # not a file, in a test
        return stream
    stream.flush()
    raw = Descriptor(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), stream.encoding, "backslashreplace", line_buffering=stream is sys.stderr
    )


def _fault(stream: TextIO) -> OSError | None:
    with suppress(OSError, ValueError):
        stream.flush()
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.fault if isinstance(raw, Descriptor) else None
