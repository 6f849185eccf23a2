"""Grade many submissions, several at a time: write each result as it comes, and let none stop or spoil the others.

One loop over the interface of `concurrent.futures`: whoever provides the executor decides where the work is done.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

from grader.batch.crew import Answer, Crew, Lost
from grader.batch.one import Setup, grade_archive
from grader.batch.spawner import Restart, Say
from grader.batch.unopened import bug, unmarked
from grader.gradebook.files import Graded
from grader.gradebook.publish import Written
from grader.intake import Archive
from grader.records import Message, message, same
from grader.records.errors import BadLab, GraderError
from grader.sandbox import Shared

AHEAD = 2  # submissions handed out beyond those that run: enough to lose no time, and few to take back
TICK = 0.25  # seconds between two looks at the display and at whether to stop


@dataclass(frozen=True, slots=True)
class Task:
    """One submission of a run. `alone` for one whose process was lost before; `group` shares students with others.

    `host` is the machine that it is graded on, where that is another one.
    """

    number: int
    archive: Archive
    key: str = ""
    size: int = 0
    alone: bool = False
    group: int = 0
    host: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """What was found for a submission, in how many seconds; `before` if by an earlier run.

    `lost` where its process ended twice: nothing was found, and a person has to look.
    """

    graded: Graded
    seconds: float = 0.0
    before: bool = False
    lost: bool = False
    host: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A submission that was published."""

    task: Task
    finished: Finished
    written: Written


class Watcher(Protocol):
    """What is told of a run as it goes on; from any thread, but for `tick`."""

    def begun(self, task: Task) -> None:
        """Note that a submission is being graded."""
        ...

    def step(self, task: Task, step: Message) -> None:
        """Note what is being done with it."""
        ...

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        """Note that its process ended without a result."""
        ...

    def tick(self) -> None:
        """Note that time has passed."""
        ...

    def stopping(self) -> bool:
        """Return whether nothing new should be begun."""
        ...


def graded_here(archive: Archive, setup: Setup, say: Say) -> tuple[Graded, str]:
    """Grade one archive in this process, which was forked for it. A bug in the grader becomes a Grade.

    Returns its traceback as well. Raises Restart if what all processes share has ended meanwhile.
    """
    sandbox = setup.equipment.sandbox
    if not isinstance(sandbox, Shared):
        return _graded(archive, setup, say)
    with sandbox.joined() as joined:
        found = _graded(archive, replace(setup, equipment=replace(setup.equipment, sandbox=joined)), say)
        if joined.gone:
            raise Restart
        return found


def _graded(archive: Archive, setup: Setup, say: Say) -> tuple[Graded, str]:
    try:
        return grade_archive(archive, setup, say), ""
    except GraderError as error:  # not readable here, or no space to unpack it: the message says what to do
        cause = message("{host}: {cause}", host=setup.host, cause=error.message) if setup.host else error.message
        return Graded(unmarked(archive, cause, setup.rubric, setup.made_by), None), ""
    except Exception as error:
        return _bug(archive, error, setup)


def _bug(archive: Archive, error: Exception, setup: Setup) -> tuple[Graded, str]:
    return Graded(bug(archive, error, setup.rubric, setup.made_by), None), "".join(traceback.format_exception(error))


@dataclass
class Loop:
    """Hands out submissions and publishes what comes back, in one thread."""

    crew: Crew
    executor: Executor
    slots: Callable[[], int]  # how many are graded at a time, now
    setup: Setup
    publish: Callable[[Task, Finished], Written]
    watcher: Watcher
    turns: Turns
    running: dict[Future[tuple[Answer | Lost, float]], Task] = field(default_factory=dict)

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Grade and publish. Raises BadLab if a result cannot be written: the next one could not be either.

        The largest is begun first. One whose process was lost is tried once more when all others are done, alone.
        """
        first = sorted((task for task in tasks if not task.alone), key=lambda task: -task.size)
        waiting, suspects = deque(first), deque(task for task in tasks if task.alone)
        while self.running or waiting or suspects:
            if self.watcher.stopping():
                waiting.clear()
                suspects.clear()
                self._take_back()
            while waiting and len(self.running) < self.slots() + AHEAD:
                self._hand_out(waiting.popleft())
            if suspects and not self.running:
                self._hand_out(suspects.popleft())
            for task, found, seconds in self._ended():
                if isinstance(found, Lost) and not task.alone:
                    suspects.append(replace(task, alone=True))
                    continue
                for one, finished in self.turns.settle(task, self._finished(task, found, seconds)):
                    yield self._published(one, finished)
            self.watcher.tick()
        for one, finished in self.turns.rest():  # an interrupted run: an earlier attempt was not graded
            yield self._published(one, finished)

    def _hand_out(self, task: Task) -> None:
        self.running[self.executor.submit(self._grade_one, task)] = task

    def _take_back(self) -> None:
        for future in [future for future in self.running if future.cancel()]:
            del self.running[future]

    def _grade_one(self, task: Task) -> tuple[Answer | Lost, float]:
        heard = _Heard(task, self.watcher)
        found = self.crew.grade_one(task.archive, heard)
        seconds = time.monotonic() - heard.since
        if isinstance(found, Lost):
            self.watcher.lost(replace(task, host=found.host), found.cause, seconds)
        return found, seconds

    def _ended(self) -> Iterator[tuple[Task, Answer | Lost, float]]:
        if not self.running:
            return
        ended, _ = wait(self.running, TICK, FIRST_COMPLETED)
        for future in sorted(ended, key=lambda one: self.running[one].number):
            task = self.running.pop(future)
            try:
                found, seconds = future.result()
            except CancelledError:
                continue
            yield task, found, seconds

    def _finished(self, task: Task, found: Answer | Lost, seconds: float) -> Finished:
        if isinstance(found, Answer):
            print_trace(found.trace)
            return Finished(found.graded, seconds, host=found.host)
        sentence = message(
            "grading this submission ended its process, the last time with nothing beside it: {cause}. Look at what was"
            " handed in, and report it if it is an ordinary submission.",
            cause=found.cause,
        )
        unmarked_ = unmarked(task.archive, sentence, self.setup.rubric, self.setup.made_by)
        return Finished(Graded(unmarked_, None), seconds, lost=True, host=found.host)

    def _published(self, task: Task, finished: Finished) -> Done:
        try:
            return Done(task, finished, self.publish(task, finished))
        except BadLab:
            raise
        except Exception as error:  # a page that cannot be drawn, evidence that no file can hold
            found, trace = _bug(task.archive, error, self.setup)
            print_trace(trace)
            failed = replace(finished, graded=found)
            return Done(task, failed, self.publish(task, failed))


@dataclass
class _Heard:
    """Passes on what is told of one submission, and notes since when it is graded."""

    task: Task
    watcher: Watcher
    since: float = field(default_factory=time.monotonic)

    def begun(self, host: str = "") -> None:
        self.task, self.since = replace(self.task, host=host), time.monotonic()
        self.watcher.begun(self.task)

    def step(self, step: Message) -> None:
        self.watcher.step(self.task, step)

    def stopping(self) -> bool:
        return self.watcher.stopping()


def print_trace(trace: str) -> None:
    """Print a traceback for a bug report."""
    print(trace, file=sys.stderr, end="")


class Turns:
    """Lets a student's attempts be published in the order in which they were found: the last one counts."""

    def __init__(self, tasks: Sequence[Task], held: Sequence[tuple[Task, Finished]] = ()) -> None:
        self._held = {task.number: (task, finished) for task, finished in held}
        every = [*tasks, *(task for task, _ in held)]
        self._groups = {group[0].group: deque(task.number for task in group) for group in groups_of(every)}

    def settle(self, task: Task, finished: Finished) -> Iterator[tuple[Task, Finished]]:
        """Yield what can be published now that this one is graded."""
        self._held[task.number] = task, finished
        group = self._groups[task.group]
        while group and group[0] in self._held:
            yield self._held.pop(group.popleft())

    def rest(self) -> Iterator[tuple[Task, Finished]]:
        """Yield what is still held, in order, and was not published by an earlier run."""
        for number in sorted(self._held):
            task, finished = self._held.pop(number)
            if not finished.before:
                yield task, finished


def groups_of(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks of each group, in their order."""
    groups: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.number):
        groups.setdefault(task.group, []).append(task)
    return list(groups.values())


def tasks_of(archives: Sequence[Archive]) -> list[Task]:
    """Return a task for each archive. Those that could be of one student are in one group: the number of its first."""
    first: dict[str, int] = {}
    groups: list[int] = []
    for number, archive in enumerate(archives):
        names = [same(name) for one in (archive.student, *archive.student.each)
                 for name in (one.name, one.identifier, one.email, one.number, one.alias) if name]  # fmt: skip
        found = {first[name] for name in names if name in first}
        group = min(found, default=number)
        groups = [group if one in found else one for one in groups] if len(found) > 1 else groups
        first = {name: group if of in found else of for name, of in first.items()} if len(found) > 1 else first
        first.update(dict.fromkeys(names, group))
        groups.append(group)
    return [
        Task(number, archive, group=group) for number, (archive, group) in enumerate(zip(archives, groups, strict=True))
    ]
