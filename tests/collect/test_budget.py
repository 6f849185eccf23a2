"""One budget for everything that is done with a submission: who gets what, and who is blamed when it is over."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import DEMO_SUBMISSION
from grader import probes
from grader.batch.one import Setup, grade_archive
from grader.collect import Equipment, begun, budget
from grader.collect.budget import KEPT, LEAST, Budget, Metered, part_of
from grader.collect.documents import Documents
from grader.collect.normalisations import template
from grader.collect.twice import Try, tried_twice
from grader.collect.weights import measure
from grader.collect.yardstick import Yardstick, as_pictures
from grader.dataset import ImageSet
from grader.evidence import Accuracy, Crashed, Failure, OutOfMemory, Refused, Tasks, TimedOut, Unavailable
from grader.intake import Archive, open_submission
from grader.records import MadeBy, Student, message
from grader.sandbox import Called, Job, Limits, Reply, Sandbox

MINE, FIT = Job("weights.checkpoint.run_checkpoint"), Job("code.function_fit.call_fit", limits=Limits(60.0, 3_000))
LIMITS = Limits(1_000.0, 4_000)
DONE = Reply({}, {})


class Clock:
    """A sandbox, also for code, in which each job takes `takes` seconds or its limit, and is asked for what it had."""

    name, isolated, roots = "clock", True, None

    def __init__(self, monkeypatch: pytest.MonkeyPatch, takes: float = 0.0) -> None:
        self.takes, self.now = takes, 0.0
        self.asked: list[Job] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def run(self, job: Job) -> Reply | Failure:
        self.asked.append(job)
        self.now += min(self.takes, job.limits.seconds)
        return DONE if self.takes <= job.limits.seconds else TimedOut(job.limits.seconds)

    def call(self, job: Job) -> Called:
        return Called(self.run(job), "")

    def for_code(self, submission: Path) -> Clock:
        del submission
        return self


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def metered(clock: Clock, limits: Limits = LIMITS) -> Metered:
    return Metered(clock, Budget(limits))  # type: ignore[arg-type]


def test_every_part_is_sure_of_its_share_whatever_the_others_take():
    for part in KEPT:
        spent = Budget(LIMITS)
        for other, probe in (("code", "code.a"), ("accuracy", "weights.a"), ("reading", "documents.a")):
            while other != part and spent.left(other).seconds > LEAST:  # type: ignore[arg-type]
                spent.take(Job(f"{probe}.b", limits=spent.left(other)), 1e9)  # type: ignore[arg-type]
        assert spent.left(part).seconds == pytest.approx(KEPT[part] * LIMITS.seconds, abs=5 * LEAST)


def test_what_nobody_has_been_promised_goes_to_who_needs_it_and_in_the_end_all_is_left_to_the_rankings():
    spent = Budget(LIMITS)
    promised = 1.0 - sum(KEPT.values())
    assert spent.left("accuracy").seconds == pytest.approx(1_000 * (KEPT["accuracy"] + promised))
    spent.take(MINE, 200.0)
    assert spent.left("retrieval").seconds == pytest.approx(800.0)


def test_no_submission_takes_longer_than_its_limit(clock):
    clock.takes = 1e9
    sandbox = metered(clock)
    code = sandbox.for_code(Path())
    assert code is not None
    for _ in range(40):
        sandbox.run(replace(MINE, limits=LIMITS))
        code.call(FIT)
        sandbox.run(Job("retrieval.scores.compute_scores", limits=LIMITS))
    assert clock.now <= 1_000.0 + 120 * LEAST
    assert all(job.limits.megabytes <= 4_000 for job in clock.asked)


def test_memory_is_bounded_for_every_job(clock):
    metered(clock, Limits(600.0, 2_000)).run(replace(MINE, limits=Limits(10.0, 3_000)))
    assert clock.asked[0].limits == Limits(10.0, 2_000)


def test_a_function_that_never_ends_leaves_the_others_their_time(clock):
    code = metered(clock).for_code(Path())
    assert code is not None
    clock.takes = 1e9
    assert [type(code.call(FIT).answer) for _ in range(3)] == [TimedOut] * 3
    clock.takes = 20.0
    assert code.call(FIT).answer == DONE


def test_a_call_that_was_cut_short_is_blamed_only_where_the_submissions_code_took_the_time(clock):
    code = metered(clock, Limits(60.0, 4_000)).for_code(Path())
    assert code is not None
    clock.takes = 10.0  # a slow machine and a short limit
    answer = code.call(FIT).answer
    assert isinstance(answer, Unavailable)
    assert "longer --time-limit" in answer.message.english()

    hanging = metered(clock).for_code(Path())
    assert hanging is not None
    clock.takes = 1e9
    answers = [hanging.call(FIT).answer for _ in range(12)]
    assert isinstance(answers[0], TimedOut)
    assert isinstance(answers[-1], Refused)
    assert "Mend those that do not finish" in answers[-1].message.english()


def test_running_a_network_in_the_time_that_is_left_is_not_cut_short(clock):
    spent = Budget(Limits(20.0, 4_000))
    code = Metered(clock, spent).for_code(Path())
    assert code is not None
    clock.takes = 1e9
    run = Job("code.own_network.run_network", limits=spent.left("accuracy", 0.6))
    assert isinstance(code.call(run).answer, TimedOut)
    assert not spent.code_took_it


def test_calls_that_just_stay_within_their_time_are_blamed_too_when_it_is_over(clock):
    code = metered(clock).for_code(Path())
    assert code is not None
    clock.takes = 59.0
    answers = [code.call(FIT).answer for _ in range(20)]
    assert not any(isinstance(answer, Unavailable) for answer in answers)
    assert isinstance(answers[-1], Refused)


def test_the_start_of_a_sandbox_costs_a_submission_nothing():
    spent = Budget(LIMITS)
    spent.take(FIT, 500.0)
    assert spent.left("retrieval").seconds == 940.0


def test_every_probe_of_a_submission_belongs_to_a_part():
    folders = [path for path in Path(probes.__path__[0]).iterdir() if (path / "__init__.py").exists()]
    assert {part_of(Job(f"{path.name}.a.b")) for path in folders} == {*KEPT, "archives"}
    assert part_of(Job("code.own_network.run_network")) == "accuracy"


def test_a_submission_has_one_budget_from_its_archive_to_its_rankings(
    shared_sandbox: Sandbox, lab_rubric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made: list[Budget] = []

    class Counted(Budget):
        def __init__(self, limits: Limits) -> None:
            super().__init__(limits)
            made.append(self)

    monkeypatch.setattr("grader.collect.equipment.Budget", Counted)
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "exp1.py").write_text("def fit(): pass\n")
    (tmp_path / "ada" / "report.md").write_text("nothing\n")
    equipment = Equipment(message("no images"), shared_sandbox, limits=Limits(300.0, 4_000))
    setup = Setup(equipment, lab_rubric, MadeBy("0", "3"))
    grade_archive(Archive(tmp_path / "ada", Student("Ada")), setup, lambda step: None)
    (one,) = made
    assert one.left("retrieval").seconds < 300.0
    assert begun(begun(equipment)).budget is not None


# --- whose fault it is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "seconds", "theirs"),
    [(TimedOut(300.0), 1.0, True), (TimedOut(149.0), 1.0, False), (TimedOut(300.0), None, False),
     (OutOfMemory(4_000), 1.0, True), (OutOfMemory(2_000), 1.0, False), (OutOfMemory(4_000), None, False),
     (Crashed(""), 1.0, False)],
    ids=["enough time", "little time", "machine out of order", "enough memory", "little memory", "no memory", "crash"],
)  # fmt: skip
def test_what_was_handed_in_is_blamed_where_an_ordinary_network_would_have_had_enough(failure, seconds, theirs):
    assert Yardstick(seconds).is_theirs(failure, 100) is theirs


def test_pixels_count_once_for_decoding_and_once_for_each_pass():
    assert as_pictures(2e9, 3) == 2 * (100 + 3 * 50)


Outcomes = Callable[..., Failure | str]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    def at(first: Failure | str, second: Failure | str, *machine: float | None) -> Failure | str:
        found, timed = iter((first, second)), iter(machine)
        monkeypatch.setattr("grader.collect.twice.measured_here", lambda *told: Yardstick(next(timed)))
        equipment = Equipment(message("none"), None)  # type: ignore[arg-type]
        return tried_twice(lambda one: next(found), equipment, "cpu", "final.pth")

    return at


def test_what_has_time_is_tried_once(tried: Outcomes):
    assert tried("all", TimedOut(1.0)) == "all"
    assert tried(Crashed("x"), "few") == Crashed("x")


def test_a_few_images_are_measured_where_all_are_too_many(tried: Outcomes):
    assert tried(TimedOut(300.0), "few", 0.3) == "few"
    assert tried(OutOfMemory(4_000), "few", 0.3) == "few"


def test_a_network_too_slow_for_a_few_images_is_refused_with_what_an_ordinary_one_would_have_done(tried: Outcomes):
    found = tried(TimedOut(300.0), TimedOut(200.0), 0.2, 0.4)
    assert isinstance(found, Refused)
    assert "did not classify 220 images within 200 seconds" in found.message.english()
    assert "would have classified 500" in found.message.english()


def test_a_machine_that_is_slow_before_or_after_is_to_blame(tried: Outcomes):
    for machine in ((2.0, 0.1), (0.1, 2.0), (0.1, None), (None, 0.1)):
        assert tried(TimedOut(300.0), TimedOut(200.0), *machine) == TimedOut(200.0)


def test_memory_that_few_images_at_once_exceed_is_named(tried: Outcomes):
    found = tried(OutOfMemory(4_000), OutOfMemory(4_000), 0.2, 0.2)
    assert isinstance(found, Refused)
    assert "more than 4,000 MB" in found.message.english()


@pytest.mark.parametrize("first", [TimedOut(300.0), OutOfMemory(4_000)], ids=["time", "memory"])
def test_nobody_is_blamed_for_the_memory_of_several_processes(first: Failure, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []

    def attempt(one: Try) -> Failure | str:
        asked.append(one.equipment.threads)
        if len(asked) == 1:
            return first
        return OutOfMemory(4_000) if one.equipment.threads > 1 else "few"

    monkeypatch.setattr("grader.collect.twice.measured_here", lambda *told: Yardstick(0.1))
    equipment = Equipment(message("none"), None, threads=8)  # type: ignore[arg-type]
    assert tried_twice(attempt, equipment, "cpu", "final.pth") == "few"
    assert (asked[0], asked[-1]) == (8, 1)


def test_one_process_is_held_against_an_ordinary_network_with_one_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "grader.collect.twice.measured_here",
        lambda equipment, device: Yardstick(2.0 if equipment.threads == 1 else 0.1),
    )
    found = iter((OutOfMemory(4_000), TimedOut(200.0)))
    equipment = Equipment(message("none"), None, threads=8)  # type: ignore[arg-type]
    assert tried_twice(lambda one: next(found), equipment, "cpu", "final.pth") == TimedOut(200.0)


def test_the_ordinary_network_is_timed_where_no_student_code_runs(shared_sandbox: Sandbox):
    from grader.collect.yardstick import measured_here

    seconds = measured_here(Equipment(message("none"), shared_sandbox)).seconds
    assert seconds is not None
    assert seconds > 0.0
    assert budget.part_of(Job("machine.time_ordinary_network")) == budget.MACHINE


class SlowForAll:
    """A sandbox in which all test images take too long, and a hundred do not."""

    name, isolated = "slow", True

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def run(self, job: Job) -> Reply | Failure:
        counts = [run["count"] for run in job.inputs.get("runs", ())]
        return TimedOut(job.limits.seconds) if max(counts, default=0) > 100 else self.sandbox.run(job)


def test_a_known_network_is_measured_on_a_few_images_too(shared_sandbox: Sandbox, few_images: ImageSet, tmp_path: Path):
    (tmp_path / "ada").mkdir()
    shutil.copy(DEMO_SUBMISSION / "final.pth", tmp_path / "ada")
    submission = open_submission(Archive(tmp_path / "ada", Student("Ada")), tmp_path / "unpacked")
    equipment = Equipment(few_images, SlowForAll(shared_sandbox))  # type: ignore[arg-type]
    read = Documents(Tasks(()), template(), Unavailable(message("none")), ())
    scores = measure(submission, equipment, read).accuracy
    assert isinstance(scores, Accuracy)
    assert (scores.count, scores.whole, scores.cut_short) == (100, 200, True)
    assert scores.correct > 70
