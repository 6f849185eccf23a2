"""A cluster of real processes: whatever dies or differs is named, costs no honest submission, and nothing is lost.

The tests share a scheduler, and are meant in this order.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("distributed")

from fixtures import DEMO_SUBMISSION
from fixtures.class_of_forty.tables import RUBRIC
from grader.batch.cluster.certificates import Keys, make
from grader.batch.cluster.command import Cluster
from grader.batch.cluster.reach import address
from grader.batch.crew import FORKS
from grader.batch.results import Results
from grader.batch.run import Run
from grader.batch.setup import Options, SetupSpec
from grader.checks import load_rubric
from grader.dataset import ImageSet
from grader.gradebook.files import read_grade
from grader.gradebook.journal import Journal, read_journal, runs
from grader.gradebook.publish import Publisher
from grader.intake import Archive
from grader.records import Message, Student

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FORKS, reason="workers need Linux")]


@pytest.fixture(scope="module")
def machines(machines_of: type, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    home = tmp_path_factory.mktemp("cluster")
    (home / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    make(home / "keys")
    found = machines_of(home, home / "keys")
    try:
        found.schedule()
        yield found
    finally:
        found.end()


@pytest.fixture
def start(machines, tmp_path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command over a class whose weights are numbers, into `out`."""

    def start(*options: str, folder: Path | str = "class", **numbers: int) -> subprocess.Popen[str]:
        machines.hand_in(tmp_path / "class", **numbers)
        return machines.start(
            "run", str(folder), "--out", str(tmp_path / "out"), "--no-fetch", "--sandbox", "plain",
            "--rubric", str(machines.home / "rubric.toml"), "--cluster", machines.address, *options, cwd=tmp_path,
        )  # fmt: skip

    return start


@pytest.fixture
def run(start) -> Callable[..., tuple[int, str, str]]:
    def run(*options: str, **more) -> tuple[int, str, str]:
        process = start(*options, **more)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    return run


def graded(out: Path) -> dict[str, float | None]:
    """What each student has earned; None where a person has to look."""
    grades = {path.parent.name: read_grade(path) for path in out.glob("*/grade.json")}
    return {name: None if grade.needs_human else grade.total for name, grade in grades.items()}


def events(out: Path, event: str) -> list[str]:
    return [line["name"].removesuffix(".zip") for line in read_journal(runs(out)[-1]).of(event)]


def until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.05)


def begun(out: Path, count: int) -> None:
    until(lambda: runs(out) and len(events(out, "start")) >= count)


def test_who_differs_or_is_full_is_named_and_the_class_waits_for_workers_that_join_late(machines, start, tmp_path):
    other, full = machines.beginning(PRETENDED_VERSION="0.0.9"), machines.beginning(PRETENDED_FREE="20")
    _, refused = other.communicate(timeout=60)
    machines.joined(full)
    process = start(ada=501, bob=502, folder="/proc/self/cwd/class")  # for a worker that is elsewhere: it is sent
    (tmp_path / "class" / "eve").mkdir(exist_ok=True)
    (tmp_path / "class" / "eve" / "final.pth").write_text("503")
    (tmp_path / "class" / "eve" / "link.py").symlink_to("/etc/passwd")
    _, sent_away = full.communicate(timeout=60)
    machines.work(2)
    _, told = process.communicate(timeout=60)
    assert "cnn-lab-grader 0.0.9 instead of cnn-lab-grader" in refused
    assert other.returncode == full.returncode == 2
    assert "was sent away" in sent_away
    assert f"The worker {os.uname().nodename}-{other.pid} was refused: it has cnn-lab-grader 0.0.9" in told
    assert told.count(f"{os.uname().nodename} cannot grade: its temporary folder") == 1
    assert "(20 MB are free)" in told
    assert graded(tmp_path / "out") == {"ada": 50.1, "bob": 50.2, "eve": 50.3}
    machines.work(1)


def test_a_submission_that_kills_its_process_or_its_worker_costs_itself_alone(run, tmp_path):
    numbers = {"ada": 501, "bob": 666, "eve": 888, "joe": 504, "kim": 505, "lea": 506}
    status, _, told = run(**numbers)
    expected = {"ada": 50.1, "bob": None, "eve": None, "joe": 50.4, "kim": 50.5, "lea": 50.6}
    assert (status, graded(tmp_path / "out")) == (1, expected)
    begun = Counter(events(tmp_path / "out", "start"))
    assert begun["bob"] == begun["eve"] == 2
    assert max(begun.values()) <= 2
    assert "bob.zip: crashed: signal 9" in told
    assert "eve.zip: its worker ended or was cut off" in told
    cause = read_grade(tmp_path / "out" / "eve" / "grade.json").marks[0].finding.fault.english()
    assert f"on {os.uname().nodename})" in cause


def test_a_slow_one_holds_nobody_up_and_ends_on_the_worker_when_the_run_is_ended(machines, start, tmp_path):
    process = start(ada=777, bob=502, eve=503)
    until(lambda: len(graded(tmp_path / "out")) == 2)
    process.send_signal(signal.SIGINT)
    machines.said(process, "finishing what is running", stream="stderr")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert (process.returncode, graded(tmp_path / "out")) == (130, {"bob": 50.2, "eve": 50.3})
    until(lambda: not stations(machines))


def stations(machines) -> list[psutil.Process]:
    below = [one for process in machines.running if process.poll() is None
             for one in psutil.Process(process.pid).children(recursive=True)]  # fmt: skip
    return [one for one in below if "grader.batch.cluster.station" in one.cmdline()]


def test_what_a_worker_was_grading_when_it_died_is_graded_by_another(machines, start, tmp_path):
    process = start(ada=700, bob=700, eve=700, joe=700)
    begun(tmp_path / "out", 3)
    machines.worker_of(machines.workers[1]).kill()
    _, told = process.communicate(timeout=60)
    assert graded(tmp_path / "out") == dict.fromkeys(("ada", "bob", "eve", "joe"), 70.0)
    assert "its worker ended or was cut off" in told
    assert process.returncode == 0


def test_a_worker_that_is_asked_to_end_leaves_its_submission_to_another_without_blame(machines, start, tmp_path):
    process = start(ada=700, bob=700, eve=700)
    begun(tmp_path / "out", 3)
    leaving = machines.workers.pop()
    leaving.terminate()
    _, told = process.communicate(timeout=60)
    _, words = leaving.communicate(timeout=60)
    assert (leaving.returncode, process.returncode, words) == (0, 0, "")
    assert "its worker" not in told
    assert graded(tmp_path / "out") == dict.fromkeys(("ada", "bob", "eve"), 70.0)
    assert events(tmp_path / "out", "lost") == []


class Quiet:
    """A watcher that keeps on which machines submissions were begun."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def begun(self, task) -> None:
        self.hosts.append(task.host)

    def step(self, task, step: Message) -> None: ...

    def lost(self, task, cause: Message, seconds: float) -> None:
        raise AssertionError(cause.english())

    def tick(self) -> None: ...

    def stopping(self) -> bool:
        return False


def correct(weights: str, images: ImageSet) -> int:
    """How many test images a plain loop in float32 gets right."""
    import torch

    from grader.labs import the_lab
    from reference.models import resnet20

    net = resnet20().eval()
    net.load_state_dict({k: v.float() for k, v in torch.load(weights, weights_only=True)["net"].items()})
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (the_lab().mean, the_lab().std))
    with torch.no_grad():
        found = net((torch.from_numpy(np.array(images.images("test"))).float() / 255 - mean) / std).argmax(dim=1)
    return int((found.numpy() == images.labels("test")).sum())


def test_weights_are_measured_on_images_that_were_sent_and_named_as_by_a_plain_loop(
    machines, few_images, tmp_path, monkeypatch
):
    shutil.copytree(few_images.folder, tmp_path / "few")
    monkeypatch.chdir(tmp_path)  # for a worker, /proc/self/cwd is another folder
    images = replace(few_images, folder=Path("/proc/self/cwd/few"))
    (tmp_path / "ada").mkdir()
    weights = shutil.copy(DEMO_SUBMISSION / "final.pth", tmp_path / "ada")
    rubric, archive = load_rubric(machines.home / "rubric.toml"), Archive(tmp_path / "ada", Student("ada"))
    options = Options(None, tmp_path / "out", "cpu", "plain", "staff", None, 600.0, 4000)
    spec, watcher = SetupSpec(options, rubric, images), Quiet()
    there = Cluster(address(machines.address, Keys(machines.keys)), lambda said: None)
    results = Results(options.out, "shared", rubric)
    with there.joined() as place, Journal(options.out) as journal:
        one = Run(spec, [archive], Publisher(options.out, lambda grade: ""), journal, results, place=place)
        assert list(one.reused()) == []
        (done,) = one.graded(watcher)
    assert dict(done.written.grade.marks[0].finding.verdict.message.values)["correct"] == correct(weights, few_images)
    assert watcher.hosts == [os.uname().nodename]
    (sent,) = (machines.home / "cache" / "cnn-lab-grader" / "sent").iterdir()
    assert np.array_equal(np.load(sent / "test_labels.npy"), few_images.labels("test"))


def test_when_the_scheduler_dies_what_was_graded_stays_and_the_command_goes_on_with_another(
    machines, start, run, tmp_path
):
    process = start("--again", ada=777, bob=502)
    until(lambda: len(graded(tmp_path / "out")) == 1)
    machines.scheduler.kill()
    _, told = process.communicate(timeout=60)
    _, left = machines.workers[0].communicate(timeout=60)
    assert (process.returncode, graded(tmp_path / "out")) == (2, {"bob": 50.2})
    for said in (told, left):
        assert f"The scheduler at {machines.address} has ended or can no longer be reached" in said
        assert "Traceback" not in said
    machines.schedule()
    machines.work(1)
    status, out, _ = run(ada=507)
    assert (status, graded(tmp_path / "out")) == (0, {"ada": 50.7, "bob": 50.2})
    assert "Graded before, with nothing changed since: 1" in out
    assert json.loads(runs(tmp_path / "out")[-1].read_text("utf-8").splitlines()[0])["left"] == 1
