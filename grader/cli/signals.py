"""Let Ctrl-C stop a run and a request to terminate (`kill`, `timeout`, a closed terminal) end it, without leftovers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
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


class Stop:
    """Whether a person has asked the run to stop."""

    asked = False


@contextmanager
def stopping_first(told: Callable[[], None]) -> Iterator[Stop]:
    """Let the first Ctrl-C in the block only be noted and `told`; the second one is a KeyboardInterrupt."""
    stop, before = Stop(), signal.getsignal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.asked:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # cleaning up must not be interrupted
            raise KeyboardInterrupt
        stop.asked = True
        told()

    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
