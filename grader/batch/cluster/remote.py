"""A crew that has each submission graded by a worker: sends it, and waits for what comes back."""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from distributed import Client, Future, KilledWorker
from pydantic import TypeAdapter

from grader.batch.answers import TooMuch, answer_in
from grader.batch.cluster.identity import identity
from grader.batch.cluster.parcels import DataSet, Job, Sent, TooLarge, digest_of, packed, paths_of
from grader.batch.cluster.providing import Provider
from grader.batch.cluster.there import TOPIC, end_there, grade_there
from grader.batch.cluster.watching import Watch
from grader.batch.crew import Answer, Lost, Told
from grader.batch.run import patience
from grader.batch.setup import SetupSpec, made_by, wants_gpu
from grader.batch.unopened import unmarked
from grader.gradebook.files import Graded
from grader.intake import Archive
from grader.records import Message, message
from grader.records.errors import BadLab

TICK = 0.5  # seconds between two looks at whether to stop
LATE = 60.0  # seconds beyond the time after which a worker itself ends a submission
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


@dataclass(frozen=True)
class Common:
    """What the jobs of one run have in common."""

    spec: SetupSpec
    images: DataSet | None
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    versions: tuple[tuple[str, str], ...] = field(default_factory=lambda: tuple(identity().items()))

    def job(self, archive: Archive) -> Job:
        """Return the job of one submission. Raises OSError."""
        pieces = tuple(replace(piece, path=piece.path.absolute()) for piece in archive.pieces)
        whole = replace(archive, path=archive.path.absolute(), pieces=pieces)
        digests = tuple(map(digest_of, paths_of(whole)))
        gpu = wants_gpu(self.spec.options)
        return Job(uuid.uuid4().hex, self.run, self.spec, self.images, self.versions, gpu, whole, digests)


class Remote:
    """Has submissions graded by workers: `grade_one` sends one and waits for it."""

    def __init__(self, client: Client, watch: Watch, common: Common) -> None:
        self._client, self._watch, self._common = client, watch, common
        self._ended = False
        self._open: dict[str, _Waiting] = {}
        self._provider = Provider(client, common.images, watch.say)
        client.subscribe_topic(TOPIC, self._heard)

    def grade_one(self, archive: Archive, told: Told) -> Answer | Lost:
        """Have one submission graded. Raises BadLab if the scheduler is gone, CancelledError if it need not begin."""
        try:
            job = self._common.job(archive)
            while True:
                if self._provider.sends and job.content is None:
                    job = replace(job, content=tuple(map(packed, paths_of(archive))))
                found = self._sent(job, told)
                if isinstance(found, Lost):
                    return found
                if found.frames or found.lost:
                    return _answer(found, archive)
                self._provider.provide(found)
        except OSError as error:
            why = error.strerror or str(error)
            return self._unread(archive, message("{path} cannot be read: {why}.", path=archive.name, why=why))
        except TooLarge:
            sentence = message(
                "{path} is too large to be sent to a worker. Put it where the workers can read it, under the same path,"
                " or grade it on this machine.",
                path=archive.name,
            )
            return self._unread(archive, sentence)

    def end(self) -> None:
        """End what is running, on all workers."""
        self._ended = True
        if not self._watch.gone:
            with suppress(Exception):  # whoever cannot be reached ends it by its own limits
                self._client.run(end_there, self._common.run, on_error="ignore")

    def _sent(self, job: Job, told: Told) -> Sent | Lost:
        future = self._client.submit(
            grade_there, pickle.dumps(job), key=f"grade-{job.number}-{uuid.uuid4().hex}", pure=False, retries=0
        )
        waiting = self._open[job.number] = _Waiting(told)
        future.add_done_callback(lambda _: waiting.done.set())
        try:
            return self._waited(future, waiting)
        finally:
            del self._open[job.number]

    def _waited(self, future: Future[bytes], waiting: _Waiting) -> Sent | Lost:
        late = patience(self._common.spec.options) + LATE
        while not waiting.done.wait(TICK):
            if self._watch.gone:
                raise self._watch.lost()
            if self._ended:
                future.cancel()
                return Lost(message("it was ended"))
            if waiting.since is None and waiting.told.stopping():
                future.cancel()
                raise CancelledError
            if waiting.since is not None and time.monotonic() - waiting.since > late:
                future.cancel()
                cause = message("{host} has not answered for {seconds:,.0f} seconds", host=waiting.host, seconds=late)
                return Lost(cause, waiting.host)
        return self._result(future, waiting)

    def _result(self, future: Future[bytes], waiting: _Waiting) -> Sent | Lost:
        try:
            found: Sent = pickle.loads(future.result(timeout=LATE))  # noqa: S301 - from a worker that holds our key
        except KilledWorker as error:
            name, host = str(error.last_worker.name), waiting.host or error.last_worker.host
            cause = message("its worker ended or was cut off ({name} on {host})", name=name, host=host)
            return Lost(cause, waiting.host)
        except CancelledError:
            if self._ended:
                return Lost(message("it was ended"))
            raise self._watch.lost() from None
        except Exception as error:
            if self._watch.gone or self._client.status != "running":
                raise self._watch.lost() from error
            why = f"{type(error).__name__}: {error}"[:300]
            return Lost(message("its worker failed ({why})", why=why), waiting.host)
        return found

    def _unread(self, archive: Archive, cause: Message) -> Answer:
        return Answer(Graded(unmarked(archive, cause, self._common.spec.rubric, made_by()), None))

    def _heard(self, event: tuple[float, Mapping[str, Any]]) -> None:
        _, what = event
        waiting = self._open.get(what["number"])
        if waiting is None:
            return
        if "begun" in what:
            waiting.begun(str(what["begun"]))
        else:
            waiting.told.step(_MESSAGE.validate_json(what["step"]))


@dataclass
class _Waiting:
    """A submission that was sent."""

    told: Told
    done: threading.Event = field(default_factory=threading.Event)
    since: float | None = None
    host: str = ""

    def begun(self, host: str) -> None:
        self.host, self.since = host, time.monotonic()
        self.told.begun(host)


def _answer(found: Sent, archive: Archive) -> Answer | Lost:
    if found.lost is not None:
        return Lost(message("{cause} ({host})", cause=found.lost, host=found.host), found.host)
    try:
        return Answer(*answer_in(found.frames, archive.student), found.host)
    except (BadLab, ValueError, LookupError, TypeError, RecursionError, TooMuch) as error:
        return Lost(message("its result could not be read ({kind})", kind=type(error).__name__), found.host)
