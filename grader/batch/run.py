"""One run of `grade` over an output folder: use what it holds already, grade the rest, and keep a journal of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from grader.batch.crew import FORKS, Alone, Crew, Forked
from grader.batch.jobs import this_machine
from grader.batch.keys import common, size
from grader.batch.many import Done, Finished, Loop, Task, Turns, Watcher, graded_here, groups_of, tasks_of
from grader.batch.one import Setup
from grader.batch.results import Results
from grader.batch.setup import Options, SetupSpec, open_setup, wants_gpu
from grader.batch.spawner import Trade
from grader.dataset import ImageSet
from grader.gradebook.files import Graded
from grader.gradebook.journal import Journal, killers
from grader.gradebook.publish import Publisher, Written
from grader.intake import Archive
from grader.records import Message
from grader.records.errors import BadLab
from grader.sandbox import Shared

AT_MOST = 2.0  # times --time-limit: a process that has not ended then is ended
BESIDE = 300.0  # seconds for what --time-limit leaves out: waiting for the fork server, removing folders


@dataclass
class Run:
    """The submissions of one run. First `reused`, then `graded`: each yields what it has published."""

    spec: SetupSpec
    archives: Sequence[Archive]
    publisher: Publisher
    journal: Journal
    results: Results
    left: list[Task] = field(default_factory=list)  # for `graded`
    held: list[tuple[Task, Finished]] = field(default_factory=list)  # until other attempts of the student are graded
    place: Place | None = None  # where it is graded; None: here

    def __post_init__(self) -> None:
        before = killers(self.spec.options.out)
        for task in tasks_of(self.archives):
            key = self.results.key(task.archive)
            self.left.append(replace(task, key=key, size=size(task.archive), alone=key in before))

    @cached_property
    def jobs(self) -> int:
        """How many submissions are graded at a time: no more than `reused` has left. Memory is looked at once."""
        if self.place is not None:
            return max(1, min(self.place.slots(), len(self.left)))
        options = self.spec.options
        asked = options.jobs or (1 if wants_gpu(options) else this_machine().jobs)  # each would fill the GPU's memory
        return max(1, min(asked, len(self.left))) if FORKS else 1

    def reused(self) -> Generator[Done, None, None]:
        """Yield what was graded before, published again: its student, its deadline and its page may be others today."""
        tasks, self.left = self.left, []
        for group in groups_of(tasks):
            yield from self._reused(group)
        self.left.sort(key=lambda task: task.number)

    def _reused(self, group: Sequence[Task]) -> Generator[Done, None, None]:
        """Yield the attempts of a student, as long as none is to be graded: an earlier one must not count meanwhile."""
        found = [(task, self._found(task)) for task in group]
        whole = all(finished is not None for _, finished in found)
        for task, finished in found:
            if finished is None:
                self.left.append(task)
            elif not whole:
                self.held.append((task, finished))
            elif (written := self._published_again(task, finished)) is None:
                whole = False
                self.left.append(task)
            else:
                yield Done(task, finished, written)

    def _published_again(self, task: Task, finished: Finished) -> Written | None:
        """Publish a result from before; None if that fails: where it is graded again, a bug of ours is told."""
        try:
            return self._published(task, finished)
        except BadLab:
            raise
        except Exception:
            return None

    def _found(self, task: Task) -> Finished | None:
        kept = self.results.find(task.archive, task.key, self.spec.options.as_written)
        return None if kept is None else Finished(kept, before=True)

    def graded(self, watcher: Watcher) -> Generator[Done, None, None]:
        """Grade the rest and yield it as it comes. Raises BadLab."""
        spec, place = replace(self.spec, jobs=self.jobs), self.place or _Here(self.jobs)
        self.journal.write("run", submissions=len(self.archives), left=len(self.left), jobs=self.jobs)
        if not self.left:
            self.journal.write("end")
            return
        with place.opened(spec) as (setup, crew):
            executor = ThreadPoolExecutor(place.most)
            noting = _Noting(watcher, self.journal)
            turns = Turns(self.left, self.held)
            try:
                yield from Loop(crew, executor, place.slots, setup, self._published, noting, turns).run(self.left)
            finally:
                noting.ending = True  # what is running ends by our hand
                executor.shutdown(wait=False, cancel_futures=True)
                crew.end()
                executor.shutdown()
        if not watcher.stopping():
            self.journal.write("end")

    def _published(self, task: Task, finished: Finished) -> Written:
        graded = self._identified(task, finished.graded)
        written = self.publisher(graded)
        if finished.before:
            return written
        if self.results.key(task.archive) == task.key:  # not changed meanwhile
            self.results.keep(task.key, graded)
        if not finished.lost:
            points, human = written.grade.total, written.grade.needs_human
            self.journal.write(
                "done",
                **_of(replace(task, host=finished.host)),
                seconds=round(finished.seconds, 3),
                points=points,
                needs_human=human,
            )
        return written

    def _identified(self, task: Task, graded: Graded) -> Graded:
        """Give a grade of what could not be examined now the digest that was found when it could."""
        digest = self.results.digest(task.key) if graded.evidence is None else ""
        return replace(graded, grade=replace(graded.grade, digest=digest)) if digest else graded


def results_of(spec: SetupSpec) -> Results:
    """Return the results that the output folder of a run holds."""
    options = spec.options
    images: ImageSet | str = spec.images.english() if isinstance(spec.images, Message) else spec.images
    shared = common(options.measuring, rubric=spec.rubric.digest, images=images)
    return Results(options.out, shared, spec.rubric, options.again)


class Place(Protocol):
    """Where submissions are graded; `most` is how many at a time it could ever be."""

    @property
    def most(self) -> int:
        """Return more than `slots` will ever return."""
        ...

    def slots(self) -> int:
        """Return how many are graded at a time, now."""
        ...

    def opened(self, spec: SetupSpec) -> AbstractContextManager[tuple[Setup, Crew]]:
        """Begin a run. Raises BadLab."""
        ...


@dataclass(frozen=True)
class _Here:
    """Grades on this machine."""

    most: int

    def slots(self) -> int:
        return self.most

    @contextmanager
    def opened(self, spec: SetupSpec) -> Iterator[tuple[Setup, Crew]]:
        with open_setup(spec) as setup:
            yield setup, _crew(setup, spec.options)


def _crew(setup: Setup, options: Options) -> Crew:
    trade = trade_of(setup, options)
    return Forked(trade, patience(options)) if FORKS else Alone(trade)


def trade_of(setup: Setup, options: Options) -> Trade:
    """Return what the process of each submission does."""
    sandbox = setup.equipment.sandbox
    shared = sandbox if isinstance(sandbox, Shared) else None
    renew: Callable[[], None] = shared.renew if shared else lambda: None
    return Trade(
        lambda archive, say: graded_here(archive, setup, say),
        renew,
        lambda: shared.descriptors if shared else (),
        options.memory if sandbox.isolated else 0,
    )


def patience(options: Options) -> float:
    """Return the seconds after which a process that has not ended is ended."""
    return AT_MOST * options.time_limit + BESIDE


@dataclass
class _Noting:
    """Writes into the journal what a watcher is told."""

    watcher: Watcher
    journal: Journal
    ending: bool = False  # what is lost from now on is no submission's fault

    def begun(self, task: Task) -> None:
        self.journal.write("start", **_of(task), attempt="alone" if task.alone else "first")
        self.watcher.begun(task)

    def step(self, task: Task, step: Message) -> None:
        self.watcher.step(task, step)

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        if self.ending:
            return
        if not self.watcher.stopping():
            self.journal.write("lost", **_of(task), seconds=round(seconds, 3), cause=cause.english())
        self.watcher.lost(task, cause, seconds)

    def tick(self) -> None:
        self.watcher.tick()

    def stopping(self) -> bool:
        return self.watcher.stopping()


def _of(task: Task) -> dict[str, str]:
    told = {"key": task.key or task.archive.name, "name": task.archive.name}
    return {**told, "host": task.host} if task.host else told
