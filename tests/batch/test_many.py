"""Many archives: each result is written as soon as it is graded, in its own folder, whole or not at all."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.batch import many
from grader.batch.crew import Alone
from grader.batch.many import Finished, Loop, Task, Turns, graded_here, tasks_of
from grader.batch.one import Setup
from grader.batch.spawner import Trade
from grader.batch.unopened import refused
from grader.collect import Equipment
from grader.disk.whole import require_room, write_whole
from grader.evidence import EVIDENCE, Evidence
from grader.evidence.refusals import refusal
from grader.gradebook import publish
from grader.gradebook.files import Graded, from_json
from grader.gradebook.places import folder_name
from grader.gradebook.publish import Publisher, Written
from grader.intake import Archive
from grader.intake.archive import Piece
from grader.marking.mark import mark
from grader.marking.rubric import Rubric
from grader.records import Grade, MadeBy, Message, Student, message
from grader.records.errors import BadLab

MADE = MadeBy("0.1.0", "3.11")


class Nobody:
    """A sandbox that must not be asked."""

    name = "none"
    isolated = True

    def run(self, job):
        raise AssertionError(f"asked for {job.probe}")

    def for_code(self, submission):
        return None


@pytest.fixture
def setup(lab_rubric: Rubric) -> Setup:
    return Setup(Equipment(message("no data"), Nobody()), lab_rubric, MADE)


@pytest.fixture
def graded(lab_rubric: Rubric, evidence: Callable[..., Evidence]) -> Callable[..., Graded]:
    def build(student: Student) -> Graded:
        found = evidence()
        found = Evidence(student, found.digest, found.archive, found.observations)
        return Graded(mark(found, lab_rubric, MADE), found)

    return build


def page(grade: Grade) -> str:
    return f"<p>{grade.student.name}"


class Quiet:
    """A watcher that keeps the steps that it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[Archive, str]] = []

    def begun(self, task: Task) -> None: ...

    def step(self, task: Task, step: Message) -> None:
        self.steps.append((task.archive, step.english()))

    def lost(self, task: Task, cause: Message, seconds: float) -> None: ...

    def tick(self) -> None: ...

    def stopping(self) -> bool:
        return False


def grade_all(
    archives: list[Archive], setup: Setup, publish: Callable[[Graded], Written], watcher: Quiet | None = None
) -> Iterator[Written]:
    """Grade one after the other, in this process."""
    tasks = tasks_of(archives)
    crew = Alone(Trade(lambda archive, say: graded_here(archive, setup, say)))

    def published(task: Task, finished: Finished) -> Written:
        return publish(finished.graded)

    with ThreadPoolExecutor(1) as executor:
        loop = Loop(crew, executor, lambda: 1, setup, published, watcher or Quiet(), Turns(tasks))
        for done in loop.run(tasks):
            yield done.written


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# --- one folder a student --------------------------------------------------------------------------------------


def test_page_evidence_and_grade_lie_in_the_students_folder(graded, tmp_path):
    written = Publisher(tmp_path, page)(graded(Student("Ada Ng", "12345")))
    assert written.folder == tmp_path / "Ada_Ng-12345"
    assert files(tmp_path) == {f"Ada_Ng-12345/{name}" for name in ("report.html", "evidence.json", "grade.json")}
    assert written.report.read_text("utf-8") == "<p>Ada Ng"
    assert from_json((written.folder / "grade.json").read_text("utf-8"), "grade.json") == written.grade
    assert EVIDENCE.validate_json((written.folder / "evidence.json").read_bytes()).student == Student("Ada Ng", "12345")


def test_stored_evidence_gives_the_same_grade_again(graded, lab_rubric, tmp_path):
    written = Publisher(tmp_path, page)(graded(Student("Ada")))
    stored = EVIDENCE.validate_json((written.folder / "evidence.json").read_bytes())
    assert mark(stored, lab_rubric, MADE) == written.grade


def test_students_of_one_name_get_folders_of_their_own(graded, tmp_path):
    publish = Publisher(tmp_path, page)
    names = [publish(graded(Student(name))).folder.name for name in ("Ada", "ada", "Ada-2", "Ada", "ADA")]
    assert len({name.casefold() for name in names}) == 5
    assert names[:2] == ["Ada", "ada-2"]


def test_a_second_run_writes_over_the_first(graded, tmp_path):
    for _ in range(2):
        assert Publisher(tmp_path, page)(graded(Student("Ada"))).folder.name == "Ada"


def test_evidence_of_an_earlier_archive_does_not_stay_beside_a_new_grade(graded, lab_rubric, tmp_path):
    Publisher(tmp_path, page)(graded(Student("Ada")))
    refusal = refused(Archive(tmp_path / "ada.zip", Student("Ada")), message("not a zip"), lab_rubric, MADE)
    Publisher(tmp_path, page)(Graded(refusal, None))
    assert files(tmp_path / "Ada") >= {"report.html", "grade.json"}
    assert not (tmp_path / "Ada" / "evidence.json").exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Ada Ng", "Ada_Ng"),
        ("魏明", "魏明"),
        ("../../etc/passwd", "etc_passwd"),
        ("/root", "root"),
        ("..", "student"),
        ("", "student"),
        (".hidden", "hidden"),
        ("a\\b:c*d?e\"f<g>h|i", "a_b_c_d_e_f_g_h_i"),
        ("a\x00b\nc\x1b[2J", "a_b_c_2J"),
        ("\u202eAda", "Ada"),
        ("\udcff", "student"),
        ("~root", "root"),
        ("index.html", "index_html"),
        ("Grades.CSV", "Grades_CSV"),
        ("roster.json", "roster_json"),
        (".grades.run.json", "grades_run_json"),
        ("CON", "CON_"),
        ("nul.tar.gz", "nul_tar_gz"),
        ("attempts", "attempts_"),
        ("J.Smith", "J.Smith"),
        ("Conrad", "Conrad"),
    ],
)  # fmt: skip
def test_a_hostile_name_becomes_a_harmless_folder(name, folder):
    assert folder_name(Student(name)) == folder


@given(st.text(), st.text(max_size=20))
def test_no_name_at_all_leaves_the_output_folder(name, identifier):
    folder = folder_name(Student(name, identifier))
    assert Path(folder).name == folder
    assert folder not in ("", ".", "..")
    assert not set(folder) & set('/\\:*?"<>|\x00')
    assert len(folder.encode()) <= 80


def test_a_hostile_student_writes_nothing_outside(graded, tmp_path):
    Publisher(tmp_path / "out", page)(graded(Student("../../../escape", "../../x")))
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


# --- whole or not at all ---------------------------------------------------------------------------------------


def test_a_file_is_written_whole_and_readable_by_others(tmp_path):
    write_whole(tmp_path / "a.txt", "new\n")
    assert (tmp_path / "a.txt").read_bytes() == b"new\n"
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644
    assert files(tmp_path) == {"a.txt"}


def test_a_write_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path, monkeypatch):
    write_whole(tmp_path / "a.txt", "old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text("utf-8") == "old"
    assert files(tmp_path) == {"a.txt"}


def test_a_crash_while_drawing_the_page_leaves_the_earlier_result_as_it_was(graded, tmp_path):
    Publisher(tmp_path, page)(graded(Student("Ada")))
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

    def broken(grade: Grade) -> str:
        raise KeyError("no such exhibit")

    with pytest.raises(KeyError):
        Publisher(tmp_path, broken)(graded(Student("Ada")))
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_a_first_result_that_cannot_be_drawn_leaves_no_folder(graded, tmp_path):
    with pytest.raises(ZeroDivisionError):
        Publisher(tmp_path / "out", lambda grade: str(1 / 0))(graded(Student("Ada")))
    assert not (tmp_path / "out").exists()


# --- one after the other ---------------------------------------------------------------------------------------


def test_each_result_is_there_before_the_next_is_published(setup, tmp_path):
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.zip").write_bytes(b"not a zip")
    archives = [Archive(tmp_path / f"{name}.zip", Student(name)) for name in ("ada", "bob")]
    results = grade_all(archives, setup, Publisher(tmp_path / "out", page))
    assert next(results).grade.unusable
    assert files(tmp_path / "out") == {"ada/report.html", "ada/grade.json"}  # though the next one is being graded
    assert next(results).folder.name == "bob"


def test_a_bug_of_ours_becomes_a_grade_and_the_next_is_graded(setup, graded, tmp_path, monkeypatch, capsys):
    def grade_archive(archive, setup, say):
        if archive.student.name == "bob":
            raise RuntimeError("bug")
        return graded(archive.student)

    monkeypatch.setattr(many, "grade_archive", grade_archive)
    archives = [Archive(tmp_path / name, Student(name)) for name in ("ada", "bob", "eve")]
    results = list(grade_all(archives, setup, Publisher(tmp_path, page)))
    assert [result.grade.needs_human for result in results] == [True, True, True]
    fault = results[1].grade.marks[0].finding.fault.english()
    assert fault == "the grader failed on this submission (RuntimeError: bug); please report it"
    assert "RuntimeError: bug" in capsys.readouterr().err  # for a bug report


def test_an_archive_that_only_we_cannot_unpack_is_for_staff_even_where_unusable_means_zero(setup, tmp_path):
    class Lacking(Nobody):
        def run(self, job):
            values = {"file": "ada.rar", "format": "RAR", "library": "libarchive"}
            return refusal("archive_library", values)

    setup = replace(setup, equipment=replace(setup.equipment, sandbox=Lacking()), zero=True)
    (tmp_path / "ada.rar").write_bytes(b"Rar!\x1a\x07\x01\x00")
    (result,) = grade_all([Archive(tmp_path / "ada.rar", Student("ada"))], setup, Publisher(tmp_path, page))
    assert (result.grade.unusable, result.grade.needs_human) == (False, True)
    assert "apt install libarchive13" in result.grade.marks[0].finding.fault.english()


def test_a_page_that_cannot_be_drawn_stops_nobody_else(setup, graded, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(many, "grade_archive", lambda archive, setup, say: graded(archive.student))

    def fragile(grade: Grade) -> str:
        if grade.student.name == "bob" and grade.digest:
            raise KeyError("no such exhibit")
        return page(grade)

    archives = [Archive(tmp_path / name, Student(name)) for name in ("ada", "bob", "eve")]
    results = list(grade_all(archives, setup, Publisher(tmp_path, fragile)))
    assert [result.folder.name for result in results] == ["ada", "bob", "eve"]
    assert "please report it" in (tmp_path / "bob" / "grade.json").read_text("utf-8")
    capsys.readouterr()


def test_a_full_disk_ends_the_run_at_once(setup, graded, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "grade_archive", lambda archive, setup, say: graded(archive.student))
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    archives = [Archive(tmp_path / name, Student(name)) for name in ("ada", "bob")]
    with pytest.raises(BadLab, match="out/ada cannot be written: Not a directory"):
        list(grade_all(archives, setup, Publisher(tmp_path / "out", page)))


def test_a_disk_that_fills_up_while_writing_leaves_no_empty_folder(graded, tmp_path, monkeypatch):
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publish, "write_whole", full)
    with pytest.raises(BadLab) as caught:
        Publisher(tmp_path / "new" / "out", page)(graded(Student("Ada")))
    assert str(caught.value) == (
        f"{tmp_path}/new/out/Ada cannot be written: No space left on device. No partial files were left behind."
        " Free some space there, fix its permissions, or choose another folder with --out."
    )
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_is_tried_out_and_left_as_it_was(tmp_path):
    require_room(tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []
    require_room(tmp_path)
    assert tmp_path.exists()


def test_an_archive_that_this_machine_cannot_read_is_the_staffs_and_no_bug(
    setup, graded, tmp_path, monkeypatch, capsys
):
    def grade_archive(archive, setup, say):
        raise BadLab(message("{path} cannot be read: Permission denied.", path=archive.name))

    monkeypatch.setattr(many, "grade_archive", grade_archive)
    (written,) = grade_all([Archive(tmp_path / "ada", Student("ada"))], setup, Publisher(tmp_path, page))
    assert written.grade.needs_human
    assert written.grade.marks[0].finding.fault.english() == "ada cannot be read: Permission denied."
    assert capsys.readouterr().err == ""


def test_each_step_is_reported_with_its_archive(setup, tmp_path):
    (tmp_path / "ada.zip").write_bytes(b"not a zip")
    watcher = Quiet()
    archive = Archive(tmp_path / "ada.zip", Student("ada"))
    list(grade_all([archive], setup, Publisher(tmp_path, page), watcher))
    assert watcher.steps == [(archive, "unpacking")]


def test_the_grade_file_is_written_last(graded, tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr(publish, "write_whole", lambda path, text: order.append(path.name))
    Publisher(tmp_path, page)(graded(Student("Ada")))
    assert order == ["report.html", "evidence.json", "grade.json"]


def test_half_a_character_in_a_name_is_written_all_the_same(lab_rubric, tmp_path):
    refusal = refused(Archive(Path("a.zip"), Student("a\udcff")), message("not a zip"), lab_rubric, MADE)
    written = Publisher(tmp_path, page)(Graded(refusal, None))
    assert json.loads((written.folder / "grade.json").read_text("utf-8"))["student"]["name"] == "a\udcff"


def test_several_files_that_cannot_be_opened_are_not_taken_for_the_first_of_them(lab_rubric, tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(name.encode())
    pieces = tuple(Piece(tmp_path / name, name) for name in ("a.zip", "b.zip"))
    alone, both, other = (
        refused(Archive(tmp_path / "a.zip", Student("Ada"), given), message("damaged"), lab_rubric, MADE).digest
        for given in ((), pieces, pieces[:1])
    )
    assert len({alone, both, other}) == 3
