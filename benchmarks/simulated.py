"""What a run costs beside the grading: simulated submissions of 20 ms each, each in a process of its own.

    python benchmarks/simulated.py [COUNT]

Everything is the product's but the work itself, which sleeps, and the page, which is one line.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from grader.batch.crew import Forked
from grader.batch.many import Finished, Loop, Task, Turns, tasks_of
from grader.batch.one import Setup
from grader.batch.spawner import Trade
from grader.batch.unopened import unmarked
from grader.checks import load_rubric
from grader.collect import Equipment
from grader.gradebook.files import Graded, to_json
from grader.gradebook.journal import Journal
from grader.gradebook.publish import Written
from grader.intake import Archive
from grader.records import MadeBy, Message, Student, message
from grader.sandbox import open_sandbox

SECONDS = 0.02
JOBS = 2
EARLY = 1_000  # submissions after which the memory is noted


class Quiet:
    """A watcher that says nothing."""

    def begun(self, task: Task) -> None: ...

    def step(self, task: Task, step: Message) -> None: ...

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        raise AssertionError(cause.english())

    def tick(self) -> None: ...

    def stopping(self) -> bool:
        return False


def main(count: int) -> None:
    """Grade so many, and print the overhead of each and the memory of this process."""
    rubric, made_by = load_rubric(), MadeBy("0", "3")
    setup = Setup(Equipment(message("none"), open_sandbox("plain")), rubric, made_by)
    tasks = tasks_of([Archive(Path(f"/nowhere/{number}.zip"), Student(str(number))) for number in range(count)])
    process, early = psutil.Process(), 0

    def work(archive: Archive, say: Callable[[Message], None]) -> tuple[Graded, str]:
        say(message("unpacking"))
        time.sleep(SECONDS)
        return Graded(unmarked(archive, message("simulated"), rubric, made_by), None), ""

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal, ThreadPoolExecutor(JOBS) as pool:

        def publish(task: Task, finished: Finished) -> Written:
            place = Path(folder, f"{task.number}.json")
            place.write_text(to_json(finished.graded.grade), "utf-8")
            journal.write("done", key=str(task.number), name=task.archive.name)
            return Written(finished.graded.grade, place)

        crew, started = Forked(Trade(work), 60.0), time.monotonic()
        for done, _ in enumerate(
            Loop(crew, pool, lambda: JOBS, setup, publish, Quiet(), Turns(tasks)).run(tasks), start=1
        ):
            early = process.memory_info().rss if done == min(EARLY, count) else early
        seconds = time.monotonic() - started
        crew.end()
    ideal = count * SECONDS / JOBS
    print(f"{count:,} of {1000 * SECONDS:.0f} ms, {JOBS} at a time: {seconds:.1f} s, ideal {ideal:.1f} s")
    print(f"overhead: {1000 * JOBS * (seconds - ideal) / count:.1f} ms of a slot for each")
    print(f"memory: {early / 1e6:.0f} MB, at the end {process.memory_info().rss / 1e6:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=10_000, metavar="COUNT")
    main(parser.parse_args().count)
