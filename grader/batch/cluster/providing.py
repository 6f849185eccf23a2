"""Give a worker what it lacks, or have it leave where it can grade nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from distributed import Client

from grader.batch.cluster import sets
from grader.batch.cluster.parcels import DataSet, Sent
from grader.batch.cluster.watching import Say
from grader.records import Message, message


@dataclass
class Provider:
    """Serves the workers of one run, in the threads that wait for submissions. `sends`: their files, from now on."""

    client: Client
    images: DataSet | None
    say: Say
    sends: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _sent_away: set[str] = field(default_factory=set)

    def provide(self, asked: Sent) -> None:
        """Do what a worker asks for."""
        with self._lock:
            one_at_a_time = self._locks.setdefault(asked.worker, threading.Lock())
        with one_at_a_time:
            if asked.wants == "files":
                self.sends = True  # it could not read a submission where that lies
            elif asked.wants == "images":
                if why := self._supplied(asked.worker):
                    self._leave(asked, message("it cannot keep the images ({why})", why=why))
            elif asked.unfit is not None:
                self._leave(asked, asked.unfit)

    def _supplied(self, worker: str) -> str:
        """Send the images. Returns why that failed, or ""."""
        images = self.images
        assert images is not None
        if self._on(worker, sets.holds, images):  # another thread of ours was faster
            return ""
        for name, place, data in sets.parts(images):
            if why := self._on(worker, sets.put, images.key, name, place, data):
                return str(why)
        return str(self._on(worker, sets.finished, images) or "")

    def _on(self, worker: str, function: Callable[..., object], *arguments: object) -> object:
        found: dict[str, object] = self.client.run(function, *arguments, workers=[worker], on_error="ignore")
        return found.get(worker)  # nothing from one that has ended meanwhile

    def _leave(self, asked: Sent, cause: Message) -> None:
        if asked.worker in self._sent_away:  # another submission has found the same
            return
        self._sent_away.add(asked.worker)
        self.client.sync(self._sent_off, asked.worker)
        sentence = message(
            "{host} cannot grade: {cause}. Its worker was sent away; the others go on. Set that right, and start it"
            " again.",
            host=asked.host,
            cause=cause,
        )
        self.say(sentence)

    async def _sent_off(self, worker: str) -> None:
        assert self.client.scheduler is not None
        await self.client.scheduler.grade_leave(worker=worker)
