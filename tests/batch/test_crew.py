"""A process for each submission: whatever ends it costs that submission alone, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from pydantic import TypeAdapter

from grader.batch import crew as crew_module
from grader.batch.crew import FORKS, Answer, Forked, Lost
from grader.batch.many import Done, Finished, Loop, Task, Turns, tasks_of
from grader.batch.one import Setup
from grader.batch.spawner import Restart, Trade
from grader.batch.unopened import unmarked
from grader.collect import Equipment
from grader.gradebook.files import Graded
from grader.gradebook.publish import Written
from grader.intake import Archive
from grader.marking.rubric import Rubric
from grader.records import MadeBy, Message, Student, message
from grader.records.errors import BadLab
from grader.sandbox.watch import tree

pytestmark = pytest.mark.skipif(not FORKS, reason="without fork, grading goes on in one process")

SLEEPS = "1016.25"  # seconds: found again by them
MADE = MadeBy("0.1.0", "3.11")
Act = Callable[[Archive], None]


def act(archive: Archive) -> None:
    """Do what the name of the archive says."""
    told = archive.path.name
    if told.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    elif told.startswith("exits"):
        os._exit(3)
    elif told.startswith("hangs"):
        time.sleep(1000)
    elif told.startswith("starts"):
        subprocess.run(["sleep", SLEEPS], start_new_session=True, check=False)
    elif told.startswith("restart"):
        raise Restart
    elif told.startswith("once"):
        before = archive.path.with_suffix(".before")
        if not before.exists():
            before.touch()
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def crew(lab_rubric: Rubric) -> Iterator[Callable[..., Forked]]:
    """Builds crews that do what names say, and ends them."""
    built: list[Forked] = []

    def build(seconds: float = 60.0) -> Forked:
        def work(archive: Archive, say: Callable[[Message], None]) -> tuple[Graded, str]:
            say(message("unpacking"))
            act(archive)
            return Graded(unmarked(archive, message("done"), lab_rubric, MADE), None), ""

        built.append(Forked(Trade(work), seconds))
        return built[-1]

    yield build
    for one in built:
        one.end()


class Watching:
    """A watcher that keeps what it is told, and asks to stop when told to."""

    def __init__(self) -> None:
        self.lost_: list[tuple[str, str]] = []
        self.begun_: list[str] = []
        self.stop = False

    def begun(self, task: Task) -> None:
        self.begun_.append(task.archive.name)

    def step(self, task: Task, step: Message) -> None: ...

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        self.lost_.append((task.archive.name, cause.english()))

    def tick(self) -> None: ...

    def stopping(self) -> bool:
        return self.stop


def of(name: str, folder: Path = Path("/nowhere")) -> Archive:
    return Archive(folder / name, Student(name))


class Heard:
    """Keeps the steps that it is told of one submission."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def begun(self, host: str = "") -> None: ...

    def step(self, step: Message) -> None:
        self.steps.append(step.english())

    def stopping(self) -> bool:
        return False


unheard = Heard()


@pytest.fixture
def run(crew: Callable[..., Forked], lab_rubric: Rubric) -> Callable[..., list[Done]]:
    def run(archives: list[Archive], watcher: Watching, jobs: int = 2) -> list[Done]:
        setup = Setup(Equipment(message("none"), None), lab_rubric, MADE)
        tasks = tasks_of(archives)

        def published(task: Task, finished: Finished) -> Written:
            return Written(finished.graded.grade, Path(task.archive.name))

        with ThreadPoolExecutor(jobs) as executor:
            return list(Loop(crew(), executor, lambda: jobs, setup, published, watcher, Turns(tasks)).run(tasks))

    return run


# --- one process -------------------------------------------------------------------------------------------------


def test_a_process_of_its_own_answers_with_a_grade(crew):
    heard = Heard()
    found = crew().grade_one(of("ada"), heard)
    assert isinstance(found, Answer)
    assert (found.graded.grade.student.name, found.graded.grade.archive) == ("ada", "ada")
    assert heard.steps == ["unpacking"]


def test_a_command_with_more_than_a_thousand_descriptors_open_grades(crew):
    with ExitStack() as opened:
        while (number := os.dup(0)) < 1100:
            opened.callback(os.close, number)
        opened.callback(os.close, number)
        assert isinstance(crew().grade_one(of("ada"), unheard), Answer)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("killed", "crashed: signal 9"),
        ("exits", "crashed: exit status 3"),
        ("restart", "the sandbox ended in the middle of it"),
    ],
)
def test_a_process_that_ends_without_an_answer_is_lost_with_its_cause(crew, name, cause):
    one = crew()
    assert one.grade_one(of(name), unheard) == Lost(message(cause)) or (
        one.grade_one(of(name), unheard).cause.english() == cause
    )
    assert isinstance(one.grade_one(of("ada"), unheard), Answer)  # and the next one is graded


def test_a_process_that_never_ends_is_ended_at_the_limit(crew):
    one = crew(1.0)
    found = one.grade_one(of("hangs"), unheard)
    assert found.cause.english() == "it had not ended after 1 seconds"
    assert psutil.Process(one._pid).children() == []


def test_an_answer_that_cannot_be_read_costs_its_own_submission_alone(crew, monkeypatch):
    one = crew()

    def unreadable(*told: object) -> None:
        TypeAdapter(int).validate_json(b"NaN")

    with monkeypatch.context() as patch:
        patch.setattr(crew_module, "read_answer", unreadable)
        found = one.grade_one(of("ada"), unheard)
    assert found.cause.english() == "its result could not be read (ValidationError)"
    assert isinstance(one.grade_one(of("bob"), unheard), Answer)


def test_where_the_process_that_forks_is_gone_no_submission_is_blamed(crew):
    one = crew()
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(one.grade_one, of("hangs"), unheard)
        while not (forked := psutil.Process(one._pid).children()):
            time.sleep(0.01)
        os.kill(one._pid, signal.SIGKILL)
        forked[0].kill()
        with pytest.raises(BadLab, match="The process that starts the others has ended"):
            future.result()


def test_a_process_that_is_killed_takes_what_a_sandbox_without_isolation_runs_with_it(crew):
    one = crew(2.0)
    found = one.grade_one(of("starts"), unheard)
    assert isinstance(found, Lost)
    assert not any(SLEEPS in process.info["cmdline"] for process in psutil.process_iter(["cmdline"])
                   if process.info["cmdline"])  # fmt: skip


def test_half_a_character_of_a_name_comes_back(crew):
    found = crew().grade_one(of("ada\udcff"), unheard)
    assert isinstance(found, Answer)
    assert found.graded.grade.student == Student("ada\udcff")


def test_ending_the_crew_ends_what_is_running(crew):
    one = crew()
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(one.grade_one, of("hangs"), unheard)
        while not psutil.Process(one._pid).children():
            time.sleep(0.01)
        running = tree(one._pid)  # the one that forks, and what it has forked
        one.end()
        assert isinstance(future.result(), Lost)
    assert psutil.wait_procs(running, 10)[1] == []


# --- many --------------------------------------------------------------------------------------------------------


def test_every_other_submission_is_graded_and_the_one_that_kills_needs_a_person(run):
    watcher = Watching()
    done = run([of(f"ada{number}") for number in range(8)] + [of("killed")], watcher)
    assert sorted(one.written.grade.archive for one in done) == sorted([*(f"ada{n}" for n in range(8)), "killed"])
    assert watcher.lost_ == [("killed", "crashed: signal 9")] * 2  # tried twice, no more
    (last,) = [one for one in done if one.finished.lost]
    assert done[-1] == last  # the second time when all others were done
    assert (last.written.grade.needs_human, last.written.grade.unusable) == (True, False)
    assert "crashed: signal 9" in last.written.grade.marks[0].finding.fault.english()


def test_one_that_is_killed_once_is_graded_at_the_second_try(run, tmp_path):
    watcher = Watching()
    done = run([of("once", tmp_path), of("ada")], watcher)
    assert [one.finished.lost for one in done] == [False, False]
    assert len(watcher.lost_) == 1


def test_a_students_attempts_are_published_in_their_order_whatever_ends_first(run, tmp_path):
    archives = [Archive(tmp_path / "once", Student("Ada")), Archive(tmp_path / "second", Student("Ada"))]
    done = run([*archives, of("bob")], Watching())
    assert [one.task.archive.path.name for one in done if one.task.archive.student.name == "Ada"] == ["once", "second"]


def test_a_run_that_is_to_stop_finishes_what_runs_and_begins_nothing_else(run):
    watcher = Watching()
    watcher.step = lambda task, step: setattr(watcher, "stop", True)
    done = run([of(f"ada{number}") for number in range(50)], watcher)
    assert {one.written.grade.archive for one in done} == set(watcher.begun_)
    assert len(done) < 50
