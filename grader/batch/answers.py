"""What the process of one submission sends: steps, then the grade and its evidence, as text of bounded length."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO

from pydantic import TypeAdapter

from grader.evidence import EVIDENCE
from grader.gradebook.files import Graded, from_json, to_json
from grader.records import Message, Student

MOST_BYTES = 64_000_000  # of one answer; with all its pictures a grade takes about 1 MB
STEP, GRADE, EVIDENCE_OF_IT, TRACE, END = b"s", b"g", b"e", b"t", b"."
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


class TooMuch(Exception):
    """More than MOST_BYTES came."""


class OutOfTime(Exception):
    """The answer was not complete at the deadline."""


def step_frame(step: Message) -> bytes:
    """Return what tells of a step."""
    return _frame(STEP, _MESSAGE.dump_json(step))


def answer_frames(graded: Graded, trace: str = "") -> bytes:
    """Return what tells of a grade, its evidence and, for a bug of ours, the traceback."""
    # Half a character of a file's name cannot be sent; the other side knows the name.
    grade = replace(graded.grade, student=Student(""))
    frames = [_frame(GRADE, to_json(grade, indent=None).encode("utf-8", "backslashreplace"))]
    if graded.evidence is not None:
        frames.append(_frame(EVIDENCE_OF_IT, EVIDENCE.dump_json(replace(graded.evidence, student=Student("")))))
    return b"".join((*frames, _frame(TRACE, trace.encode("utf-8", "backslashreplace")), _frame(END, b"")))


def read_answer(
    sent: socket.socket, student: Student, say: Callable[[Message], None], deadline: float
) -> tuple[Graded, str] | None:
    """Read an answer; None where the other side ended before it was complete. Raises TooMuch, OutOfTime."""
    return _answer(_frames(lambda size: _exactly(sent, size, deadline)), student, say)


def answer_in(frames: bytes, student: Student) -> tuple[Graded, str]:
    """Return the answer that came whole, from another machine. Raises ValueError or TooMuch."""
    found = _answer(_frames(BytesIO(frames).read), student, lambda step: None)
    if found is None:
        raise ValueError
    return found


def _answer(
    frames: Iterator[tuple[bytes, bytes]], student: Student, say: Callable[[Message], None]
) -> tuple[Graded, str] | None:
    parts: dict[bytes, bytes] = {}
    for kind, data in frames:
        if kind == STEP:
            say(_MESSAGE.validate_json(data))
        elif kind == END:
            grade = replace(from_json(parts[GRADE].decode(), "grade.json"), student=student)
            raw = parts.get(EVIDENCE_OF_IT)
            evidence = None if raw is None else replace(EVIDENCE.validate_json(raw), student=student)
            return Graded(grade, evidence), parts[TRACE].decode()
        else:
            parts[kind] = data
    return None


def _frame(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "big") + data


def _frames(read: Callable[[int], bytes | None]) -> Iterator[tuple[bytes, bytes]]:
    total = 0
    while head := read(5):
        size = int.from_bytes(head[1:], "big")
        total += size
        if total > MOST_BYTES:
            raise TooMuch
        data = read(size)
        if data is None:
            return
        yield head[:1], data


def _exactly(sent: socket.socket, size: int, deadline: float) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        sent.settimeout(left)
        try:
            chunk = sent.recv(min(size - len(data), 1 << 20))
        except TimeoutError:
            raise OutOfTime from None
        except ConnectionResetError:
            return None
        if not chunk:
            return None
        data += chunk
    return bytes(data)
