"""Runs of the real command that are killed or interrupted: nothing is torn or lost, and the next one goes on."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from fixtures.class_of_forty.tables import RUBRIC
from grader.batch.crew import FORKS
from grader.gradebook.evidence import read_evidence
from grader.gradebook.files import read_grade
from grader.gradebook.journal import read_journal, runs
from grader.labs import the_lab

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FORKS, reason="without fork, submissions are graded in one process"),
]

ROOT = Path(__file__).parents[2]
COUNT = 12


@dataclass
class Class:
    """Small submissions, and the command that grades them into `out`."""

    home: Path
    out: Path = field(init=False)

    def __post_init__(self) -> None:
        self.out = self.home / "out"
        for folder in ("class", "tmp"):
            (self.home / folder).mkdir()
        (self.home / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
        for number in range(COUNT):
            self.hand_in(f"s{number:02}", 500 + number)

    def hand_in(self, name: str, number: int) -> None:
        with zipfile.ZipFile(self.home / "class" / f"{name}.zip", "w") as zipped:
            zipped.writestr("final.pth", str(number))

    def start(self, *options: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "TMPDIR": str(self.home / "tmp"),
            "MEASURES": str(self.home / "measures"),
        }  # fmt: skip
        (self.home / "measures").write_text("", encoding="utf-8")
        arguments = ["run", self.home / "class", "--out", self.out, "--no-fetch", "--sandbox", "plain", "--jobs", "2",
                     "--rubric", self.home / "rubric.toml"]  # fmt: skip
        return subprocess.Popen(
            [sys.executable, Path(__file__).with_name("small_run.py"), *arguments, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=self.home,
            start_new_session=True,
        )  # fmt: skip

    def run(self, *options: str) -> tuple[int, str, str]:
        process = self.start(*options)
        out, err = process.communicate(timeout=250)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    @property
    def measured(self) -> list[str]:
        """The submissions that the last run measured."""
        return sorted((self.home / "measures").read_text("utf-8").split())

    def whole(self) -> set[str]:
        """The students whose grade is there, whole; anything torn fails."""
        found = set()
        for path in self.out.glob("*/grade.json"):
            grade = read_grade(path)
            assert read_evidence(path.with_name("evidence.json"), grade).digest == grade.digest
            assert "</html>" in path.with_name("report.html").read_text("utf-8")
            found.add(path.parent.name)
        return found


@pytest.fixture
def small(tmp_path: Path) -> Class:
    return Class(tmp_path)


def told(line: str) -> str:
    return line.partition(" ")[0]


def name(number: int) -> str:
    return f"s{number:02}"


EVERYBODY = {name(number) for number in range(COUNT)}


def test_a_run_killed_at_any_moment_loses_nothing_that_it_has_told_and_the_next_one_goes_on(small):
    drawn = random.Random(16)
    for moment in range(10):
        process = small.start()
        after = drawn.randrange(COUNT)
        lines = [line for _ in range(after) if (line := process.stdout.readline())]
        time.sleep(drawn.random() * 0.1)
        process.kill()
        rest, _ = process.communicate(timeout=60)
        reported = {told(line) for line in [*lines, *rest.splitlines()] if " points · " in line}
        assert reported <= small.whole(), moment
        assert small.whole() <= EVERYBODY
        if moment % 3 == 2:
            shutil.rmtree(small.out)  # begin anew
    before = small.whole() if small.out.exists() else set()
    assert small.run()[0] == 0
    assert small.whole() == EVERYBODY
    assert len(small.measured) >= COUNT - len(before) - 1
    assert list((small.home / "tmp").iterdir()) == []


def test_the_second_run_measures_nothing_and_says_so_and_again_measures_all(small):
    assert len(small.run()[1].splitlines()) > COUNT
    first = {path: path.read_bytes() for path in small.out.glob("*/*.json")}
    out = small.run()[1]
    assert small.measured == []
    assert f"Graded before, with nothing changed since: {COUNT}." in out
    assert {path: path.read_bytes() for path in small.out.glob("*/*.json")} == first
    small.run("--again")
    assert len(small.measured) == COUNT


def test_one_that_kills_its_process_is_tried_twice_and_last_and_needs_a_person(small):
    small.hand_in("evil", 666)
    status, _, err = small.run()
    assert status == 1
    assert small.measured.count("evil.zip") == 2
    assert "evil.zip: crashed: signal 9. It cost no other submission." in " ".join(err.split())
    grade = read_grade(small.out / "evil" / "grade.json")
    assert (grade.needs_human, grade.unusable, grade.total) == (True, False, 0.0)
    assert {path.name for path in small.out.glob("s*")} == EVERYBODY
    small.run()  # it is not kept as final: tried again, alone, and only once
    assert small.measured == ["evil.zip"]
    assert list((small.home / "tmp").iterdir()) == []


def test_another_students_name_or_page_is_right_where_a_result_is_used_again(small):
    small.run()
    for path in (small.home / "class").glob("s0[1-9].zip"):
        path.unlink()
    _, out, _ = small.run("--audience", "student")
    assert small.measured == []
    assert "Graded before" in out


def test_what_was_left_open_is_measured_again_also_by_the_run_that_goes_on(small):
    usual = ("--rubric", str(the_lab().rubric))  # most of its criteria stay open: nothing looks at them here
    process = small.start(*usual)
    process.stdout.readline()
    begun(small, process, 3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert 0 < len(small.whole()) < COUNT
    small.run(*usual)
    assert len(small.measured) == COUNT


# --- Ctrl-C ------------------------------------------------------------------------------------------------------


def begun(small: Class, process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """Wait until so many are measured, and return the processes of the run."""
    while len(small.measured) < count:
        assert process.poll() is None
        time.sleep(0.02)
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def test_ctrl_c_once_finishes_what_is_running_and_begins_nothing_else(small):
    process = small.start()
    process.stdout.readline()
    begun(small, process, 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "finishing what is running" in err
    assert err.endswith("grade: interrupted; what was graded so far is in the output folder\n")
    assert len(small.measured) == len(small.whole()) < COUNT
    small.run()
    assert small.whole() == EVERYBODY
    assert len(small.measured) < COUNT


def test_ctrl_c_twice_ends_what_is_running_and_leaves_nothing_behind(small):
    for number in range(COUNT):
        small.hand_in(name(number), 777)
    process = small.start()
    everything = begun(small, process, 2)
    process.send_signal(signal.SIGINT)
    assert "finishing what is running" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert psutil.wait_procs(everything, 10)[1] == []
    assert list((small.home / "tmp").iterdir()) == []
    assert small.whole() == set()


def test_what_a_killed_run_was_running_ends_with_it(small):
    small.hand_in("slow", 777)
    process = small.start()
    everything = begun(small, process, 2)
    process.kill()
    process.communicate(timeout=60)
    assert psutil.wait_procs(everything, 10)[1] == []


# --- the journal -------------------------------------------------------------------------------------------------


def status_of(small: Class) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", "from grader.cli.app import main; main()", "status", small.out]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_status_tells_of_a_run_that_is_going_on_and_of_its_end_and_bears_damaged_lines(small):
    small.hand_in("slow", 777)
    process = small.start()
    begun(small, process, COUNT + 1)
    while len(small.whole()) < COUNT:
        time.sleep(0.02)
    found = status_of(small)
    assert f"process {process.pid} on" in found
    assert f"done: {COUNT}, failed: 0, left: 1" in found
    assert "longest running: slow.zip" in found
    assert f"process {process.pid} on" in small.run()[2]  # a second run is refused
    process.kill()
    process.communicate(timeout=60)
    journal = runs(small.out)[-1]
    with journal.open("ab") as file:
        file.write(b'{"event": "done", "at"')
    found = status_of(small)
    assert "did not come to its end" in found
    assert "left out: 1" in found


def test_every_line_of_the_journal_is_whole_and_names_the_host(small):
    small.run()
    read = read_journal(runs(small.out)[-1])
    assert (read.damaged, read.ended, read.open) == (0, True, {})
    assert len(list(read.of("start"))) == len(list(read.of("done"))) == COUNT
    assert all(line["host"] for line in read.lines)
    assert {line["event"] for line in map(json.loads, runs(small.out)[-1].read_text("utf-8").splitlines())} == {
        "run", "start", "done", "end",
    }  # fmt: skip
