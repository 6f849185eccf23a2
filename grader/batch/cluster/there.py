"""What a worker does: called by Dask in one of its threads, for each submission."""

from __future__ import annotations

import pickle
import shutil
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from distributed import Worker, WorkerPlugin, get_worker
from pydantic import TypeAdapter

from grader.batch.answers import answer_frames
from grader.batch.cluster import sets
from grader.batch.cluster.identity import difference, identity
from grader.batch.cluster.parcels import Job, Sent, unpacked
from grader.batch.cluster.station import Station
from grader.batch.crew import Lost
from grader.batch.setup import wants_gpu
from grader.intake import Archive
from grader.records import Message, message
from grader.records.errors import GraderError

ROOM_MB = 500  # in the temporary folder: a submission may unpack to 200, and its copy for the sandbox takes as much
TOPIC = "grade"
MOST_STATIONS = 3
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


def grade_there(packed: bytes) -> bytes:
    """Grade one submission, and return a `Sent`."""
    return pickle.dumps(_grade(pickle.loads(packed)))  # noqa: S301 - from the command, which may run code here anyway


def end_there(run: str) -> None:
    """End what is running of a run. Called by the command when it ends."""
    threading.Thread(target=_STATIONS.end, args=(run,), daemon=True).start()  # the worker itself must not wait


class Leaving(WorkerPlugin):
    """Ends what a worker is grading when it goes: nobody would hear of it, and Dask would wait for it."""

    def teardown(self, worker: Worker) -> None:
        """End all runs."""
        for run in list(_STATIONS.found):
            end_there(run)


def _grade(job: Job) -> Sent:
    worker = get_worker()
    here = Sent(socket.gethostname(), worker.address)
    try:
        if (unfit := _unfit(job)) is not None:
            return replace(here, unfit=unfit)
        images = None if job.images is None else sets.found(job.images)
        if job.images is not None and images is None:
            return replace(here, wants="images")
        with unpacked(job) as archive:
            if archive is None:
                return replace(here, wants="files")
            spec = replace(job.spec, images=images or job.spec.images, jobs=worker.state.nthreads, host=here.host)
            with _STATIONS.at(job.run, lambda: Station(spec)) as station:
                return _graded(station, archive, job, here)
    except GraderError as error:
        return replace(here, unfit=error.message)
    except OSError as error:
        return replace(
            here,
            unfit=message("{place}: {reason}", place=str(error.filename or "?"), reason=error.strerror or str(error)),
        )


def _unfit(job: Job) -> Message | None:
    """Return why this machine must not grade for that command; None if it may."""
    ours = identity()
    if (found := difference(ours, dict(job.versions))) is not None:
        return message("it has {difference}", difference=found)
    if wants_gpu(job.spec.options) != job.gpu:
        return message(
            "one of both machines has a GPU and the other has none; say --device cpu, or --device cuda on a machine"
            " that has one"
        )
    folder = tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free // 1_000_000) < ROOM_MB:
        return message("its temporary folder {folder} is full ({free} MB are free)", folder=folder, free=free)
    return None


def _graded(station: Station, archive: Archive, job: Job, here: Sent) -> Sent:
    try:
        found = station.grade_one(archive, _Telling(job.number, here.host))
    except GraderError:
        _STATIONS.end(job.run)
        return replace(here, lost=message("the process that starts the others has ended"))
    if isinstance(found, Lost):
        return replace(here, lost=found.cause)
    return replace(here, frames=answer_frames(found.graded, found.trace))


@dataclass(frozen=True)
class _Telling:
    """Tells the command what is done, by way of the scheduler."""

    number: str
    host: str

    def begun(self, host: str = "") -> None:
        del host
        self._tell({"begun": self.host})

    def step(self, step: Message) -> None:
        self._tell({"step": _MESSAGE.dump_json(step).decode()})

    def stopping(self) -> bool:
        return False

    def _tell(self, what: dict[str, str]) -> None:
        get_worker().log_event(TOPIC, {"number": self.number, **what})


@dataclass
class _Stations:
    """The stations of this worker, one for each run; where there are many, those that nobody uses are ended."""

    found: dict[str, Station] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def at(self, run: str, build: Callable[[], Station]) -> Iterator[Station]:
        """Give the station of a run. Raises BadLab if it cannot be set up."""
        with self.lock:
            if run not in self.found:
                self._make_room()
                self.found[run] = build()
            self.used[run] += 1
            station = self.found[run]
        try:
            yield station
        finally:
            self.used[run] -= 1

    def end(self, run: str) -> None:
        """End the station of a run, and what it runs."""
        with self.lock:
            station = self.found.pop(run, None)
        if station is not None:
            station.end()

    def _make_room(self) -> None:
        idle = [run for run in self.found if not self.used[run]]
        for run in idle if len(self.found) >= MOST_STATIONS else ():  # of commands that were killed
            self.found.pop(run).end()


_STATIONS = _Stations()
