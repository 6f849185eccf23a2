"""Let a request to terminate (`kill`, `timeout`, a closed terminal) end a run as Ctrl-C does, without leftovers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

REQUESTS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(BaseException):
    """Raised wherever the run is when the request arrives, so that folders and processes are cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number  # as a shell reports a program that a signal ended


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Raise Terminated at the first request in the block and defer later ones.

    Signals ignored by `nohup` stay ignored.
    """
    before = {number: signal.getsignal(number) for number in REQUESTS}

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        for request in REQUESTS:
            signal.signal(request, signal.SIG_IGN)  # cleaning up must not be interrupted
        raise Terminated(number)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
