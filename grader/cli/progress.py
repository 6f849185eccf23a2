"""Show how a run goes on: on a terminal one line that is redrawn; in a pipe the results alone, one line each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from grader.batch.many import Done, Task
from grader.cli import console
from grader.cli.signals import Stop, stopping_first
from grader.records import Message, message
from reports.text import words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LONGEST_NAME = 40  # characters of an archive's


class Display:
    """What runs, since when, and what is left; `step` and `begun` are called from other threads."""

    def __init__(self, out: Console, total: int, jobs: int, stop: Stop) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._total, self._jobs, self._stop = total, jobs, stop
        self._running: dict[int, tuple[str, float]] = {}
        self._steps: dict[int, Message] = {}
        self._lock = threading.Lock()
        self._done = self._failed = 0
        self._seconds = 0.0
        self._progress = Progress(
            SpinnerColumn(), *([BarColumn(20)] if total > 1 else []), TextColumn("{task.description}", markup=False),
            console=out, transient=True, disable=not out.is_terminal,
        )  # fmt: skip
        self._line: TaskID = self._progress.add_task("", total=total)

    @property
    def bar(self) -> Progress:
        """Return what is drawn, to stop it while a person is asked."""
        return self._progress

    def begun(self, task: Task) -> None:
        """Note that a submission is being graded."""
        with self._lock:
            self._running[task.number] = task.archive.name[:LONGEST_NAME], time.monotonic()

    def step(self, task: Task, step: Message) -> None:
        """Note what is being done with it."""
        with self._lock:
            self._steps[task.number] = step

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        """Say that its process ended without a result."""
        del seconds
        self._ended(task)
        if not self._stop.asked:
            sentence = message(
                "{archive}: {cause}. It cost no other submission.", archive=task.archive.name, cause=cause
            )
            console.complain(sentence)

    def done(self, done: Done) -> None:
        """Count a submission that was published."""
        self._ended(done.task)
        if done.finished.before:  # of an earlier run: not among those that were left
            return
        self._done += 1
        self._failed += done.finished.lost or done.written.grade.unusable
        self._seconds += done.finished.seconds

    def tick(self) -> None:
        """Draw the line again."""
        if not self._progress.disable:
            self._progress.update(self._line, description=self._described(), completed=self._done)

    def stopping(self) -> bool:
        """Return whether nothing new should be begun."""
        return self._stop.asked

    def _ended(self, task: Task) -> None:
        with self._lock:
            self._running.pop(task.number, None)
            self._steps.pop(task.number, None)

    def _described(self) -> str:
        with self._lock:
            number = min(self._running, key=lambda one: self._running[one][1], default=-1)
            name, since = self._running.get(number, ("", 0.0))
            step = self._steps.get(number)
        if self._total == 1:
            return f"{name}: {words(step)}" if step else name
        counts = {"done": self._done, "total": self._total, "failed": self._failed}
        parts = [message("done {done} of {total}, failed {failed}", **counts)]
        if name:
            age = time.monotonic() - since
            parts.append(message("longest: {archive}, {seconds:.0f} s", archive=name, seconds=age))
        if self._done:
            left = (self._total - self._done) * self._seconds / self._done / self._jobs
            parts.append(message("about {minutes:.0f} min left", minutes=left / 60))
        return " · ".join(map(words, parts))


@contextmanager
def display(out: Console, total: int, jobs: int) -> Iterator[Display]:
    """Show the run, and stop it in two steps. Raises KeyboardInterrupt at the end if it was stopped."""

    def told() -> None:
        console.complain(message("finishing what is running, and starting nothing new; Ctrl-C again ends it at once"))

    with stopping_first(told) as stop:
        shown = Display(out, total, jobs, stop)
        with shown.bar:
            yield shown
        if stop.asked:
            raise KeyboardInterrupt
