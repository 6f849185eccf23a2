"""`grade scheduler`: Dask's scheduler with what grading needs set, which lets nobody in who differs from it."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import dask
from distributed import Scheduler
from distributed.utils import get_ip

from grader.batch.cluster.certificates import Keys
from grader.batch.cluster.identity import difference, identity
from grader.batch.cluster.reach import Address
from grader.records import Message, message
from grader.records.errors import BadLab

LOOPBACK = "127.0.0.1"
MOST_REFUSED = 100
REMEMBERED = 600.0  # seconds: somebody may have put it right since
SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # a task whose worker died is looked at by us
    "distributed.scheduler.worker-saturation": 1.0,  # nobody waits on a worker: its death would be blamed on them too
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}


class GradeScheduler(Scheduler):
    """Knows its own versions, and who was refused because of others."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._ours = identity()
        self._refused: list[tuple[float, dict[str, str]]] = []
        self.handlers["grade_join"] = self.grade_join
        self.handlers["grade_state"] = self.grade_state
        self.handlers["grade_leave"] = self.grade_leave

    async def grade_join(self, name: str, theirs: dict[str, str]) -> dict[str, str]:
        """Return the versions that a worker must have; one that has others is noted."""
        if difference(theirs, self._ours) is not None:
            del self._refused[: -MOST_REFUSED + 1]
            self._refused.append((time.monotonic(), {"name": name, **theirs}))
        return self._ours

    async def grade_leave(self, worker: str) -> None:
        """Let a worker go, for good: what it was doing is given to others, without blame.

        Dask's own way to retire one gives up where no other could take over results that are not fetched yet.
        """
        await self.remove_worker(worker, stimulus_id="grade-leave", expected=True, close=True)

    async def grade_state(self) -> dict[str, Any]:
        """Return what a command wants to know."""
        return {
            "identity": self._ours,
            "workers": len(self.workers),
            "slots": self.total_nthreads,
            "refused": [one for at, one in self._refused if time.monotonic() - at < REMEMBERED],
        }


def serve(host: str | None, port: int, keys: Keys, ready: Callable[[Address], None]) -> None:
    """Run until a signal comes. Raises BadLab if the port is taken or the address is none of this machine's."""
    asyncio.run(_serve(host, port, keys, ready))


async def _serve(host: str | None, port: int, keys: Keys, ready: Callable[[Address], None]) -> None:
    bound = host or ("" if keys.folder else LOOPBACK)
    settings: dict[str, Any] = {"security": keys.security(), "dashboard": False, "dashboard_address": f"{LOOPBACK}:0"}
    with dask.config.set(SETTINGS):
        try:
            scheduler = await GradeScheduler(host=bound, port=port, protocol=f"{keys.scheme}://", **settings)
        except (OSError, RuntimeError, ValueError) as error:
            raise BadLab(_why(error, bound, port)) from error
        shown = get_ip() if bound in ("", "0.0.0.0", "::") else bound  # noqa: S104
        ready(Address(shown, scheduler.port, keys))
        await signalled()
        await scheduler.close(reason="ended by its command")


async def signalled() -> None:
    """Wait until this process is asked to end."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()


def _why(error: Exception, host: str, port: int) -> Message:
    reason: BaseException = error
    while reason.__cause__ is not None and not isinstance(reason, OSError):
        reason = reason.__cause__
    why = getattr(reason, "strerror", None) or str(reason)
    return message(
        "The scheduler cannot listen at {host}:{port} on {machine}: {why}. Choose another one with --host and --port.",
        host=host or "*",
        port=port,
        machine=socket.gethostname(),
        why=why,
    )
