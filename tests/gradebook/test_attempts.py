"""Whose a submission is decides where it goes: never over another one, and earlier attempts are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.evidence import Evidence
from grader.gradebook.attempts import best
from grader.gradebook.files import Graded, from_json, read_stored, to_json
from grader.gradebook.publish import Publisher
from grader.marking.mark import mark
from grader.marking.rubric import Rubric
from grader.records import Adjustment, Grade, Judged, MadeBy, Student, Verdict, message

MADE = MadeBy("0.1.0", "3.11")


def page(grade: Grade) -> str:
    return f"<p>{grade.student.name}"


@pytest.fixture
def handed_in(lab_rubric: Rubric, evidence: Callable[..., Evidence]) -> Callable[[Student, str], Graded]:
    """What was graded of a student's archive of this digest; nothing in it could be judged."""

    def build(student: Student, digest: str) -> Graded:
        found = evidence()
        found = Evidence(student, digest * 64, found.archive, found.observations)
        return Graded(mark(found, lab_rubric, MADE), found)

    return build


def penalty(folder: Path) -> None:
    path = folder / "grade.json"
    grade = from_json(path.read_text("utf-8"), "grade.json")
    late = Adjustment(-5.0, "two days late", "Dr Li", "2026-03-05")
    path.write_text(to_json(replace(grade, adjustments=(late,))), encoding="utf-8")


def test_a_name_that_identifies_nobody_never_replaces_another_submission_nor_takes_its_decisions(handed_in, tmp_path):
    someone = Student("submission", guessed=True)
    first = Publisher(tmp_path, page)(handed_in(someone, "a"))
    penalty(first.folder)
    second = Publisher(tmp_path, page)(handed_in(someone, "b"))
    assert second.folder != first.folder
    assert second.grade.adjustments == ()
    assert [flag.kind for flag in second.grade.flags] == ["whose submission"]
    again = Publisher(tmp_path, page)(handed_in(someone, "a"))
    assert again.folder == first.folder
    assert [one.reason for one in again.grade.adjustments] == ["two days late"]


def test_two_submissions_of_one_doubtful_name_in_one_run_are_both_kept_also_if_they_are_equal(handed_in, tmp_path):
    publish = Publisher(tmp_path, page)
    someone = Student("final", guessed=True)
    assert {publish(handed_in(someone, "a")).folder.name for _ in range(2)} == {"final", "final-2"}


def test_a_new_attempt_counts_and_the_earlier_one_is_kept(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page)
    first, second = publish(handed_in(ada, "a")), publish(handed_in(ada, "b"))
    assert first.folder == second.folder == tmp_path / "Ada_Ng-101"
    assert digests(tmp_path) == {"Ada_Ng-101": "b" * 64, "Ada_Ng-101/attempts/1": "a" * 64}
    assert [one.grade.digest for one in read_stored(tmp_path)[0]] == ["b" * 64]
    publish(handed_in(ada, "a"))
    assert digests(tmp_path) == {"Ada_Ng-101": "a" * 64, "Ada_Ng-101/attempts/2": "b" * 64}


def test_the_best_attempt_can_count_instead_of_the_last(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page, best)
    good, bad = handed_in(ada, "a"), handed_in(ada, "b")
    ended = replace(bad.grade, adjustments=(Adjustment(-1.0, "no unit", "Dr Li", "2026-03-05"),))
    publish(Graded(judged(good.grade), good.evidence))
    written = publish(Graded(judged(ended), bad.evidence))
    assert written.folder == tmp_path / "Ada_Ng-101" / "attempts" / "1"
    assert digests(tmp_path) == {"Ada_Ng-101": "a" * 64, "Ada_Ng-101/attempts/1": "b" * 64}


def test_a_student_of_a_number_keeps_the_folder_under_another_name(handed_in, tmp_path):
    Publisher(tmp_path, page)(handed_in(Student("Ada Ng", "101", "moodle"), "a"))
    written = Publisher(tmp_path, page)(handed_in(Student("Ada Ng-Li", "101", "moodle"), "b"))
    assert written.folder.name == "Ada_Ng-101"
    other = Publisher(tmp_path, page)(handed_in(Student("Ada Ng", "101", "canvas"), "c"))
    assert other.folder.name != "Ada_Ng-101"


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.parent.relative_to(folder)): from_json(path.read_text("utf-8"), "grade.json").digest
        for path in folder.rglob("grade.json")
    }


def judged(grade: Grade) -> Grade:
    """The grade with a verdict for every criterion."""
    full = Verdict(1.0, message("right"))
    marks = tuple(replace(mark, finding=Judged(mark.criterion.check, full)) for mark in grade.marks)
    return replace(grade, marks=marks)
