"""Exhibits lie beside the figures: neither is taken for part of another grade, and figures need no exhibits."""

from __future__ import annotations

import csv
import multiprocessing
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grader.disk.whole import write_whole
from grader.gradebook import drawing, publish
from grader.gradebook.adjust import Decision, adjust
from grader.gradebook.exports import Request, export
from grader.gradebook.files import Graded, from_json, read_grade, read_stored, whole
from grader.gradebook.pages import draw_pages, draw_some
from grader.gradebook.publish import Publisher
from grader.gradebook.regrade import regrade, write
from grader.records import Blocked, Mark, Student, exhibits_of, message
from grader.records.errors import BadLab
from reports.html import render
from reports.languages import speaking

ADA, BOB = Student("Ada Ng", identifier="101"), Student("Bob", identifier="102")


@pytest.fixture
def group(taught):
    return taught(ADA, BOB)


def beside(folder: Path) -> Path:
    """The file of exhibits in a student's folder."""
    (found,) = folder.glob("exhibits-*.json")
    return found


def damage(path: Path, group) -> None:
    path.write_bytes(path.read_bytes().replace(b"exhibits/1", b"exhibits/7"))


def cut(path: Path, group) -> None:
    path.write_bytes(path.read_bytes()[:100])


def mix(path: Path, group) -> None:
    shutil.copy(beside(group.folder / "Ada_Ng-101"), path)


def lose(path: Path, group) -> None:
    path.unlink()


def test_the_figures_are_in_one_file_and_the_exhibits_in_another(group) -> None:
    text = (group.folder / "Ada_Ng-101" / "grade.json").read_text("utf-8")
    figures = from_json(text, "grade.json")
    assert all(exhibits_of(mark.finding) == () for mark in figures.marks)
    assert figures.total == group.grade("Ada_Ng-101").total
    assert any(exhibits_of(mark.finding) for mark in group.grade("Ada_Ng-101").marks)


def test_what_was_stored_is_read_back_whole(group) -> None:
    again = group.publish(ADA, digest=f"{0:064}")
    assert again.exhibits == ""
    assert group.grade("Ada_Ng-101") == again


def test_a_grade_that_holds_its_exhibits_itself_is_read_as_ever_and_put_apart_when_it_changes(tmp_path) -> None:
    folder = tmp_path / "grades"
    shutil.copytree(Path(__file__).parent / "grades_of_0_1", folder)
    path = folder / "Ada_Ng-101" / "grade.json"
    before = read_grade(path)
    assert (before.exhibits, list(path.parent.glob("exhibits*"))) == ("", [])
    adjust(folder, "Ada Ng", Decision(-1.0, "late", "Li", "2026-03-05"), pytest.fail)
    after = read_grade(path)
    assert after.exhibits != ""
    assert [mark.finding for mark in whole(after, path).marks] == [mark.finding for mark in before.marks]


def test_a_decision_leaves_the_exhibits_as_they_are(group) -> None:
    path = beside(group.folder / "Ada_Ng-101")
    marks, stored = group.grade("Ada_Ng-101").marks, path.read_bytes()
    adjust(group.folder, "Ada Ng", Decision(-1.0, "late", "Li", "2026-03-05"), pytest.fail)
    assert path.read_bytes() == stored
    assert group.grade("Ada_Ng-101").marks == marks


@pytest.mark.parametrize("harm", [damage, cut, mix, lose])
def test_lost_exhibits_cost_a_page_and_nothing_else(group, harm) -> None:
    group.publish(BOB, correct=120, digest=f"{1:064}")
    path = beside(group.folder / "Bob-102")
    harm(path, group)
    done = export(Request("csv", group.folder, so_far=True))
    assert done.refusals == ()
    rows = list(csv.DictReader((group.folder / "grades.csv").read_text("utf-8-sig").splitlines()))
    assert [(row["name"], row["total"] != "") for row in rows] == [("Ada Ng", True), ("Bob", True)]
    drawn = draw_pages(group.folder, "staff", pseudonyms=False)
    assert [page.parent.name for page in drawn.pages] == ["Ada_Ng-101"]
    (refusal,) = drawn.refusals
    assert "Bob-102/exhibits-" in refusal.message.english()
    assert drawn.class_page is not None and "Bob" in drawn.class_page.read_text("utf-8")


@pytest.mark.parametrize("harm", [damage, lose])
def test_regrading_brings_lost_exhibits_back(group, rubric, harm) -> None:
    before = group.grade("Bob-102")
    harm(beside(group.folder / "Bob-102"), group)
    done = regrade(group.folder, rubric())
    assert [one.path.parent.name for one in done.changed] == ["Bob-102"]
    write(group.folder, done)
    assert group.grade("Bob-102") == before
    assert regrade(group.folder, rubric()).changed == ()


def test_a_decision_on_a_grade_with_lost_exhibits_is_stored_and_the_page_is_named(group) -> None:
    lose(beside(group.folder / "Bob-102"), group)
    changed = adjust(group.folder, "Bob", Decision(-1.0, "late", "Li", "2026-03-05"), pytest.fail)
    drawn = draw_some(group.folder, [changed.path], "staff", pseudonyms=False)
    assert ["exhibits-" in refusal.message.english() for refusal in drawn.refusals] == [True]
    assert read_grade(changed.path).counted[0].points == -1.0


def test_an_earlier_attempt_keeps_its_exhibits(group) -> None:
    before = group.grade("Ada_Ng-101")
    group.publish(ADA, correct=200, digest="a" * 64)
    attempt = group.folder / "Ada_Ng-101" / "attempts" / "1" / "grade.json"
    assert whole(read_grade(attempt), attempt) == before


@pytest.mark.parametrize("digest", ["a" * 64, f"{0:064}"])
def test_a_command_that_ends_before_the_new_grade_is_there_leaves_the_old_one_whole(group, monkeypatch, digest) -> None:
    def killed(path: Path, text: str) -> None:
        if path.name == "grade.json":
            raise KeyboardInterrupt
        write_whole(path, text)

    before = group.grade("Ada_Ng-101")
    with monkeypatch.context() as patch:
        patch.setattr(publish, "write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            group.publish(ADA, correct=120, digest=digest)
    assert group.grade("Ada_Ng-101") == before
    group.publish(ADA, correct=120, digest=digest)
    assert group.grade("Ada_Ng-101") != before
    assert beside(group.folder / "Ada_Ng-101").is_file()  # one


def test_an_earlier_attempt_without_its_exhibits_says_so_to_staff(group) -> None:
    lose(beside(group.folder / "Ada_Ng-101"), group)
    group.publish(ADA, correct=200, digest="a" * 64)
    attempt = read_grade(group.folder / "Ada_Ng-101" / "attempts" / "1" / "grade.json")
    assert (attempt.exhibits, [flag.kind for flag in attempt.flags][-1]) == ("", "exhibits lost")
    assert group.grade("Ada_Ng-101").digest == "a" * 64


def test_a_page_is_never_drawn_without_the_exhibits_that_there_are(group) -> None:
    with pytest.raises(ValueError, match="were not read"):
        render(read_stored(group.folder)[0][0].grade)


def test_feedback_for_moodle_leaves_out_the_page_that_cannot_be_drawn(group, tmp_path) -> None:
    book = tmp_path / "book.csv"
    book.write_text(
        "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed\n"
        "Participant 1,Ada Ng,101,,Submitted,,35,Yes\nParticipant 2,Bob,102,,Submitted,,35,Yes\n",
        "utf-8",
    )
    cut(beside(group.folder / "Bob-102"), group)
    done = export(Request("moodle", group.folder, into=book, so_far=True))
    assert ["Bob-102/exhibits-" in refusal.message.english() for refusal in done.refusals] == [True]
    said = [line.said.english() for line in done.lines]
    assert any("rows filled: 2" in line for line in said) and any("reports: 1" in line for line in said)


def test_a_table_is_written_without_what_describes_evidence_or_rubrics(group) -> None:
    code = (
        "import sys; from grader.cli.app import cli\n"
        "try: cli(sys.argv[1:])\n"
        "finally: print([name for name in ('grader.evidence', 'grader.marking', 'numpy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, "export", str(group.folder), "--to", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


# --- many pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def three_processes(monkeypatch):
    monkeypatch.setattr(drawing, "WORTH_A_PROCESS", 2)
    monkeypatch.setattr(drawing, "processors", lambda: 3)


@pytest.fixture
def seven(taught):
    return taught(*(Student(f"Student {number}", identifier=f"{100 + number}") for number in range(7)))


def pages(folder: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text("utf-8") for path in folder.glob("*/report.html")}


@pytest.mark.usefixtures("three_processes")
def test_pages_are_the_same_whoever_draws_them(seven) -> None:
    with speaking("zh"):
        drawn = draw_pages(seven.folder, "student", pseudonyms=False)
        assert pages(seven.folder) == {
            one.path.parent.name: render(whole(one.grade, one.path), "student") for one in read_stored(seven.folder)[0]
        }
    assert list(drawn.pages) == sorted(seven.folder.glob("*/report.html"))


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="another process sees no patched function")
@pytest.mark.usefixtures("three_processes")
def test_what_a_process_that_was_killed_left_is_drawn_all_the_same(seven, monkeypatch) -> None:
    monkeypatch.setattr(drawing, "_draw_there", lambda sender, share: sys.exit(9))
    for path in seven.folder.glob("*/report.html"):
        path.unlink()
    assert len(draw_pages(seven.folder, "staff", pseudonyms=False).pages) == 7
    assert len(pages(seven.folder)) == 7


@pytest.mark.usefixtures("three_processes")
def test_a_page_that_no_process_can_write_is_reported(seven) -> None:
    for path in seven.folder.glob("*/report.html"):
        path.unlink()
        path.mkdir()
        (path / "mine.txt").touch()
    with pytest.raises(BadLab) as refused:
        draw_pages(seven.folder, "staff", pseudonyms=False)
    assert "report.html cannot be written" in refused.value.message.english()


@pytest.mark.usefixtures("three_processes")
def test_exhibits_lost_in_another_process_are_reported_by_this_one(seven) -> None:
    for path in seven.folder.glob("*/exhibits-*.json"):
        path.unlink()
    drawn = draw_pages(seven.folder, "staff", pseudonyms=False)
    assert (drawn.pages, len(drawn.refusals)) == ((), 7)


def test_a_new_grade_without_exhibits_leaves_none_of_the_old_one(group) -> None:
    folder = group.folder / "Ada_Ng-101"
    assert beside(folder).is_file()
    before = group.grade("Ada_Ng-101")
    marks = tuple(Mark(mark.criterion, Blocked(mark.criterion.check, message("no"))) for mark in before.marks)
    unusable = replace(before, marks=marks, unusable=True, digest="b" * 64)
    Publisher(group.folder, render)(Graded(unusable, None))
    assert list(folder.glob("exhibits-*.json")) == []
