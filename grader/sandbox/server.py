"""Start the fork server of a run, and have it fork cells (grader/probes/zygote.py)."""

from __future__ import annotations

import copy
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.disk.scratch import scratch
from grader.sandbox.code import Ours, copy_ours
from grader.sandbox.interface import ENVIRONMENT
from grader.sandbox.view import View, of_python, package_folders

Backend = Literal["namespaces", "landlock"]

START_SECONDS = 180.0  # importing torch from a cold network disk has taken a minute
END_SECONDS = 10.0
ROOM_BYTES = 64 << 20
# Large blocks come from huge pages and go back to the heap, not to the system: 10 % of an evaluation's time.
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296"
BOOT = "import sys; sys.path[:0] = sys.argv[1].split(':'); from grader.probes.zygote import main; main(sys.argv[2:])"


class NotStarted(Exception):
    """The fork server or a cell could not be started; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A cell: the keeper's process, and the socket on which it takes jobs."""

    pid: int
    control: socket.socket


class ForkServer:
    """One process that has imported torch; cells are forks of it. Started again where it died."""

    def __init__(self, backend: Backend, gpu: bool = False) -> None:
        self.backend = backend
        self.gpu = gpu
        self.torch = True  # a trial does without
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._kept = ExitStack()
        self._lock = threading.Lock()
        self._ours: Ours | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._guest = False
        self.gone = False  # for a guest: it cannot start the server again

    @property
    def pid(self) -> int:
        """Return the process id of the server."""
        assert self._process is not None
        return self._process.pid

    @property
    def ours(self) -> Ours:
        """Return the copies of our own files that cells see."""
        if self._ours is None:
            self._ours = copy_ours(self._kept.enter_context(scratch("server")))
        return self._ours

    def start(self) -> None:
        """Start the server without waiting: it imports torch while the first submission is still being unpacked."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = ":".join([str(self.ours.code), *map(str, package_folders())])
        self.printed.seek(0)
        self.printed.truncate()
        command = [str(Path(sys.executable).resolve()), "-I", "-B", "-c", BOOT, path, str(theirs.fileno())]
        command += [] if self.torch else ["bare"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self.printed, stderr=subprocess.STDOUT, pass_fds=(theirs.fileno(),),
            env=self._environment(), cwd=self.ours.code, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as common:
            common.write(json.dumps(of_python().as_lists()).encode())
        self._control, self._ready = ours, False

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Return the descriptors that a process forked from this one has to keep open."""
        return (self.printed.fileno(), *([self._control.fileno()] if self._control else []))

    def joined(self) -> ForkServer:
        """Return the same server for a process that was forked from this one: on a socket of its own, only lent."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, suppress(OSError):  # a server that has ended says nothing on it
            if self._control is not None:
                socket.send_fds(self._control, [b'{"client": true}'], [theirs.fileno()])
        guest = copy.copy(self)
        guest._guest, guest._kept, guest._lock = True, ExitStack(), threading.Lock()
        guest._process, guest._control, guest._ready = None, ours, False
        return guest

    def renew(self) -> bool:
        """Start the server again if it has ended. Return whether it had."""
        if self._control is not None:
            poll = select.poll()
            poll.register(self._control, 0)  # a hang-up is reported all the same
            if not poll.poll(0):
                return False
        self._stop()
        self.start()
        return True

    def open(self, view: View, place: Path, code: bool) -> Opened:
        """Have a cell forked, with an empty folder of its own. Raises NotStarted."""
        root, work = place / "root", place / "work"
        root.mkdir()
        work.mkdir()
        asked = {
            **view.as_lists(), "backend": self.backend, "code": code, "gpu": self.gpu and not code, "root": str(root),
            "rooms": [str(work)], "room_bytes": ROOM_BYTES, "lab": "" if code else str(self.ours.lab),
        }  # fmt: skip
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                pid = self._forked(asked, theirs)
            ours.settimeout(START_SECONDS)
            hello = _received(ours)
            if not hello.get("ready"):
                raise NotStarted(str(hello.get("failed", "it ended at once")))
        except NotStarted:
            ours.close()
            raise
        ours.settimeout(None)
        return Opened(pid, ours)

    def close(self) -> None:
        """End the server; its cells must be closed. A guest only leaves."""
        self._stop()
        if not self._guest:
            self.printed.close()
        self._kept.close()

    def tail(self) -> str:
        """Return the last that the server printed."""
        size = os.fstat(self.printed.fileno()).st_size
        return os.pread(self.printed.fileno(), 4000, max(0, size - 4000)).decode("utf-8", "replace").strip()

    def _forked(self, asked: Mapping[str, object], theirs: socket.socket) -> int:
        with self._lock:
            if not self._guest and (self._process is None or self._process.poll() is not None):
                self._stop()
                self.start()
            if self._control is None:
                raise NotStarted(self.tail())
            if not self._ready:
                self._control.settimeout(START_SECONDS)
                self._ready = "ready" in _received(self._control)
            pid = None
            with suppress(OSError):
                socket.send_fds(self._control, [json.dumps(asked).encode()], [theirs.fileno()])
                pid = _received(self._control).get("keeper")
            if not self._ready or not isinstance(pid, int):
                tail = self.tail()
                self._stop()
                self.gone = True
                raise NotStarted(tail)
            return pid

    def _environment(self) -> dict[str, str]:
        place = str(self.ours.code.parent)
        fixed = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "GLIBC_TUNABLES": MALLOC}
        if self.gpu and "LD_LIBRARY_PATH" in os.environ:  # in containers it leads to the driver's libraries
            fixed["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        return fixed | ENVIRONMENT

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self._ready = False


def _received(control: socket.socket) -> dict[str, object]:
    """Return the next message; nothing where the other side has ended or is silent."""
    try:
        found = json.loads(control.recv(10_000))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
