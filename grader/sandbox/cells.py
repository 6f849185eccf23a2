"""Hand jobs to a cell, and discard a cell that does not do as it should."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from grader.disk.scratch import scratch
from grader.evidence import Crashed, Failure, OutOfMemory, Unavailable
from grader.evidence.wording import shorten
from grader.probes.files import open_read_only
from grader.probes.roots import Roots
from grader.records import message
from grader.sandbox.interface import Job, Reply
from grader.sandbox.output import Output
from grader.sandbox.server import ForkServer, NotStarted, Opened
from grader.sandbox.view import View
from grader.sandbox.watch import Child, await_reply

LAST_WORDS = 5.0  # seconds for the keeper to report the end of a child that has answered, or was ended


class Cell:
    """A cell of a fork server; opened at the first job, and again after it had to be discarded."""

    def __init__(
        self, server: ForkServer, view: Callable[[], View], roots: Callable[[Path], Roots] | None = None
    ) -> None:
        self._server = server
        self._view = view
        self._roots = roots
        self._kept = ExitStack()
        self._place: Path | None = None
        self._opened: Opened | None = None

    @property
    def pid(self) -> int:
        """Return the process id of the keeper, the ancestor of all that runs in the cell."""
        assert self._opened is not None
        return self._opened.pid

    @property
    def work(self) -> Path:
        """Return the folder inside that can be written to."""
        if self._place is None:
            self._place = self._kept.enter_context(scratch("cell"))
        return self._place / "work"

    def ask(self, job: Job, output: Output | None = None) -> Reply | Failure:
        """Answer one job in a fork of the fork server's fork."""
        found = self._ask_once(job, output)
        return found if found is not None else self._ask_once(job, output) or _gone()

    def _ask_once(self, job: Job, output: Output | None) -> Reply | Failure | None:
        """Answer a job; None where the cell had ended before it could take the job."""
        if self._opened is None:
            try:
                self._opened = self._server.open(self._view(), self.work.parent, code=output is not None)
            except NotStarted as error:
                self.close()
                why = str(error)[-300:]
                return Unavailable(message("the sandbox did not start: {reason}. Run 'grade doctor'.", reason=why))
        return self._ask(job, self._opened, output)

    def close(self) -> None:
        """End everything that runs inside, and remove what it wrote."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened.control.settimeout(LAST_WORDS)
            try:
                opened.control.shutdown(socket.SHUT_WR)
                while opened.control.recv(1000):
                    pass
            except OSError:
                _kill(opened.pid)
            opened.control.close()
        self._kept.close()
        self._place = None

    def _ask(self, job: Job, opened: Opened, output: Output | None) -> Reply | Failure | None:
        read_end, write_end = os.pipe()
        descriptors = [write_end]
        try:
            descriptors += [open_read_only(path) for path in job.files.values()]
            printing = [output.write_end] if output else []
            request = json.dumps(job.request(self._roots(self.work) if self._roots else None)).encode()
            socket.send_fds(opened.control, [request], [*printing, *descriptors])
        except (BrokenPipeError, ConnectionResetError):
            os.close(read_end)
            self.close()
            return None
        except OSError as error:
            os.close(read_end)
            return Crashed(shorten(f"the job could not be handed in: {error}\n{self._server.tail()}"))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        if output:
            output.handed_over()
        told: dict[str, object] = {}

        def end() -> None:
            told.update(self._ended(opened, asked=True))

        with os.fdopen(read_end, "rb", buffering=0) as answer:
            child = Child(opened.pid, lambda size: answer.read(size) or b"", end, self._server.tail)
            reply = await_reply(job, child, output)
        return self._after_end(job, reply, told or self._ended(opened))

    def _ended(self, opened: Opened, asked: bool = False) -> dict[str, object]:
        """Return what the keeper says of the child's end; a cell that says nothing is discarded."""
        told: dict[str, object] = {}
        for ends in (True,) if asked else (False, True):  # a child that has answered may stay for a moment, not longer
            with suppress(OSError, ValueError):
                opened.control.settimeout(LAST_WORDS)
                if ends:
                    opened.control.send(b'{"end": true}')
                told = json.loads(opened.control.recv(1000))
                break
        if "exit" not in told:
            _kill(opened.pid)
            self.close()
            return {"lost": True}
        opened.control.settimeout(None)
        return told

    def _after_end(self, job: Job, reply: Reply | Failure, told: dict[str, object]) -> Reply | Failure:
        if told.get("isolated") is False:
            sentence = message("the sandbox could not shut itself in, so nothing was run in it. Run 'grade doctor'.")
            return Unavailable(sentence)
        if isinstance(reply, Crashed) and "lost" in told:  # nothing inside can end the keeper
            return _gone()
        status = told.get("exit")
        if not isinstance(reply, Crashed) or not isinstance(status, int) or status == 0:
            return reply
        if told.get("ended") == "filled":
            return Crashed(shorten(f"{reply.tail} (ended: it wrote too much)"))
        if told.get("ended") == "asked":  # it had closed its answer, and stayed
            return reply
        if status == -signal.SIGKILL:
            return OutOfMemory(job.limits.megabytes)  # only the system kills a single child, when memory runs out
        return Crashed(f"{reply.tail} (ended with {status})")


def _gone() -> Unavailable:
    return Unavailable(message("the sandbox ended in the middle of a job. Run 'grade doctor'."))


def _kill(pid: int) -> None:
    """End a keeper that does not answer; the fork server ends what it leaves."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
