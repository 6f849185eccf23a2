"""The fork server of a run: imports what every job and every submission needs, once, then forks cells.

It holds no label, no rubric and nothing of a submission, runs one thread, and nobody can look into it. Of our own code
it imports only what students' calls need: a fork of it would have the rest in memory. Each process of the run that
grades a submission asks on a socket of its own.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from grader.isolation import rights
from grader.probes import cell
from grader.probes import code as probes_of_code

REQUEST_BYTES = 100_000
LAST_WORDS = 5.0  # seconds for the cells to end when the run does


def prepare() -> str:
    """Import what is slow to import, and return torch's version."""
    import numpy  # noqa: F401
    import pypdf  # noqa: F401
    import torch
    import torchvision  # noqa: F401

    for found in pkgutil.iter_modules(probes_of_code.__path__):  # before any file of theirs could be taken for it
        importlib.import_module(f"{probes_of_code.__name__}.{found.name}")
    torch.set_num_threads(1)  # a child forked after a parallel region hangs in its first convolution, for ever
    with torch.no_grad():  # the first convolution of a process costs 20 ms more than the next
        torch.nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 3, 3))
    gc.collect()
    gc.freeze()  # the first collection in a child would write to every object: 85 MB copied, in a quarter of a second
    return str(torch.__version__)


def main(arguments: list[str]) -> None:
    """Serve on the socket with this number; standard input says what every cell sees. "bare" imports nothing else."""
    control = socket.socket(fileno=int(arguments[0]))
    common = json.loads(sys.stdin.buffer.read())
    os.umask(0o022)
    rights.let_look(False)
    rights.adopt_orphans()  # of a keeper that was killed
    version = "" if arguments[1:] == ["bare"] else prepare()
    control.send(json.dumps({"ready": version}).encode())
    Zygote(control, common).serve()
    os._exit(0)  # nothing is left to tidy up, and torch would take a second for it


class Zygote:
    """Forks keepers of cells, and waits for them."""

    def __init__(self, control: socket.socket, common: dict[str, object]) -> None:
        self._control = control
        self._common = common
        self._clients: dict[int, socket.socket] = {}  # processes that grade one submission each, by descriptor
        self._keepers: dict[int, int] = {}  # pid -> descriptor of it

    def serve(self) -> None:
        """Open cells until the run closes the socket."""
        while True:
            happened = self._waited(self._control.fileno(), *self._clients)
            for client in [self._clients[one] for one in happened if one in self._clients]:
                if not self._answer(client):
                    self._clients.pop(client.fileno()).close()
            if self._control.fileno() in happened and not self._answer(self._control):
                self._end()
                return

    def _waited(self, *others: int, seconds: float | None = None) -> list[int]:
        """Return the descriptors that something happened to; keepers that have ended are gone."""
        poll = select.poll()
        for descriptor in (*others, *self._keepers.values()):
            poll.register(descriptor, select.POLLIN)
        happened = [found for found, _ in poll.poll(None if seconds is None else 1000 * seconds)]
        for pid in [pid for pid, descriptor in self._keepers.items() if descriptor in happened]:
            os.close(self._keepers.pop(pid))
            os.waitpid(pid, 0)
            self._end_orphans()
        return happened

    def _answer(self, asking: socket.socket) -> bool:
        """Take one request, with the socket that came along; False where the other side has ended."""
        try:
            data, descriptors, _, _ = socket.recv_fds(asking, REQUEST_BYTES, 1)
        except ConnectionResetError:
            return False
        if not data:
            return False
        asked = json.loads(data)
        if "client" in asked:
            client = socket.socket(fileno=descriptors[0])
            self._clients[client.fileno()] = client
            answer: dict[str, object] = {"ready": True}
            to = client
        else:
            answer, to = {"keeper": self._open(asked, descriptors)}, asking
        with suppress(OSError):  # it has ended in the meantime
            to.send(json.dumps(answer).encode())
        return True

    def _open(self, own: dict[str, object], descriptors: list[int]) -> int:
        """Fork the keeper of a cell, which answers on the socket that came along."""
        asked = cell.Cell.of(self._common, own)
        with suppress(OSError):  # then the child finds out
            asked.refused_calls()  # assembled here, once for all cells
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)  # by its group it is ended, with what it has forked
                cell.close_all_but({*range(3), *descriptors})
                cell.keep(asked, socket.socket(fileno=descriptors[0]))
            except BaseException:
                traceback.print_exc()  # into the log of the run
            finally:
                os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)
        self._keepers[pid] = os.pidfd_open(pid)
        return pid

    def _end(self) -> None:
        """Wait for the keepers, whose sockets were closed too; kill those that stay."""
        until = time.monotonic() + LAST_WORDS
        while self._keepers and time.monotonic() < until:
            self._waited(seconds=LAST_WORDS)
        for pid in self._keepers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._end_orphans()

    def _end_orphans(self) -> None:
        """End what a keeper has left: nothing, unless it was killed."""
        with suppress(OSError):
            for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()):
                if pid not in self._keepers and os.getpgid(pid) != os.getpgrp():
                    os.killpg(os.getpgid(pid), signal.SIGKILL)
                    os.waitpid(pid, 0)
