"""Wait for a process that fetches into a folder, as long as it gets on: it is ended when silent, or late."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.dataset.edition import Unusable
from grader.records import message

DEADLINE_SECONDS = 1800.0
SILENCE_SECONDS = 30.0  # without a single byte
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a program may take: without a byte, and in all. Silence counts from when it writes the file `begun`."""

    program: str  # its name in messages
    silence: float = SILENCE_SECONDS
    deadline: float = DEADLINE_SECONDS
    begun: str = ""

    def wait(self, process: subprocess.Popen[bytes], folder: Path, fetched: Callable[[int], None]) -> None:
        """Return when the process has ended; it is told the bytes in the folder now and then. Raises Unusable."""
        waited = silent = 0.0
        size = 0
        while True:
            try:
                process.wait(timeout=LOOK_SECONDS)
                return
            except subprocess.TimeoutExpired:
                waited += LOOK_SECONDS
            before, size = size, size_of(folder)
            quiet = size <= before and (folder / self.begun).exists()
            silent = silent + LOOK_SECONDS if quiet else 0.0
            fetched(size)
            if silent >= self.silence:
                raise Unusable(message("{program} has fetched nothing for {seconds} s; check the network and try again",
                                       program=self.program, seconds=int(silent)))  # fmt: skip
            if waited >= self.deadline:
                raise Unusable(message("{program} did not finish within {seconds} s; try again",
                                       program=self.program, seconds=int(waited)))  # fmt: skip


def size_of(folder: Path) -> int:
    """Return the bytes in all files below a folder into which somebody writes."""
    sizes = []
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size if path.is_file() else 0)
        except OSError:  # removed since it was listed
            continue
    return sum(sizes)
