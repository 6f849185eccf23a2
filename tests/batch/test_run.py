"""One run over an output folder: what it uses again, what it keeps, and what it blames nobody for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grader.batch import jobs, run
from grader.batch.crew import Answer, Lost, Told
from grader.batch.many import Task
from grader.batch.one import Setup
from grader.batch.results import Results
from grader.batch.run import Run
from grader.batch.setup import Options, SetupSpec
from grader.batch.unopened import unmarked
from grader.collect import Equipment
from grader.evidence import Evidence
from grader.gradebook.files import Graded, read_grade
from grader.gradebook.journal import Journal, read_journal, runs
from grader.gradebook.publish import Publisher
from grader.intake import Archive
from grader.marking.mark import mark
from grader.marking.rubric import Rubric
from grader.records import Grade, MadeBy, Message, Student, message

MADE = MadeBy("0.1.0", "3.11")
ADA = Student("Ada", "1")


class Watching:
    def __init__(self) -> None:
        self.lost_: list[str] = []

    def begun(self, task: Task) -> None: ...

    def step(self, task: Task, step: Message) -> None: ...

    def lost(self, task: Task, cause: Message, seconds: float) -> None:
        self.lost_.append(task.archive.name)

    def tick(self) -> None: ...

    def stopping(self) -> bool:
        return False


@dataclass
class Class:
    """An output folder and the runs into it, which grade in this process."""

    home: Path
    rubric: Rubric
    patch: pytest.MonkeyPatch
    find: Callable[[Archive], Graded] = field(init=False)
    page: Callable[[Grade], str] = field(default=lambda grade: f"<p>{grade.archive}")
    graded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.find = self.found
        setup = Setup(Equipment(message("none"), None), self.rubric, MADE)
        self.patch.setattr(run, "open_setup", lambda spec: nullcontext(setup))
        self.patch.setattr(run, "_crew", lambda setup, options: self)

    def found(self, archive: Archive) -> Graded:
        evidence = Evidence(archive.student, archive.name.encode().hex(), archive.name, ())
        return Graded(mark(evidence, self.rubric, MADE), evidence)

    def lost(self, archive: Archive) -> Graded:
        return Graded(unmarked(archive, message("lost"), self.rubric, MADE), None)

    def grade_one(self, archive: Archive, told: Told) -> Answer | Lost:
        self.graded.append(archive.name)
        return Answer(self.find(archive))

    def end(self) -> None: ...

    def hand_in(self, *names: str, student: Student = ADA) -> list[Archive]:
        for name in names:
            (self.home / name).write_text(name, encoding="utf-8")
        return [Archive(self.home / name, student) for name in names]

    def run(self, archives: Sequence[Archive], again: bool = False, watcher: Watching | None = None) -> list[str]:
        """Return what was graded anew."""
        self.graded.clear()
        with Journal(self.out) as journal:
            one = self.begin(archives, journal, again)
            list(one.reused())
            list(one.graded(watcher or Watching()))
        return sorted(self.graded)

    def begin(self, archives: Sequence[Archive], journal: Journal, again: bool = False) -> Run:
        spec = SetupSpec(
            Options(None, self.out, "cpu", "auto", "staff", None, 60.0, 500, jobs=1), self.rubric, message("none")
        )
        results = Results(self.out, "shared", self.rubric, again)
        return Run(spec, archives, Publisher(self.out, self.page), journal, results)

    @property
    def out(self) -> Path:
        return self.home / "out"

    @property
    def counts(self) -> Grade:
        (path,) = self.out.glob("*/grade.json")
        return read_grade(path)


@pytest.fixture
def small(tmp_path: Path, lab_rubric: Rubric, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    manual = replace(lab_rubric, lines=tuple(replace(line, check=None) for line in lab_rubric.lines))
    yield Class(tmp_path, manual, monkeypatch)


def test_what_was_settled_is_used_again_also_after_a_run_that_was_interrupted(small):
    archives = small.hand_in("a.zip")
    assert small.run(archives) == ["a.zip"]
    assert small.run(archives) == []


@pytest.mark.parametrize("ended", [True, False])
def test_what_this_machine_left_open_is_graded_again_whether_the_run_before_ended_or_not(small, lab_rubric, ended):
    small.rubric = lab_rubric  # nothing was observed: all of it stays open
    archives = small.hand_in("a.zip")
    small.run(archives)
    if not ended:
        (journal,) = runs(small.out)
        journal.write_text("".join(journal.read_text("utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    assert small.run(archives) == ["a.zip"]


def test_what_was_found_of_a_file_that_changed_meanwhile_is_not_kept(small):
    (archive,) = small.hand_in("a.zip")

    def find(archive: Archive) -> Graded:
        archive.path.write_text("another", encoding="utf-8")
        return small.found(archive)

    small.find = find
    small.run([archive])
    (small.home / "a.zip").write_text("a.zip", encoding="utf-8")
    assert small.run([archive]) == ["a.zip"]


def test_a_result_that_cannot_be_published_again_is_graded_again_and_stops_nobody(small):
    archives = [*small.hand_in("a1.zip", "a2.zip"), *small.hand_in("b.zip", student=Student("Bob", "2"))]
    small.run(archives)
    broken = iter("x")

    def page(grade: Grade) -> str:
        if grade.archive == "a1.zip" and next(broken, ""):
            raise KeyError("no such exhibit")
        return f"<p>other {grade.archive}"

    small.page = page
    assert small.run(archives) == ["a1.zip"]
    assert read_grade(small.out / "Ada-1" / "grade.json").archive == "a2.zip"  # as before, the last one counts


def test_a_result_that_cannot_be_marked_is_graded_again(small, monkeypatch):
    archives = small.hand_in("a.zip")
    small.run(archives)

    def broken(*told: object) -> Grade:
        raise KeyError("no such check")

    monkeypatch.setattr("grader.batch.results.mark", broken)
    assert small.run(archives) == ["a.zip"]


def test_an_earlier_attempt_does_not_count_while_a_later_one_is_to_be_graded(small):
    (first,) = small.hand_in("a1.zip")
    (second,) = small.hand_in("a2.zip")
    small.run([first, second])
    (small.home / "a2.zip").write_text("changed", encoding="utf-8")
    with Journal(small.out) as journal:
        one = small.begin([first, second], journal)
        assert list(one.reused()) == []
        assert small.counts.archive == "a2.zip"
        assert [done.task.archive.name for done in one.graded(Watching())] == ["a1.zip", "a2.zip"]
    assert small.counts.archive == "a2.zip"
    assert small.graded[-1:] == ["a2.zip"]


def test_a_folder_that_could_not_be_examined_again_keeps_the_grade_that_it_had(small, lab_rubric):
    folder = small.home / "ada"
    folder.mkdir()
    (folder / "final.pth").write_text("1", encoding="utf-8")
    archives = [Archive(folder, ADA)]
    small.run(archives)
    small.find, small.rubric = small.lost, lab_rubric
    small.run(archives, again=True)
    assert not (small.out / "Ada-1" / "attempts").exists()
    assert [flag.kind for flag in small.counts.flags] == ["not graded again"]


def test_what_ends_because_the_run_is_ended_is_not_blamed(small, tmp_path):
    watcher = Watching()
    with Journal(tmp_path / "journal") as journal:
        noting = run._Noting(watcher, journal)
        (task,) = run.tasks_of(small.hand_in("a.zip"))
        noting.lost(task, message("killed"), 1.0)
        noting.ending = True
        noting.lost(task, message("it was ended"), 1.0)
    assert watcher.lost_ == ["a.zip"]
    assert len(list(read_journal(runs(tmp_path / "journal")[0]).of("lost"))) == 1


def test_a_run_that_is_ended_in_the_middle_tells_of_no_lost_submission(small):
    watcher = Watching()
    said: list[Callable[[], None]] = []
    archives = [*small.hand_in("a.zip"), *small.hand_in("b.zip", student=Student("Bob", "2"))]
    small.end = lambda: [tell() for tell in said]
    real = run.Loop

    def loop(*parts: object) -> object:
        built = real(*parts)
        said.append(lambda: built.watcher.lost(run.tasks_of(archives)[1], message("it was ended"), 1.0))
        return built

    small.patch.setattr(run, "Loop", loop)
    with Journal(small.out) as journal:
        graded = small.begin(archives, journal).graded(watcher)
        next(graded)
        graded.close()
    assert said
    assert watcher.lost_ == []


# --- jobs --------------------------------------------------------------------------------------------------------


def test_memory_that_is_free_decides_and_not_what_is_swapped_or_cached(monkeypatch):
    monkeypatch.setattr(jobs, "free_megabytes", lambda: 6_000)
    monkeypatch.setattr(jobs, "processors", lambda: 16)
    assert jobs.this_machine().jobs == 4


@pytest.mark.parametrize(("device", "asked", "count"), [("auto", None, 1), ("cpu", None, 3), ("auto", 2, 2)])
def test_one_submission_at_a_time_uses_a_gpu_unless_more_are_asked_for(small, device, asked, count, monkeypatch):
    monkeypatch.setattr("grader.batch.setup.NVIDIA", small.home)
    monkeypatch.setattr(run, "this_machine", lambda: jobs.Machine(3, 100.0))
    monkeypatch.setattr(run, "FORKS", True)
    with Journal(small.out) as journal:
        one = small.begin(small.hand_in("a.zip", "b.zip", "c.zip"), journal)
        one.spec = replace(one.spec, options=replace(one.spec.options, device=device, jobs=asked))
        assert one.jobs == count
