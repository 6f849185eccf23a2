"""Grade each submission in a process of its own, so that whatever ends that process costs this submission alone."""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Protocol

from grader.batch.answers import OutOfTime, TooMuch, read_answer
from grader.batch.spawner import LENGTH_BYTES, RESTART, Say, Spawner, Trade
from grader.disk.scratch import leftovers_removed
from grader.gradebook.files import Graded
from grader.intake import Archive
from grader.records import Message, message
from grader.records.errors import BadLab

GRACE = 10.0  # seconds for a process that has answered to end
FORKS = sys.platform == "linux"  # macOS lacks the kind of socket that is used here


@dataclass(frozen=True, slots=True)
class Answer:
    """What the process of a submission answered; `trace` is for a bug report, `host` for another machine's name."""

    graded: Graded
    trace: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """The process of a submission ended without an answer."""

    cause: Message
    host: str = ""


class Told(Protocol):
    """What is told of one submission while it is graded, and asked; from any thread."""

    def begun(self, host: str = "") -> None:
        """Note that it is being graded from now on, by another machine if one is named."""
        ...

    def step(self, step: Message) -> None:
        """Note what is being done with it."""
        ...

    def stopping(self) -> bool:
        """Return whether it should not be begun any more."""
        ...


class Crew(Protocol):
    """Grades submissions, several at once: `grade_one` is called in threads."""

    def grade_one(self, archive: Archive, told: Told) -> Answer | Lost:
        """Grade one archive. Raises only where no other could be graded either."""
        ...

    def end(self) -> None:
        """End what is running, at once."""
        ...


class Alone:
    """Grades in this process: for systems that cannot fork."""

    def __init__(self, trade: Trade) -> None:
        self._trade = trade

    def grade_one(self, archive: Archive, told: Told) -> Answer | Lost:
        """Grade one archive."""
        told.begun()
        return Answer(*self._trade.work(archive, told.step))

    def end(self) -> None:
        """Do nothing: nothing runs beside this process."""


class Spawned:
    """Has a process forked for each submission, by a child of ours at the other end of `control`, a `Spawner`."""

    def __init__(self, control: socket.socket, pid: int, seconds: float) -> None:
        self._control, self._pid, self._seconds = control, pid, seconds
        self._lock = threading.Lock()
        self._ended = False

    def grade_one(self, archive: Archive, told: Told) -> Answer | Lost:
        """Grade one archive in a process of its own, and wait until that has ended."""
        told.begun()
        ours, theirs = socket.socketpair()
        hears, tells = os.pipe()
        with ours, os.fdopen(hears, "rb", buffering=0) as ends:
            try:
                self._ask(b"{}", [theirs.fileno(), tells])
            finally:
                theirs.close()
                os.close(tells)
            begun = self._heard(ends)
            if not isinstance(pid := begun.get("pid"), int):
                return Lost(message("no process could be started: {why}", why=str(begun.get("failed", "?"))))
            found, patience = self._answer(archive, ours, told.step)
            if not _readable(ends, patience):
                self._kill(pid)
            cause = self._cause(self._heard(ends))
        if isinstance(found, Answer):
            return found
        leftovers_removed()
        return found or cause

    def _answer(self, archive: Archive, ours: socket.socket, say: Say) -> tuple[Answer | Lost | None, float]:
        """Return what came, None where the process ended first, and how long it may go on."""
        try:
            return self._converse(archive, ours, say), GRACE
        except TooMuch:
            return Lost(message("its result was too large")), 0.0
        except OutOfTime:
            return Lost(message("it had not ended after {seconds:,.0f} seconds", seconds=self._seconds)), 0.0

    def end(self) -> None:
        """End what is running, at once, and the process that forks."""
        self._ended = True
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._control.close()
        leftovers_removed()

    def _ask(self, data: bytes, descriptors: list[int]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._control, [data], descriptors)
            except OSError as error:
                raise _no_spawner() from error

    def _heard(self, ends: IO[bytes]) -> dict[str, object]:
        """Return what the forking process says next. Raises BadLab if it has ended: no submission is to blame then."""
        told = _told(ends)
        if not told and not self._ended:
            raise _no_spawner()
        return told

    def _converse(self, archive: Archive, ours: socket.socket, say: Say) -> Answer | Lost | None:
        job = pickle.dumps(archive)
        with suppress(BrokenPipeError, ConnectionResetError):
            ours.sendall(len(job).to_bytes(LENGTH_BYTES, "big") + job)
            try:
                found = read_answer(ours, archive.student, say, time.monotonic() + self._seconds)
            except (BadLab, ValueError, LookupError, TypeError, RecursionError) as error:
                return Lost(message("its result could not be read ({kind})", kind=type(error).__name__))
            return None if found is None else Answer(*found)
        return None

    def _cause(self, told: dict[str, object]) -> Lost:
        status = told.get("exit")
        if self._ended or not isinstance(status, int):
            return Lost(message("it was ended"))
        if status == RESTART:
            return Lost(message("the sandbox ended in the middle of it"))
        if status < 0:
            return Lost(message("crashed: signal {number}", number=-status))
        return Lost(message("crashed: exit status {status}", status=status))

    def _kill(self, pid: int) -> None:
        with suppress(BadLab):
            self._ask(json.dumps({"kill": pid}).encode(), [])


class Forked(Spawned):
    """Lets it be forked by a process that was itself forked before any thread was started."""

    def __init__(self, trade: Trade, seconds: float) -> None:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        leftovers_removed()  # once: not again in each process
        super().__init__(control, fork_spawner(theirs, trade), seconds)


def fork_spawner(theirs: socket.socket, trade: Trade) -> int:
    """Fork the process that forks others, and return its number. Must be called before any thread is started."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        pid = os.fork()
        if pid == 0:
            _be_spawner(theirs, trade, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return pid


def _no_spawner() -> BadLab:
    return BadLab(message("The process that starts the others has ended. Run the command again: it goes on."))


def _readable(ends: IO[bytes], seconds: float) -> bool:
    poll = select.poll()  # unlike select, it takes descriptors above 1023
    poll.register(ends, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _told(ends: IO[bytes]) -> dict[str, object]:
    """Return the next line that the forking process says of another; nothing where it has ended itself."""
    line = bytearray()
    while (sign := ends.read(1)) not in (b"", b"\n", None):
        line += sign
    found = json.loads(line or b"{}")
    return found if isinstance(found, dict) else {}


def _be_spawner(theirs: socket.socket, trade: Trade, mask: set[int | signal.Signals]) -> None:
    status = 0
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        Spawner(theirs, trade).serve()
    except BaseException:
        status = 1
        traceback.print_exc()
    finally:
        os._exit(status)
