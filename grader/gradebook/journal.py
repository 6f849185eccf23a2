"""A journal for each run: what was begun, done and lost, when and where, in lines that a killed run leaves whole.

Results are the grades themselves; the journal tells of attempts, times and machines.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

OURS = ".grade"  # in the output folder: what is no grade
RUNS = "runs"
Event = Literal["run", "start", "done", "lost", "end"]
MOST_RUNS = 20  # that are looked at for what ended its process
MOST_BYTES = 100_000_000  # of a journal that is read


def runs(out: Path) -> list[Path]:
    """Return the journals of an output folder, the oldest first."""
    return sorted((out / OURS / RUNS).glob("*.jsonl"))


class Journal:
    """Appends to the journal of one run, from any thread."""

    def __init__(self, out: Path) -> None:
        folder = out / OURS / RUNS
        folder.mkdir(parents=True, exist_ok=True)
        self.run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{os.getpid()}"
        self._host = socket.gethostname()
        self._lock = threading.Lock()
        self._file = os.open(folder / f"{self.run}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event: Event, **fields: object) -> None:
        """Append one line, whole."""
        line = {"event": event, "at": round(time.time(), 3), "host": self._host, **fields}
        data = json.dumps(line).encode() + b"\n"
        with self._lock:
            os.write(self._file, data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)


@dataclass
class Read:
    """What a journal says; `damaged` lines are counted and left out."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    damaged: int = 0

    def of(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield the lines of one kind."""
        return (line for line in self.lines if line["event"] == event)

    @property
    def ended(self) -> bool:
        """Return whether the run came to its end."""
        return any(self.of("end"))

    @property
    def open(self) -> dict[str, dict[str, Any]]:
        """Return what was begun, and neither done nor lost, by key."""
        begun: dict[str, dict[str, Any]] = {}
        for line in self.lines:
            if line["event"] == "start":
                begun[line["key"]] = line
            elif line["event"] in ("done", "lost"):
                begun.pop(line["key"], None)
        return begun


def read_journal(path: Path) -> Read:
    """Read a journal. A line that was cut off, or is not one, is counted as damaged."""
    found = Read()
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
    except OSError:
        return found
    for raw in data.splitlines():
        try:
            line = json.loads(raw)
            if not isinstance(line["event"], str) or not isinstance(line["at"], int | float):
                raise TypeError
            if line["event"] in ("start", "done", "lost"):
                line["key"], line["name"] = str(line["key"]), str(line.get("name", "?"))
            found.lines.append(line)
        except (ValueError, LookupError, TypeError, RecursionError):
            found.damaged += 1
    return found


def killers(out: Path) -> frozenset[str]:
    """Return the keys of submissions whose process was lost before, or that were open when several runs were killed."""
    lost: Counter[str] = Counter()
    for path in runs(out)[-MOST_RUNS:]:
        read = read_journal(path)
        settled = {line["key"] for line in read.of("done")}
        for key in settled:
            lost.pop(key, None)
        lost.update(2 * [line["key"] for line in read.of("lost") if line["key"] not in settled])
        lost.update(read.open.keys())
    return frozenset(key for key, times in lost.items() if times > 1)
