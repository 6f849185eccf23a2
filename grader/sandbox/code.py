"""Run student code in a sandbox: a separate bubblewrap for each submission, discarded with it.

It holds the submission, read-only, with the files that the template provides, and a small writable folder. Each call
is a fork of a server that imported torch before any of the student's files were reachable. Of our own code there is
only what a call needs, file by file: student code can import and read all of it, so none of it may solve a task.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.lab import LAB
from grader.probes.roots import Roots
from grader.sandbox.interface import Called, Job
from grader.sandbox.output import Output
from grader.sandbox.server import Server
from grader.sandbox.view import GRADER, OURS, ROOT, folders, our_files

# Beside grader/probes/code: what those modules and the worker import, and nothing else (a test holds it).
NEEDED = (
    "__init__.py",
    "codepages.py",
    *(f"probes/{name}.py" for name in ("__init__", "files", "refusals", "roots", "worker")),
    *(f"probes/documents/{name}.py" for name in ("__init__", "syntax", "text")),
    *(
        f"probes/weights/{name}.py"
        for name in (
            *("__init__", "arrays", "container", "evaluate", "formats", "layout", "legacy", "opening", "pickles"),
            *("references", "safetensors", "state_dict", "unpickle"),
        )
    ),
)
WORK_BYTES = 64 << 20
ROOTS = Roots(f"{ROOT}/submission", f"{ROOT}/given", f"{ROOT}/work", f"{OURS}/grader")


class BubblewrapCode:
    """A bubblewrap with one submission in it."""

    roots = ROOTS

    def __init__(self, submission: Path) -> None:
        self._submission = submission
        self._server = Server("code", _binds(submission), ROOTS)

    def __enter__(self) -> Self:
        if os.geteuid() == 0:  # inside, another user reads them
            _let_read(self._submission)
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def call(self, job: Job) -> Called:
        """Answer one job in a separate child; whatever it leaves running ends with it."""
        output = Output()
        try:
            answer = self._server.ask(job, output)
            printed = output.text()
        finally:
            output.close()
        return Called(answer, printed)


def needed() -> tuple[str, ...]:
    """Return the files of `grader` that a student's call needs; never a folder, which would hold compiled files too."""
    of_calls = sorted(path.relative_to(GRADER).as_posix() for path in (GRADER / "probes" / "code").glob("*.py"))
    return (*NEEDED, *of_calls)


def _binds(submission: Path) -> Iterator[str]:
    """Return the binds of our part, the submission and the provided files; none is visible under `reference/`."""
    yield from folders(*(f"{OURS}/grader/probes{inside}" for inside in ("", "/code", "/documents", "/weights")))
    yield from our_files(needed())
    yield from ("--ro-bind", str(submission), ROOTS.submission)
    yield from ("--perms", "0755", "--dir", ROOTS.given)
    spec = importlib.util.find_spec("reference")
    assert spec is not None
    assert spec.origin is not None
    for name in LAB.given:
        yield from ("--ro-bind", str(Path(spec.origin).resolve().parent / name), f"{ROOTS.given}/{name}")
    yield from ("--perms", "1777", "--size", str(WORK_BYTES), "--tmpfs", ROOTS.work)


def _let_read(folder: Path) -> None:
    """Let every user read an unpacked submission; the folder around it is closed to them."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
