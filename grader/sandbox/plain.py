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
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.disk.scratch import scratch
from grader.evidence import Crashed, Failure
from grader.evidence.wording import shorten
from grader.sandbox.interface import ENVIRONMENT, Job, Reply
from grader.sandbox.watch import Child, await_reply

# No file can be written later, but tempfile, used by torchvision's import, looks for a folder by writing to it.
BOOT = (
    "import json, os, sys, tempfile; tempfile.tempdir = os.getcwd(); sys.path[:0] = json.loads(sys.argv[1]);"
    " from grader.probes.worker import once; once()"
)
KEPT = ("SYSTEMROOT", "PATH", "TEMP", "TMP", "LD_LIBRARY_PATH")  # without these Python or torch does not start


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
        paths = {name: _in_utf8(file) for name, file in job.files.items()}
        request = {**job.request(), "paths": paths}
        root = str(Path(__file__).resolve().parents[2])
        # The paths of this process without the current folder: no submission can write where `python -I` searches.
        path = [root, *(entry for entry in sys.path if entry and Path(entry).is_absolute())]
        environment = {name: os.environ[name] for name in KEPT if name in os.environ} | ENVIRONMENT
        with tempfile.TemporaryFile() as printed, scratch("plain") as folder:
            process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", BOOT, json.dumps(path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=printed, env=environment, cwd=folder,
                start_new_session=True,
            )  # fmt: skip
            try:
                return _converse(process, job, json.dumps(request).encode(), printed.fileno())
            finally:
                _end(process)

    def joined(self) -> PlainSandbox:
        """Return this one: it holds nothing."""
        return self

    def renew(self) -> None:
        """Do nothing: there is nothing to end."""

    def for_code(self, submission: Path) -> None:
        """Return None: no student code is run here."""
        del submission


def _in_utf8(file: Path) -> str:
    """Return the path as the child reads it: the child is always in UTF-8 mode."""
    return os.fsencode(file.absolute()).decode("utf-8", "surrogateescape")  # not resolve(): a link is not followed


def _converse(process: subprocess.Popen[bytes], job: Job, request: bytes, printed: int) -> Reply | Failure:
    assert process.stdin is not None
    assert process.stdout is not None

    def tail() -> str:
        size = os.fstat(printed).st_size
        os.lseek(printed, max(0, size - 4000), os.SEEK_SET)
        return shorten(os.read(printed, 4000).decode("utf-8", "replace").strip())

    with process.stdout:
        try:
            process.stdin.write(request)
            process.stdin.close()
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            return Crashed(tail())
        return await_reply(job, Child(process.pid, process.stdout.read, lambda: _end(process), tail))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and, on systems with process groups, everything that it started."""
    if hasattr(os, "killpg") and process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
