"""Define a sandbox's questions and answers, and read what comes out of it.

A job names a probe, gives it plain inputs and open files, and declares which arrays may come back. The answer
is one frame: four bytes of length, a JSON object of at most 1 MB, then exactly those arrays. Everything else is
Malformed and discarded (see SECURITY.md: never a pickle, never a verdict).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from grader.evidence import Crashed, Failure, Malformed, OutOfMemory
from grader.evidence.refusals import REFUSALS, heard_refusal
from grader.evidence.wording import phrase, shorten
from grader.probes.roots import Roots

HEADER_BYTES = 1_000_000
# Waiting threads should sleep: spinning beside another busy process took 15.0 s where this takes 4.2 s.
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array that may come back: numpy dtype string and shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Return the size on the wire, in bytes."""
        return int(np.dtype(self.dtype).itemsize * math.prod(self.shape))


@dataclass(frozen=True, slots=True)
class Rest:
    """Bytes of a length that only the answer knows: the last array, of at most `most` bytes (uint8)."""

    most: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one job: wall-clock seconds, and megabytes of memory of the whole process tree."""

    seconds: float = 1_200.0
    megabytes: int = 4_000


@dataclass(frozen=True, slots=True)
class Job:
    """One question to a sandbox. `inputs` is JSON; `files` are opened here, read-only, and passed as descriptors."""

    probe: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    arrays: Mapping[str, ArraySpec | Rest] = field(default_factory=dict)
    limits: Limits = Limits()

    def request(self, roots: Roots | None = None) -> dict[str, Any]:
        """Return the part that travels as JSON; `roots` are those of a sandbox that shows a submission."""
        limits = {"seconds": self.limits.seconds, "megabytes": self.limits.megabytes}
        asked = {"probe": self.probe, "inputs": dict(self.inputs), "files": list(self.files), "limits": limits}
        return {**asked, "roots": asdict(roots)} if roots else asked


@dataclass(frozen=True, slots=True)
class Reply:
    """What a probe returned: JSON not yet validated, and arrays of the agreed size."""

    value: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Called:
    """The result of a call, and the last that the student's code printed during it."""

    answer: Reply | Failure
    printed: str


class Sandbox(Protocol):
    """Runs jobs one after the other; a context manager that leaves no process behind."""

    @property
    def name(self) -> str:
        """Return the name for the grade; no decision depends on it."""
        ...

    @property
    def isolated(self) -> bool:
        """Return whether this machine's files, network and processes are out of reach of what runs inside."""
        ...

    def run(self, job: Job) -> Reply | Failure:
        """Answer one job. Never raises for anything that a submission does."""
        ...

    def for_code(self, submission: Path) -> CodeSandbox | None:
        """Return a sandbox, not yet started, for this folder's code; None if this kind is too weak to run code."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Shared(Sandbox, Protocol):
    """A sandbox that processes forked from the one that started it can use at the same time."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Return the open descriptors that a process forked from this one needs to use it."""
        ...

    @property
    def gone(self) -> bool:
        """Return whether this, joined, lost what it was joined to: what it answered says nothing."""
        ...

    def joined(self) -> Shared:
        """Return the same sandbox for a process that was forked from this one."""
        ...

    def renew(self) -> None:
        """Start again what has ended, before a process is forked that will join."""
        ...


class CodeSandbox(Protocol):
    """Calls one submission's functions, each in a separate process; a context manager like `Sandbox`."""

    @property
    def roots(self) -> Roots:
        """Return where student code sees its files; frames of a traceback are classified by these paths."""
        ...

    def call(self, job: Job) -> Called:
        """Answer one job. Never raises for anything that a submission does, and ends whatever it leaves running."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Read = Callable[[int], bytes]  # up to n bytes, b"" at the end


def read_reply(read: Read, arrays: Mapping[str, ArraySpec | Rest]) -> Reply | Failure:
    """Read one frame; accept only what was agreed."""
    size = int.from_bytes(exactly(read, 4), "big")
    if not 0 < size <= HEADER_BYTES:
        return Malformed(phrase("answer_size", size=size, most=HEADER_BYTES))
    raw = exactly(read, size)
    try:
        header = json.loads(raw, parse_constant=_refuse_constant)
        # half of a surrogate pair, which JSON can spell, cannot be written to a file
        header = json.loads(json.dumps(header, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return Malformed(phrase("answer_not_json"))
    if not isinstance(header, dict) or not isinstance(header.get("value"), dict):
        return Malformed(phrase("answer_no_value"))
    if header.get("outcome") != "returned":
        return _failure(header.get("outcome"), header["value"])
    received: dict[str, NDArray[Any]] = {}
    for name, spec in arrays.items():
        if isinstance(spec, Rest):
            received[name] = np.frombuffer(_at_most(read, spec.most), dtype=np.uint8)
        else:
            received[name] = np.frombuffer(exactly(read, spec.bytes), dtype=spec.dtype).reshape(spec.shape)
    if read(1):
        return Malformed(phrase("answer_goes_on"))
    return Reply(header["value"], received)


def exactly(read: Read, size: int) -> bytes:
    """Read so many bytes. Raises EOFError."""
    data = bytearray()
    while len(data) < size:
        chunk = read(min(size - len(data), 1 << 20))
        if not chunk:
            raise EOFError(f"the answer ended after {len(data):,} of {size:,} bytes")
        data += chunk
    return bytes(data)


def _at_most(read: Read, most: int) -> bytes:
    data = bytearray()
    while len(data) < most and (chunk := read(min(most - len(data), 1 << 20))):
        data += chunk
    return bytes(data)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _failure(outcome: object, value: dict[str, Any]) -> Failure:
    match outcome:
        case "refused":
            return _refusal(value)
        case "crashed":
            tail = value.get("tail")
            return Crashed(shorten(tail) if isinstance(tail, str) else "")
        case "out of memory":
            megabytes = value.get("megabytes")
            return OutOfMemory(megabytes if type(megabytes) is int and 0 < megabytes < 1 << 30 else 0)
        case _:
            return Malformed(phrase("answer_no_outcome"))


def _refusal(value: dict[str, Any]) -> Failure:
    """Build a refusal from a code and values: a child never supplies the wording."""
    code, values, details = value.get("code"), value.get("values"), value.get("details", [])
    if code not in REFUSALS or not isinstance(values, dict) or not isinstance(details, list):
        return Malformed(phrase("answer_no_refusal"))
    try:
        return heard_refusal(code, values, tuple(shorten(str(line), 300) for line in details[:200]))
    except (TypeError, ValueError):
        return Malformed(phrase("answer_values"))
