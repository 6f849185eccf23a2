"""Runs student code, and distinguishes every kind of failure.

Student code runs only in these probes. It can change anything in its own process, so what
these probes return is only a claim about its own outputs: figures are computed and judged outside.
"""

from __future__ import annotations

import re
import signal
import socket
import traceback
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import torch

from grader.probes.documents.text import storable
from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.roots import roots

MOST_FRAMES = 12

Doing = str | Phrase  # what student code was run for: "test(model, loader, device)"
_TASK = re.compile(r"(\d{1,3}\.\d{1,3}): (.+)", re.DOTALL)
NETWORK = (urllib.error.URLError, socket.gaierror, ConnectionError)

left_out: dict[str, Phrase] = {}  # names of a script that the grader did not define, and their places


@contextmanager
def told_apart(doing: Doing) -> Iterator[None]:
    """Run student code: any exception becomes a Refuse that names its cause and line.

    `doing` names the operation for the sentence.
    """
    try:
        yield
    except MemoryError:
        raise
    except BaseException as error:  # sys.exit, KeyboardInterrupt and exceptions of their own making too
        raise _refusal(error, doing) from None


class Endless(BaseException):
    """Raised inside student code that has run for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"more than {seconds:g} seconds")
        self.seconds = seconds


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt code that runs for longer, so that its line is known; the sandbox stops code that resists, later."""

    def ring(*_: object) -> None:
        raise Endless(seconds)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _refusal(error: BaseException, doing: Doing) -> BaseException:
    said = _said(error)
    frames = _own_frames(error.__traceback__)
    file, line = frames[-1] if frames else ("", 0)
    place = phrase("place", file=file, line=line) if file else phrase("outside")
    lines = tuple(_lines(error, said))
    if any(words in said.lower() for words in ("can't allocate memory", "cannot allocate memory", "out of memory")):
        return MemoryError(said)  # torch says it so
    match error:
        case Refuse():  # of a file that this one imports
            return error
        case NotImplementedError() if task := _TASK.fullmatch(said):
            return Refuse("code_task", lines, doing=doing, number=task[1], text=task[2], place=place)
        case Endless(seconds=seconds):
            return Refuse("code_endless", lines, doing=doing, seconds=seconds, place=place)
        case SystemExit():
            return Refuse("code_exit", lines, doing=doing, place=place)
        case ModuleNotFoundError(name=str(name)):
            return Refuse("code_package", lines, doing=doing, package=storable(name), place=place)
        case NameError(name=str(name)) if name in left_out and not isinstance(error, UnboundLocalError):
            return Refuse("code_left_out", lines, doing=doing, name=storable(name), left=left_out[name], place=place)
        case _ if isinstance(error, NETWORK):
            return Refuse("code_network", lines, doing=doing, problem=said, place=place)
        case _:
            kind = storable(type(error).__name__)
            return Refuse("code_raised", lines, doing=doing, kind=kind, problem=said, place=place)


def _said(error: BaseException) -> str:
    try:
        return storable(str(error)).strip()[:300]
    except BaseException:  # a __str__ of their own
        return ""


def _own_frames(trace: TracebackType | None) -> list[tuple[str, int]]:
    """Return the places in the student's files that an exception passed through, with short paths, innermost last."""
    summary = traceback.extract_tb(trace)
    theirs = (f"{roots().submission}/", f"{roots().given}/")
    own = [frame for frame in summary if frame.filename.startswith(theirs)]
    return [(_short(frame.filename), frame.lineno or 0) for frame in own]


def _lines(error: BaseException, said: str) -> Iterator[str]:
    """Return the traceback as the student would see it, without our own frames."""
    ours = f"{roots().ours}/"
    summary = [frame for frame in traceback.extract_tb(error.__traceback__) if ours not in frame.filename]
    for frame in summary[-MOST_FRAMES:]:
        yield f"{_short(frame.filename)}, line {frame.lineno}, in {frame.name}"
        yield f"    {frame.line or ''}"
    yield f"{type(error).__name__}: {said}"


def _short(path: str) -> str:
    for folder in (roots().submission, roots().given):
        path = path.removeprefix(f"{folder}/")
    return storable("/".join(path.split("/")[-3:]))


# --- what comes back -------------------------------------------------------------------------------------------


def number(value: object, doing: Doing, wanted: Phrase) -> float:
    """Convert a number of torch, numpy or Python to a float. Raises Refuse."""
    with told_apart(doing):  # an int can be too large, and a class of their own can do anything
        if isinstance(value, torch.Tensor) and value.numel() == 1:
            return float(value.detach().cpu().reshape(()))
        if isinstance(value, int | float | np.floating | np.integer):
            return float(value)
    raise returned(value, doing, wanted)


def returned(value: object, doing: Doing, wanted: Phrase) -> Refuse:
    """Build the refusal of a return value of the wrong kind."""
    return Refuse("code_returned", doing=doing, found=described(value), wanted=wanted)


def described(value: object) -> Phrase:
    """Describe a value for a sentence: its type, and its shape or length."""
    if value is None:
        return phrase("none")
    kind = storable(type(value).__name__)
    if isinstance(value, torch.Tensor | np.ndarray):
        return phrase("kind_of_shape", kind=kind, shape=str(tuple(value.shape)))
    if isinstance(value, list | tuple):
        return phrase("kind_of_count", kind=kind, count=len(value))
    return phrase("kind", kind=kind)


def finite(value: float) -> float | None:
    """Return the number; None for NaN and infinity, which JSON cannot represent."""
    return value if abs(value) < float("inf") else None


def little_endian(values: torch.Tensor | np.ndarray[Any, Any], dtype: str = "<f4") -> bytes:
    """Return values as a contiguous little-endian array, the format for sending."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().to(torch.float32).contiguous().numpy()
    return np.ascontiguousarray(values, dtype=dtype).tobytes()
