"""Run jobs in a separate process with lowered limits, where nothing isolates: for checkpoints, never for code.

Works on every system. The process is not isolated from files and network; the protection there is that a
checkpoint is never executed. The grade records which sandbox was used.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from grader.disk.scratch import scratch
from grader.evidence import Crashed, Failure
from grader.evidence.wording import shorten
from grader.sandbox.interface import ENVIRONMENT, CodeSandbox, Job, Reply
from grader.sandbox.output import Output
from grader.sandbox.watch import Child, await_reply, tree

# No file can be written later, but tempfile, used by torchvision's import, looks for a folder by writing to it.
BOOT = (
    "import json, os, sys, tempfile; tempfile.tempdir = os.getcwd(); sys.path[:0] = json.loads(sys.argv[1]);"
    " from grader.probes.worker import once; once()"
)
KEPT = ("SYSTEMROOT", "PATH", "TEMP", "TMP", "LD_LIBRARY_PATH")  # without these Python or torch does not start
LAST_WORDS = 5.0  # seconds for a process that has closed its answer to end


class PlainSandbox:
    """Starts one process per job; the process ends with its answer."""

    name = "plain"
    isolated = False
    descriptors: tuple[int, ...] = ()
    gone = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def run(self, job: Job) -> Reply | Failure:
        """Answer one job in a process of its own."""
        root = str(Path(__file__).resolve().parents[2])
        # The paths of this process without the current folder: no submission can write where `python -I` searches.
        path = (root, *(entry for entry in sys.path if entry and Path(entry).is_absolute()))
        with tempfile.TemporaryFile() as printed, scratch("plain") as folder:

            def tail() -> str:
                size = os.fstat(printed.fileno()).st_size
                os.lseek(printed.fileno(), max(0, size - 4000), os.SEEK_SET)
                return shorten(os.read(printed.fileno(), 4000).decode("utf-8", "replace").strip())

            return answered(job, job.request(), Start(folder, path, printed.fileno(), tail))

    def joined(self) -> PlainSandbox:
        """Return this one: it holds nothing."""
        return self

    def renew(self) -> None:
        """Do nothing: there is nothing to end."""

    def for_code(self, submission: Path) -> CodeSandbox | None:
        """Return None: no student code is run here."""
        del submission
        return None


@dataclass(frozen=True, slots=True)
class Start:
    """How the process for one job is started."""

    folder: Path  # its current one
    path: tuple[str, ...]  # where it looks for modules
    printed: int  # a descriptor that takes what it prints
    tail: Callable[[], str]  # the last of that
    output: Output | None = None
    options: tuple[str, ...] = ()  # of Python


def answered(job: Job, request: Mapping[str, Any], start: Start) -> Reply | Failure:
    """Answer one job in a process of its own, which ends with its answer."""
    paths = {name: _in_utf8(file) for name, file in job.files.items()}
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", *start.options, "-c", BOOT, json.dumps(start.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=start.printed, cwd=start.folder, start_new_session=True,
        env={name: os.environ[name] for name in KEPT if name in os.environ} | ENVIRONMENT,
    )  # fmt: skip
    if start.output is not None:
        start.output.handed_over()
    try:
        return _converse(process, job, json.dumps({**request, "paths": paths, "parent": os.getpid()}).encode(), start)
    finally:
        _end(process)


def _in_utf8(file: Path) -> str:
    """Return the path as the child reads it: the child is always in UTF-8 mode."""
    return os.fsencode(file.absolute()).decode("utf-8", "surrogateescape")  # not resolve(): a link is not followed


def _converse(process: subprocess.Popen[bytes], job: Job, request: bytes, start: Start) -> Reply | Failure:
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        try:
            process.stdin.write(request)
            process.stdin.close()
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            return Crashed(start.tail())
        child = Child(process.pid, process.stdout.read, lambda: _end(process), start.tail)
        return _ended(process, await_reply(job, child, start.output))


def _ended(process: subprocess.Popen[bytes], reply: Reply | Failure) -> Reply | Failure:
    """Add to a crash how the process ended."""
    if not isinstance(reply, Crashed):
        return reply
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LAST_WORDS)
    return Crashed(f"{reply.tail} (ended with {process.returncode})") if process.returncode else reply


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it has started, as far as that can be found."""
    for one in tree(process.pid) if process.returncode is None else ():
        with contextlib.suppress(psutil.Error):
            one.kill()
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
