"""The sandbox in which student code runs: a bubblewrap of its own for one submission, thrown away with it.

The submission is bound read-only at /submission and what the template gives beside it at /given; there is a small
/work to write to. Each call is a fork of a server that imported torch before any of the student's files were in reach.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.evidence import Failure
from grader.lab import LAB
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.interface import Job, Reply, Sandbox
from grader.sandbox.output import Output

WORK_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Called:
    """What became of a call, and the last that the student's code printed meanwhile."""

    answer: Reply | Failure
    printed: str


class CodeSandbox(BubblewrapSandbox):
    """Bubblewrap with one submission in it. `call` instead of `run`: what is printed comes back too."""

    mode = "code"

    def __init__(self, submission: Path) -> None:
        super().__init__()
        self._submission = submission

    def call(self, job: Job) -> Called:
        """Answer one job in a child of its own; whatever it leaves running is ended with it."""
        output = Output()
        try:
            answer = self.run(job, output)
            printed = output.text()
        finally:
            output.close()
        return Called(answer, printed)

    def binds(self) -> Iterator[str]:
        """The submission and the given files; nothing of `reference/` is there under that name."""
        yield from ("--ro-bind", str(self._submission), "/submission")
        yield from ("--perms", "0755", "--dir", "/given")
        spec = importlib.util.find_spec("reference")
        assert spec is not None
        assert spec.origin is not None
        for name in LAB.given:
            yield from ("--ro-bind", str(Path(spec.origin).resolve().parent / name), f"/given/{name}")
        yield from ("--perms", "1777", "--size", str(WORK_BYTES), "--tmpfs", "/work")


def open_code_sandbox(beside: Sandbox, submission: Path) -> CodeSandbox | None:
    """The sandbox for a submission's code; None where the machine's own is not strong enough to run any."""
    if beside.name != BubblewrapSandbox.name:
        return None
    if os.geteuid() == 0:  # inside, another user reads them
        _let_read(submission)
    return CodeSandbox(submission)


def _let_read(folder: Path) -> None:
    """Let every user read an unpacked submission; the folder that it lies in is closed to them."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
