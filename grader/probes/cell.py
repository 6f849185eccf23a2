"""A cell: a place that holds one submission's code, or opens what was handed in, cut off from everything else.

Its keeper forks a child for each job. The child shuts itself in before it touches a byte of a submission; whatever it
leaves running ends with it. A child that fails half way runs nothing.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from grader.isolation import landlock, namespaces, rights, seccomp
from grader.isolation.landlock import DEVICE, LIST, READ, WRITE, Rule
from grader.isolation.rooms import empty, overfull
from grader.isolation.unseen import Unseen
from grader.probes.worker import answer, limit_process, lower

REQUEST_BYTES = 100_000
MOST_FILES = 200
CODE_FILE_BYTES = 32 << 20  # of one file that student code writes
PROCESSES = 64 + 2 * (os.cpu_count() or 1)  # and threads: torch starts one for each processor, and may twice
ROOM_TICK = 50  # milliseconds between two looks at what was written, where the room has no size
END_TICK = 0.005
SHARED_MEMORY = "/dev/shm"
SYS_ADMIN = 21  # linux/capability.h
OF_THE_MACHINE = ("/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/overcommit_memory")  # read by libc and libgomp


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows and how it is shut; the parent states it (grader/sandbox/view.py)."""

    backend: str  # "namespaces" or "landlock"
    code: bool  # whether its children run what a student wrote
    gpu: bool
    shown: tuple[str, ...]  # folders and files, in namespaces
    hidden: tuple[str, ...]  # folders below those
    allowed: tuple[str, ...]  # the same by Landlock, which cannot take away: without what is hidden
    listed: tuple[str, ...]  # folders of which only the names can be read
    devices: tuple[str, ...]
    rooms: tuple[str, ...]  # that may be written to; the first is the current folder
    room_bytes: int
    root: str  # an empty folder
    lab: str  # a folder with the probes that students' calls do not need

    @classmethod
    def of(cls, common: dict[str, Any], own: dict[str, Any]) -> Cell:
        """Put together what all cells of a run see and what this one does."""
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in own.items()}
        for key, value in common.items():
            values[key] = (*value, *values[key])
        return cls(**values)

    @property
    def alone(self) -> bool:
        """Return whether the processes of the cell are all that it can see."""
        return self.backend == "namespaces"

    def refused_calls(self, own: int | None = None) -> bytes:
        """Return the filter of system calls; `own` is the process where nothing else keeps its signals inside."""
        return _filter(self.alone, self.gpu, own)


def keep(cell: Cell, control: socket.socket) -> None:
    """Answer jobs until the other side closes the socket; says first whether the cell is there."""
    try:
        if cell.lab:
            _import_from(cell.lab)
        user = rights.new_user() if rights.has(rights.SETUID, rights.SETGID) else None
        if cell.alone:
            cell = replace(cell, rooms=_enter(cell, control, user))
        else:
            rights.adopt_orphans()
            sys.meta_path.insert(0, Unseen(cell.hidden))
        keeper = Keeper(cell, control, user)
    except Exception as error:
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"[:500]}).encode())
        return
    control.send(json.dumps({"ready": True}).encode())
    keeper.serve()


def _import_from(lab: str) -> None:
    """Import the other probes, beside those that are here already: once, not in each child."""
    sys.path.insert(0, lab)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "grader" and hasattr(module, "__path__"):
            module.__path__.insert(0, f"{lab}/{name.replace('.', '/')}")
    importlib.invalidate_caches()
    from grader import probes

    if "torch" not in sys.modules:  # a trial
        return
    for found in pkgutil.walk_packages(probes.__path__, f"{probes.__name__}."):
        with suppress(ImportError):  # a library that only some jobs need
            importlib.import_module(found.name)


def _enter(cell: Cell, control: socket.socket, user: int | None) -> tuple[str, ...]:
    """Go on as the first process of new namespaces; the one that forked it waits for its end. Returns its rooms."""
    rights.let_look(True)  # else its own files below /proc are root's
    namespaces.leave(with_own_users=not rights.has(SYS_ADMIN))
    rights.let_look(False)
    first = os.fork()
    if first:
        control.close()
        os.waitpid(first, 0)
        os._exit(0)
    rights.die_with(0)  # its parent is outside
    owner = os.getuid() if user is None else user
    rooms = (*cell.rooms, SHARED_MEMORY)
    tree = namespaces.Tree(cell.shown, cell.hidden, cell.devices, rooms, cell.room_bytes, owner)
    free = namespaces.enter(tree, cell.root)
    if cell.rooms[0] not in free:
        raise OSError(f"{cell.rooms[0]} lies in a folder of Python")
    return free


class Keeper:
    """Forks the children of a cell, one after the other, and ends them."""

    def __init__(self, cell: Cell, control: socket.socket, user: int | None) -> None:
        self._cell = cell
        self._control = control
        self._user = user
        counted_alone = cell.alone or user is not None  # by a user of its own, or in namespaces of its own
        self._processes = PROCESSES if counted_alone else PROCESSES + _running()

    def serve(self) -> None:
        """Answer jobs until the other side closes the socket."""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, REQUEST_BYTES, MOST_FILES)
            if not data:
                return
            request = json.loads(data)
            if "end" not in request:  # that job has ended by itself
                self._run(request, descriptors)

    def _run(self, request: dict[str, Any], descriptors: list[int]) -> None:
        read_end, write_end = os.pipe()
        keeper = os.getpid()
        child = os.fork()
        if child == 0:
            try:
                close_all_but({*range(3), *descriptors, write_end})
                self._be_child(request, descriptors, write_end, keeper)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        for descriptor in (*descriptors, write_end):
            os.close(descriptor)
        ended, goes_on = self._await(child)
        status = self._end_all(child)
        isolated = os.read(read_end, 1) == b"1"
        os.close(read_end)
        for room in self._cell.rooms:
            empty(room)
        if not goes_on:
            os._exit(0)
        told = {"exit": os.waitstatus_to_exitcode(status), "isolated": isolated, "ended": ended}
        self._control.send(json.dumps(told).encode())

    def _await(self, child: int) -> tuple[str, bool]:
        """Wait for the child, or for a reason to end it; and return whether the cell goes on."""
        descriptor = os.pidfd_open(child)
        poll = select.poll()
        for one in (descriptor, self._control.fileno()):
            poll.register(one, select.POLLIN)
        tick = None if self._cell.alone else ROOM_TICK
        try:
            while True:
                happened = [found for found, _ in poll.poll(tick)]
                if self._control.fileno() in happened:
                    return "asked", bool(self._control.recv(REQUEST_BYTES))
                if descriptor in happened:
                    return "", True
                if any(overfull(room, self._cell.room_bytes) for room in self._cell.rooms):
                    return "filled", True
        finally:
            os.close(descriptor)

    def _end_all(self, child: int) -> int:
        """End the child and whatever it has started, and return how it ended."""
        status = 0
        while True:
            with suppress(ProcessLookupError, PermissionError):
                if self._cell.alone:
                    os.kill(-1, signal.SIGKILL)  # all but this process, which is the first
                else:
                    os.killpg(child, signal.SIGKILL)  # nothing inside can leave the group
            try:
                while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                    status = found[1] if found[0] == child else status
            except ChildProcessError:
                return status
            time.sleep(END_TICK)

    # --- in the child ------------------------------------------------------------------------------------------------

    def _be_child(self, request: dict[str, Any], descriptors: list[int], told: int, keeper: int) -> None:
        os.setsid()
        rights.die_with(keeper if not self._cell.alone else 1)
        work = self._cell.rooms[0]
        os.chdir(work)
        os.environ["TMPDIR"] = os.environ["HOME"] = tempfile.tempdir = work
        if self._cell.code:
            _print_into(descriptors.pop(0))
        else:
            _print_into(os.open(os.devnull, os.O_WRONLY))
        limit_process(request, CODE_FILE_BYTES if self._cell.code else 0)
        lower(resource.RLIMIT_NPROC, self._processes)
        self._shut_in()
        os.write(told, b"1")
        os.close(told)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # programs that the code starts do not hold the answer
        with os.fdopen(descriptors[0], "wb") as out:
            answer(request, dict(zip(request["files"], descriptors[1:], strict=True)), out)
        os._exit(0)

    def _shut_in(self) -> None:
        cell, user = self._cell, self._user
        rights.forbid_capabilities()
        if user is not None:
            rights.become(user, None if cell.alone else os.geteuid())
        rights.drop_capabilities()
        rights.let_look(True)  # how much memory it uses is looked at from outside
        landlock.restrict(_rules(cell))
        stopped = cell.alone or user is not None or landlock.abi() >= landlock.STOPS_SIGNALS
        seccomp.install(cell.refused_calls(None if stopped else os.getpid()))


@cache  # to assemble one takes two milliseconds
def _filter(alone: bool, gpu: bool, own: int | None) -> bytes:
    return seccomp.program(seccomp.in_namespaces(gpu) if alone else seccomp.on_the_host(own, gpu))


def _rules(cell: Cell) -> list[Rule]:
    rules = [(path, READ) for path in cell.allowed] + [(path, LIST) for path in cell.listed]
    rules += [(path, DEVICE) for path in cell.devices]
    rules += [(path, WRITE) for path in cell.rooms]
    if cell.alone:
        return [*rules, ("/proc", READ)]
    return [*rules, (f"/proc/{os.getpid()}", READ), *((path, READ) for path in OF_THE_MACHINE)]


def _print_into(descriptor: int) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(descriptor, number)
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)  # by lines: what was printed before a child is ended is not lost
    os.close(descriptor)
    faulthandler.enable(2)  # where an interpreter crashes is printed


def close_all_but(kept: set[int]) -> None:
    """Close every other descriptor."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(name) not in kept:
            with suppress(OSError):  # the folder that is being listed
                os.close(int(name))


def _running() -> int:
    """Return how many processes this user may have already, at most; no list shows those of other containers."""
    most = 0
    while True:
        child = os.fork()
        if child == 0:
            _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
            resource.setrlimit(resource.RLIMIT_NPROC, (most, hard))
            try:
                if os.fork() == 0:
                    os._exit(0)
                os.wait()
            except OSError:
                os._exit(1)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 or most > 1 << 22:
            return most
        most = 2 * most + 64
