"""Run a warm server inside bubblewrap, which has imported torch and forks a child for each job."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from grader.evidence import Crashed, Failure, OutOfMemory, Unavailable
from grader.evidence.wording import shorten
from grader.probes.files import open_read_only
from grader.probes.roots import Roots
from grader.records import message
from grader.sandbox.interface import Job, Reply
from grader.sandbox.output import Output
from grader.sandbox.view import OURS, arguments_file, bubblewrap, drop_root, package_folders
from grader.sandbox.watch import Child, await_reply

START_SECONDS = 180.0  # importing torch from a cold network disk has taken a minute
LAST_WORDS = 5.0  # seconds for the server to report the end of a child that has answered
BOOT = "import sys; sys.path[:0] = sys.argv[1].split(':'); from grader.probes.worker import main; main(sys.argv[2:])"


class Server:
    """A bubblewrap with a server in it. `mode` is what its children run (worker.py), `binds` what else they see."""

    def __init__(
        self, mode: Literal["checkpoint", "code"], binds: Iterable[str], roots: Roots | None = None, gpu: bool = False
    ) -> None:
        self._mode = mode
        self._binds = tuple(binds)
        self._roots = roots
        self._gpu = gpu
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the sandbox
        self._ready = False

    @property
    def pid(self) -> int:
        """Return the process id of bubblewrap itself, the ancestor of all others."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server without waiting: it imports torch while the submission is still being unpacked."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options, passed = arguments_file(self._gpu, self._binds), theirs.fileno()
        path = ":".join([OURS, *map(str, package_folders())])
        inside = [
            *drop_root(),
            str(Path(sys.executable).resolve()),
            "-I",
            "-B",
            "-c",
            BOOT,
            path,
            str(passed),
            self._mode,
        ]
        command = [bubblewrap() or "bwrap", "--args", str(options), *inside]
        self._printed.seek(0)
        self._printed.truncate()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
            pass_fds=(options, passed),
            env={},
        )
        os.close(options)
        theirs.close()
        self._control, self._ready = ours, False

    def ask(self, job: Job, output: Output | None = None) -> Reply | Failure:
        """Answer one job in a fork of the server; restart a server that had to be ended."""
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self.start()
        problem = None if self._ready else self._await_ready()
        return problem or self._ask(job, output)

    def close(self) -> None:
        """End the server and everything that runs inside."""
        self._stop()
        self._printed.close()

    def _await_ready(self) -> Failure | None:
        assert self._control is not None
        self._control.settimeout(START_SECONDS)
        try:
            hello = self._control.recv(1000)
        except OSError:
            hello = b""
        if hello:
            self._ready = True
            return None
        tail = self._tail()
        self._stop()
        return Unavailable(message("the sandbox did not start: {reason}. Run 'grade doctor'.", reason=tail[-300:]))

    def _ask(self, job: Job, output: Output | None) -> Reply | Failure:
        assert self._control is not None
        assert self._process is not None
        read_end, write_end = os.pipe()
        descriptors = [write_end]
        try:
            descriptors += [open_read_only(path) for path in job.files.values()]
            printing = [output.write_end] if output else []
            socket.send_fds(self._control, [json.dumps(job.request(self._roots)).encode()], [*printing, *descriptors])
        except OSError as error:
            os.close(read_end)
            return Crashed(shorten(f"the job could not be handed in: {error}\n{self._tail()}"))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        if output:
            output.handed_over()
        with os.fdopen(read_end, "rb", buffering=0) as answer:
            child = Child(self._process.pid, lambda size: answer.read(size) or b"", self._stop, self._tail)
            reply = await_reply(job, child, output)
        return self._after_exit(job, reply)

    def _after_exit(self, job: Job, reply: Reply | Failure) -> Reply | Failure:
        """Wait until the server reports that the child has ended; discard a server that does not answer."""
        if self._control is None:  # ended at a limit
            return reply
        self._control.settimeout(LAST_WORDS)
        try:
            status = int(json.loads(self._control.recv(1000))["exit"])
        except (OSError, ValueError, TypeError, KeyError):
            self._stop()
            return reply
        if isinstance(reply, Crashed) and status == -signal.SIGKILL:
            return OutOfMemory(job.limits.megabytes)  # only the system kills a single child, when memory runs out
        if isinstance(reply, Crashed) and status != 0:
            return Crashed(f"{reply.tail} (ended with {status})")
        return reply

    def _tail(self) -> str:
        size = os.fstat(self._printed.fileno()).st_size
        return os.pread(self._printed.fileno(), 4000, max(0, size - 4000)).decode("utf-8", "replace").strip()

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()  # the process namespace dies with its first process
            self._process.wait()
            self._process = None
        self._ready = False
