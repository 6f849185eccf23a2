"""A cluster on this machine: four workers over TLS, on work that only waits.

    python benchmarks/cluster.py [--count 120] [--seconds 2]

First, so many submissions of so many seconds: the share of the ideal time (their sum, divided by four), with the set-up
of the run on each worker and without. At least 0.9 of it is asked for. Then 100 submissions of which two kill their
worker: 98 must be graded and two reported.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.batch.cluster.certificates import Keys, make
from grader.batch.cluster.command import Cluster
from grader.batch.cluster.reach import address
from grader.batch.many import Done, Task
from grader.batch.results import Results
from grader.batch.run import Run
from grader.batch.setup import Options, SetupSpec
from grader.checks import load_rubric
from grader.gradebook.journal import Journal
from grader.gradebook.publish import Publisher
from grader.intake import Archive
from grader.records import Message, Student, message

WORKERS = 4
SHARE = 0.9
COMMAND = [sys.executable, "-c", "from grader.cli.app import main; main()"]
SIMULATED = """
import sys
if "grader.batch.cluster.station" in sys.orig_argv:
    import os, time, psutil
    from grader.batch import run
    from grader.batch.unopened import unmarked
    from grader.gradebook.files import Graded
    from grader.records import message
    def graded(archive, setup, say):
        if archive.path.name.startswith("kills"):
            psutil.Process().parents()[2].kill()
        time.sleep(float(archive.path.name.rpartition("-")[2]))
        return Graded(unmarked(archive, message("simulated"), setup.rubric, setup.made_by), None), ""
    run.graded_here = graded
"""


@dataclass
class Noting:
    """A watcher that notes when the first submission was begun, and what was lost."""

    first: float = 0.0
    lost_: list[str] = field(default_factory=list)

    def begun(self, task: Task) -> None:
        self.first = self.first or time.monotonic()

    def step(self, task: Task, step: Message) -> None: ...

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        self.lost_.append(f"{task.archive.name}: {cause.english()}")

    def tick(self) -> None: ...

    def stopping(self) -> bool:
        return False


@contextmanager
def workers(home: Path) -> Iterator[str]:
    """Give the address of a scheduler that has them all."""
    (home / "sitecustomize.py").write_text(SIMULATED, encoding="utf-8")
    paths = os.pathsep.join([str(home), str(Path(__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "CNN_LAB_GRADER_TLS": str(home / "keys"), "LC_ALL": "C.UTF-8"}
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        running.append(
            subprocess.Popen([*COMMAND, *arguments], env=environment, cwd=home, text=True, stdout=subprocess.PIPE)
        )
        return running[-1]

    def said(process: subprocess.Popen[str], words: str) -> str:
        assert process.stdout is not None
        return next(line for line in process.stdout if words in line)

    try:
        there = said(start("scheduler", "--host", "127.0.0.1", "--port", "0"), "listens at")
        where = there.partition(" at ")[2].partition(". ")[0]
        joining = [start("worker", where, "--slots", "1") for _ in range(WORKERS)]
        for process in joining:
            said(process, "has joined")
        yield where
    finally:
        for process in reversed(running):  # the scheduler last: workers say goodbye to it
            process.terminate()
            process.communicate()


def graded(where: str, home: Path, names: list[str]) -> tuple[list[Done], float, Noting]:
    """Grade empty files of these names; return what was published, the seconds that it took, and what was noted."""
    for name in names:
        (home / name).write_text(name, encoding="utf-8")
    archives = [Archive(home / name, Student(name)) for name in names]
    rubric, out, watcher = load_rubric(), home / f"out-{len(names)}-{names[0]}", Noting()
    options = Options(None, out, "cpu", "plain", "staff", None, 60.0, 4000)
    results, publish = Results(out, "benchmark", rubric), Publisher(out, lambda grade: "")
    place = Cluster(address(where, Keys(home / "keys")), lambda said: print(said.english()))
    with place.joined(), Journal(out) as journal:
        run = Run(SetupSpec(options, rubric, message("none")), archives, publish, journal, results, place=place)
        list(run.reused())
        started = time.monotonic()
        done = list(run.graded(watcher))
        return done, time.monotonic() - started, watcher


def main(count: int, seconds: float) -> int:
    """Print the figures; return 1 if one misses its bound."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make(home / "keys")
        with workers(home) as where:
            done, whole, noted = graded(where, home, [f"{number:04}-{seconds}" for number in range(count)])
            ended = time.monotonic()
            ideal, share = count * seconds / WORKERS, count * seconds / WORKERS / whole
            print(f"{len(done)} of {seconds:g} s, {WORKERS} workers over TLS: {whole:.1f} s, ideal {ideal:.1f} s")
            print(
                f"share of the ideal: {share:.3f}; from the first that was begun: {ideal / (ended - noted.first):.3f}"
            )
            names = [f"{number:04}-0.2" for number in range(98)]
            done, whole, noted = graded(
                where, home, [*names[:30], "kills-a-0.2", *names[30:60], "kills-b-0.2", *names[60:]]
            )
            fine = sum(not one.finished.lost for one in done)
            lost = sorted(one.task.archive.name for one in done if one.finished.lost)
            print(f"100 submissions, two kill their worker: {fine} graded, {len(lost)} reported {lost}, {whole:.1f} s")
            for line in noted.lost_:
                print(f"  {line}")
    return int(share < SHARE or fine != 98 or lost != ["kills-a-0.2", "kills-b-0.2"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    sys.exit(main(arguments.count, arguments.seconds))
