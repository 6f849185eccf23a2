"""The process that forks one process for each submission: it has imported the grader, and runs a single thread.

The command itself runs threads, which a fork does not survive, so it forks this one before it starts any.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import select
import signal
import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from grader.batch.answers import answer_frames, step_frame
from grader.gradebook.files import Graded
from grader.intake import Archive
from grader.records import Message
from grader.sandbox.interface import exactly
from grader.sandbox.watch import tree

try:
    import resource
except ImportError:  # Windows, where nothing is forked
    resource = None  # type: ignore[assignment]

LENGTH_BYTES = 8
RESTART = 77  # the exit status of a process that lost the fork server: its answer says nothing
KILLED_FIRST = 500  # where memory runs out, a submission's process goes before the command
ADDRESS_SPACE = 6_000  # MB beside those of --memory: what is mapped, not used

Say = Callable[[Message], None]
Work = Callable[[Archive, Say], tuple[Graded, str]]


class Restart(Exception):
    """What this process shared with others has ended: somebody has to start it again, and this one."""


@dataclass(frozen=True)
class Trade:
    """What each process does, what to do before one is forked, and the descriptors that both need."""

    work: Work
    before: Callable[[], None] = lambda: None
    descriptors: Callable[[], tuple[int, ...]] = tuple
    megabytes: int = 0  # of memory; 0 where a process starts others, which have limits of their own


@dataclass
class Spawner:
    """Forks a process for each pair of descriptors that comes along, and tells how each ended."""

    control: socket.socket
    trade: Trade
    told: dict[int, int] = field(default_factory=dict)  # pid -> the pipe to tell of its end

    def serve(self) -> None:
        """Work until the other side ends; then end what is running."""
        os.setsid()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the command decides when to end
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(ended, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        close_all_but({*range(3), self.control.fileno(), ended, wake, *self.trade.descriptors()})
        gc.collect()
        gc.freeze()  # pages that no collection touches stay shared
        poll = select.poll()  # unlike select, it takes descriptors above 1023
        poll.register(self.control, select.POLLIN)
        poll.register(ended, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ended in ready:
                os.read(ended, 1 << 16)
                self._reap()
            if self.control.fileno() in ready and not self._take():
                break
        for pid in self.told:
            _kill(pid)
        while self.told:
            self._reap(block=True)

    def _take(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self.control, 1000, 2)
        if not data:
            return False
        asked = json.loads(data)
        if "kill" in asked:
            if asked["kill"] in self.told:
                _kill(asked["kill"])
            return True
        self._fork(*descriptors)
        return True

    def _fork(self, conversation: int, told: int) -> None:
        try:
            self.trade.before()
            pid = os.fork()
        except OSError as error:
            os.write(told, json.dumps({"failed": error.strerror or str(error)}).encode() + b"\n")
            os.close(told)
        else:
            if pid == 0:
                self._be_child(conversation)
            self.told[pid] = told
            with suppress(BrokenPipeError):  # nobody is listening any more
                os.write(told, json.dumps({"pid": pid}).encode() + b"\n")
        os.close(conversation)

    def _reap(self, block: bool = False) -> None:
        for pid in list(self.told):
            found, status = os.waitpid(pid, 0 if block else os.WNOHANG)
            if found:
                told = self.told.pop(pid)
                with suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)  # what it has left
                with suppress(OSError):  # nobody is listening any more
                    os.write(told, json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
                os.close(told)

    # --- in the child ------------------------------------------------------------------------------------------------

    def _be_child(self, conversation: int) -> None:
        status = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            close_all_but({*range(3), conversation, *self.trade.descriptors()})
            _limit(self.trade.megabytes)
            status = self._work(socket.socket(fileno=conversation))
        except Restart:
            status = RESTART
        except (EOFError, BrokenPipeError):  # whoever asked has ended
            status = 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _work(self, conversation: socket.socket) -> int:
        size = int.from_bytes(exactly(conversation.recv, LENGTH_BYTES), "big")
        archive = pickle.loads(exactly(conversation.recv, size))  # noqa: S301 - from the command itself
        graded, trace = self.trade.work(archive, lambda step: conversation.sendall(step_frame(step)))
        conversation.sendall(answer_frames(graded, trace))
        return 0


def close_all_but(kept: set[int]) -> None:
    """Close every other descriptor: locks among them are the command's alone."""
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if number not in kept:
            with suppress(OSError):  # the folder that is being listed
                os.close(number)


def _limit(megabytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = (megabytes + ADDRESS_SPACE) << 20
    if megabytes:
        resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
    with suppress(OSError):
        file = os.open("/proc/self/oom_score_adj", os.O_WRONLY)  # a Path would touch, and so copy, many more pages
        os.write(file, b"%d" % KILLED_FIRST)
        os.close(file)


def _kill(pid: int) -> None:
    for one in tree(pid):  # a sandbox that isolates nothing runs jobs in groups of their own
        with suppress(psutil.Error):
            one.kill()
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(OSError):  # not yet in a group of its own
        os.kill(pid, signal.SIGKILL)
