"""`grade worker`: Dask's worker with what grading needs set. It joins only a scheduler of the same versions."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dask
import psutil
from distributed import Nanny
from distributed.core import rpc

from grader.batch.cluster.identity import difference, identity
from grader.batch.cluster.reach import Address, reach
from grader.batch.cluster.scheduler import LOOPBACK, SETTINGS, signalled
from grader.batch.cluster.there import Leaving
from grader.batch.crew import FORKS
from grader.records import Message, message
from grader.records.errors import BadLab

STAGGER = 0.1  # of its lifetime: so that not all workers of a queue leave at once
LEAVING = 10.0  # seconds
LOCAL = (LOOPBACK, "localhost")  # a scheduler there can be reached from nowhere else


@dataclass(frozen=True)
class Terms:
    """How much a worker does, at which of its addresses, and for how many seconds."""

    slots: int
    host: str | None = None
    lifetime: float | None = None


def work(there: Address, terms: Terms, tell: Callable[[str], None]) -> None:
    """Work until a signal comes, the lifetime is over or the scheduler goes. Raises BadLab."""
    if not FORKS:
        raise BadLab(message("A worker needs Linux."))
    reach(there)
    asyncio.run(_work(there, terms, tell))


async def _work(there: Address, terms: Terms, tell: Callable[[str], None]) -> None:
    name = f"{socket.gethostname()}-{os.getpid()}"
    security = there.keys.security()
    await _admitted(there, name, security.get_connection_args("worker"))
    with dask.config.set(SETTINGS):
        nanny = Nanny(
            str(there), nthreads=terms.slots, memory_limit=0, name=name, security=security,
            host=terms.host or (LOOPBACK if there.host in LOCAL else None),
            dashboard=False, dashboard_address=f"{LOOPBACK}:0", plugins=(Leaving(),),
        )  # fmt: skip
        try:
            await nanny
        except (OSError, RuntimeError, ValueError) as error:
            raise BadLab(_not_joined(there, error)) from error
        tell(name)
        await _until_the_end(nanny, there, terms)


async def _admitted(there: Address, name: str, connection: dict[str, Any]) -> None:
    try:
        async with rpc(str(there), connection_args=connection) as scheduler:
            theirs = await asyncio.wait_for(scheduler.grade_join(name=name, theirs=identity()), LEAVING)
    except (OSError, ValueError, TypeError) as error:
        raise BadLab(not_ours(there)) from error
    if theirs is None:  # what Dask answers to a word that it does not know
        raise BadLab(not_ours(there))
    if (found := difference(identity(), theirs)) is not None:
        sentence = message(
            "{address} refuses the worker {name}: this machine has {difference}. Install the same as on the scheduler's"
            " machine, and start the worker again.",
            address=str(there),
            name=name,
            difference=found,
        )
        raise BadLab(sentence)


def not_ours(there: Address) -> Message:
    """Return that something else answers there."""
    return message("{address} is no scheduler that 'grade scheduler' has started. Start one.", address=str(there))


async def _until_the_end(nanny: Nanny, there: Address, terms: Terms) -> None:
    told, ended = asyncio.create_task(signalled()), asyncio.create_task(nanny.finished())
    seconds = terms.lifetime and terms.lifetime * random.uniform(1 - STAGGER, 1)  # noqa: S311 - no secret
    await asyncio.wait((told, ended), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if ended.done():
        raise BadLab(await asyncio.get_running_loop().run_in_executor(None, _why_ended, there))
    await _left(nanny, there)
    ended.cancel()


async def _left(nanny: Nanny, there: Address) -> None:
    """Have the scheduler give what is running to others, and end."""
    with suppress(OSError, TimeoutError):
        async with rpc(str(there), connection_args=nanny.security.get_connection_args("worker")) as scheduler:
            await asyncio.wait_for(scheduler.grade_leave(worker=nanny.worker_address), LEAVING)
    try:
        await asyncio.wait_for(nanny.close(timeout=LEAVING, reason="ended by its command"), 2 * LEAVING)
    except (OSError, TimeoutError):  # its process was just being started
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                one.kill()


def _why_ended(there: Address) -> Message:
    try:
        reach(there)
    except BadLab:
        return message(
            "The scheduler at {address} has ended or can no longer be reached, so this worker has ended too. Start it"
            " again when the scheduler runs.",
            address=str(there),
        )
    return message(
        "This worker was sent away: it could not grade. The command that uses {address} has printed why. Set that"
        " right, and start it again.",
        address=str(there),
    )


def _not_joined(there: Address, error: Exception) -> Message:
    return message("{address} did not take this worker: {why}.", address=str(there), why=str(error)[:300])
