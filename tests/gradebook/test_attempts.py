"""Whose a submission is decides where it goes: never over another one, and earlier attempts are kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.batch.unopened import refused, unmarked
from grader.disk.whole import write_output, write_whole
from grader.evidence import EVIDENCE, Evidence
from grader.gradebook import attempts, publish
from grader.gradebook.attempts import best, last
from grader.gradebook.files import Graded, from_json, read_stored, to_json
from grader.gradebook.publish import Publisher
from grader.intake import Archive
from grader.intake.whose import group
from grader.marking.mark import mark
from grader.marking.rubric import Rubric
from grader.records import Adjustment, Grade, Judged, MadeBy, Member, Student, Verdict, message

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


def group_of(*names: str) -> Student:
    members = tuple(Member(name, f"70{name}", f"{name}@x") for name in names)
    joined = [
        ", ".join(texts) for texts in (names, (one.identifier for one in members), (one.email for one in members))
    ]
    return Student(joined[0], joined[1], "gradescope", joined[2], members=members)


def test_a_group_that_has_grown_hands_in_a_new_attempt(handed_in, tmp_path):
    for members, digest in (("AB", "a"), ("CD", "c"), ("ABX", "b")):
        Publisher(tmp_path, page)(handed_in(group_of(*members), digest))
    assert sorted(digests(tmp_path).values()) == ["a" * 64, "b" * 64, "c" * 64]
    assert sorted(one.grade.student.name for one in read_stored(tmp_path)[0]) == ["A, B, X", "C, D"]


def test_whoever_handed_in_alone_before_is_not_in_the_class_twice(handed_in, tmp_path):
    alone = Student("A", "70A", "gradescope", "A@x")
    for student, digest in ((alone, "a"), (group_of("B", "A"), "b")):
        Publisher(tmp_path, page)(handed_in(student, digest))
    assert [one.grade.student.name for one in read_stored(tmp_path)[0]] == ["B, A"]


def test_a_group_without_one_of_its_members_leaves_that_member_the_grade(handed_in, tmp_path):
    for members, digest in (("AB", "a"), ("AC", "b")):
        Publisher(tmp_path, page)(handed_in(group_of(*members), digest))
    assert sorted(one.grade.student.name for one in read_stored(tmp_path)[0]) == ["A, B", "A, C"]


def test_a_run_killed_before_the_new_grade_was_written_mixes_up_no_evidence(handed_in, tmp_path, monkeypatch):
    ada = Student("Ada Ng", "101", "moodle")
    kept = Publisher(tmp_path, page)(handed_in(ada, "a")).folder
    with monkeypatch.context() as patch:
        patch.setattr(publish, "write_whole", killed_at("grade.json"))
        with pytest.raises(KeyboardInterrupt):
            Publisher(tmp_path, page)(handed_in(ada, "b"))
    Publisher(tmp_path, page)(handed_in(ada, "b"))
    found = {path.parent.name: EVIDENCE.validate_json(path.read_bytes()).digest for path in kept.rglob("evidence.json")}
    assert found == {"Ada_Ng-101": "b" * 64, "1": "a" * 64}


def test_a_copy_that_a_killed_run_did_not_remove_is_removed_by_the_next(handed_in, tmp_path, monkeypatch):
    ada = Student("Ada Ng", "101", "moodle")
    for digest in "ab":
        Publisher(tmp_path, page)(handed_in(ada, digest))
    with monkeypatch.context() as patch:
        patch.setattr(publish, "forget", killed_at("Ada_Ng-101"))
        with pytest.raises(KeyboardInterrupt):
            Publisher(tmp_path, page)(handed_in(ada, "a"))
    Publisher(tmp_path, page)(handed_in(ada, "a"))
    assert digests(tmp_path) == {"Ada_Ng-101": "a" * 64, "Ada_Ng-101/attempts/2": "b" * 64}


@pytest.mark.parametrize("name", ["report.html", "evidence.json", "grade.json"])
def test_a_run_killed_while_it_keeps_an_attempt_leaves_no_grade_without_its_files(
    handed_in, tmp_path, monkeypatch, name
):
    def write(path: Path, data: bytes, inputs: tuple[()]) -> None:
        if path.name == name:
            raise KeyboardInterrupt
        write_output(path, data, inputs)

    ada = Student("Ada Ng", "101", "moodle")
    folder = Publisher(tmp_path, page)(handed_in(ada, "a")).folder
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "write_output", write)
        with pytest.raises(KeyboardInterrupt):
            Publisher(tmp_path, page)(handed_in(ada, "b"))
    assert digests(tmp_path) == {"Ada_Ng-101": "a" * 64}
    Publisher(tmp_path, page)(handed_in(ada, "b"))
    assert digests(tmp_path) == {"Ada_Ng-101": "b" * 64, "Ada_Ng-101/attempts/1": "a" * 64}
    files = {"report.html", "evidence.json", "grade.json"}
    assert files <= {path.name for path in (folder / "attempts" / "1").iterdir()}


def test_a_run_killed_while_it_removes_a_copy_leaves_no_grade_without_its_files(handed_in, tmp_path, monkeypatch):
    def half_removed(place: Path, **options: bool) -> None:
        (place / "report.html").unlink()
        raise KeyboardInterrupt

    ada = Student("Ada Ng", "101", "moodle")
    for digest in "ab":
        Publisher(tmp_path, page)(handed_in(ada, digest))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", half_removed)
        with pytest.raises(KeyboardInterrupt):
            Publisher(tmp_path, page)(handed_in(ada, "a"))
    assert all(path.with_name("report.html").is_file() for path in tmp_path.rglob("grade.json"))
    Publisher(tmp_path, page)(handed_in(ada, "a"))
    assert digests(tmp_path) == {"Ada_Ng-101": "a" * 64, "Ada_Ng-101/attempts/2": "b" * 64}
    assert not (tmp_path / "Ada_Ng-101" / "attempts" / "1").exists()


def test_what_has_not_changed_is_not_written_again(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    folder = Publisher(tmp_path, page)(handed_in(ada, "a")).folder
    (folder / "report.html").write_text("half a pa", encoding="utf-8")
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    Publisher(tmp_path, page)(handed_in(ada, "a"))
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"report.html"}
    assert (folder / "report.html").read_text("utf-8") == "<p>Ada Ng"


def killed_at(name: str) -> Callable[[Path, str], None]:
    """What writes files until it comes to one of this name."""

    def write(path: Path, text: str) -> None:
        if path.name == name:
            raise KeyboardInterrupt
        write_whole(path, text)

    return write


def test_the_best_attempt_can_count_instead_of_the_last(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page, best)
    good, bad = handed_in(ada, "a"), handed_in(ada, "b")
    marks = judged(bad.grade).marks
    lost = replace(marks[0], finding=Judged(marks[0].criterion.check, Verdict(0.5, message("half"))))
    publish(Graded(judged(good.grade), good.evidence))
    written = publish(Graded(replace(bad.grade, marks=(lost, *marks[1:])), bad.evidence))
    assert written.folder == tmp_path / "Ada_Ng-101" / "attempts" / "1"
    assert digests(tmp_path) == {"Ada_Ng-101": "a" * 64, "Ada_Ng-101/attempts/1": "b" * 64}


def test_a_student_of_a_number_keeps_the_folder_under_another_name(handed_in, tmp_path):
    Publisher(tmp_path, page)(handed_in(Student("Ada Ng", "101", "moodle"), "a"))
    written = Publisher(tmp_path, page)(handed_in(Student("Ada Ng-Li", "101", "moodle"), "b"))
    assert written.folder.name == "Ada_Ng-101"
    other = Publisher(tmp_path, page)(handed_in(Student("Ada Ng", "101", "canvas"), "c"))
    assert other.folder.name != "Ada_Ng-101"


def test_an_adjustment_is_about_one_submission(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page)
    penalty(publish(Graded(judged(handed_in(ada, "a").grade), None)).folder)
    second = publish(Graded(judged(handed_in(ada, "b").grade), None)).grade
    assert second.total == second.points
    assert [flag.kind for flag in second.flags] == ["marked by hand before"]
    assert "-5 points on 2026-03-05 (two days late), but for an earlier submission" in second.flags[0].message.english()
    again = publish(Graded(judged(handed_in(ada, "a").grade), None)).grade
    assert again.total == again.points - 5
    assert again.flags == ()


def test_what_cannot_be_opened_stays_open_whatever_was_decided_before(handed_in, lab_rubric, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    (tmp_path / "ada.zip").write_bytes(b"PK cut off")
    broken = refused(Archive(tmp_path / "ada.zip", ada), message("not a zip"), lab_rubric, MADE)
    for choose, counts in ((last, broken.digest), (best, "a" * 64)):
        out = tmp_path / choose.__name__
        penalty(Publisher(out, page, choose)(Graded(judged(handed_in(ada, "a").grade), None)).folder)
        Publisher(out, page, choose)(Graded(broken, None))
        assert digests(out)["Ada_Ng-101"] == counts
        (stored,) = read_stored(out)[0]
        assert stored.grade.needs_human == (choose is last)


def test_the_best_attempt_is_chosen_by_what_each_would_count_with_its_own_decisions(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page, best)
    penalty(publish(Graded(judged(handed_in(ada, "a").grade), None)).folder)  # 5 points less
    worse = judged(handed_in(ada, "b").grade)
    lost = replace(worse.marks[0], finding=Judged(worse.marks[0].criterion.check, Verdict(0.5, message("half"))))
    publish(Graded(replace(worse, marks=(lost, *worse.marks[1:])), None))
    (stored,) = read_stored(tmp_path)[0]
    assert stored.grade.total == max(stored.grade.points - 5, stored.grade.points - worse.marks[0].criterion.points / 2)


def test_where_only_a_name_says_who_it_is_a_replaced_submission_is_flagged(handed_in, tmp_path):
    smith = Student("smith")
    penalty(Publisher(tmp_path, page)(handed_in(smith, "a")).folder)
    second = Publisher(tmp_path, page)(handed_in(smith, "b")).grade
    assert "whose submission" in [flag.kind for flag in second.flags]
    assert second.counted == ()


def test_a_fault_of_the_grader_on_another_submission_needs_a_human_and_loses_nothing(handed_in, lab_rubric, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page)
    publish(Graded(judged(handed_in(ada, "a").grade), None))
    fault = unmarked(Archive(tmp_path / "ada.zip", ada), message("no space is left"), lab_rubric, MADE)
    publish(Graded(replace(fault, digest="b" * 64), None))
    assert read_stored(tmp_path)[0][0].grade.needs_human
    assert digests(tmp_path) == {"Ada_Ng-101": "b" * 64, "Ada_Ng-101/attempts/1": "a" * 64}


def test_a_fault_of_the_grader_never_replaces_the_grade_of_the_same_submission(handed_in, lab_rubric, tmp_path):
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page)
    publish(Graded(judged(handed_in(ada, "a").grade), None))
    fault = unmarked(Archive(tmp_path / "ada.zip", ada), message("no space is left"), lab_rubric, MADE)
    publish(Graded(replace(fault, digest="a" * 64), None))
    (stored,) = read_stored(tmp_path)[0]
    assert (stored.grade.digest, stored.grade.total) == ("a" * 64, stored.grade.points)
    assert [flag.kind for flag in stored.grade.flags] == ["not graded again"]
    publish(Graded(judged(handed_in(ada, "a").grade), None))
    assert read_stored(tmp_path)[0][0].grade.flags == ()


def test_a_copy_that_cannot_be_removed_does_no_harm(handed_in, tmp_path, monkeypatch):
    def fails(path, ignore_errors=False):
        if not ignore_errors:
            raise PermissionError

    monkeypatch.setattr("shutil.rmtree", fails)
    ada = Student("Ada Ng", "101", "moodle")
    publish = Publisher(tmp_path, page)
    for digest in "aba":
        publish(handed_in(ada, digest))
    assert digests(tmp_path)["Ada_Ng-101"] == "a" * 64


def test_a_student_of_whom_only_the_address_was_known_keeps_the_folder(handed_in, tmp_path):
    publish = Publisher(tmp_path, page)
    first = publish(handed_in(Student("Ada", email="a@x.edu"), "a"))
    assert publish(handed_in(Student("Ada", "77", "gradescope", "a@x.edu"), "b")).folder == first.folder
    assert publish(handed_in(Student("Ada", "78", "gradescope", "other@x.edu"), "c")).folder != first.folder


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


def members(*numbers: str) -> Student:
    return group(Student(f"Member {number}", number, "gradescope") for number in numbers)


@pytest.mark.parametrize("now", [("7002", "7001"), ("7001", "7002", "7003"), ("7003", "7002", "7001")])
def test_a_group_keeps_its_folder_when_others_join_and_in_another_order(handed_in, tmp_path, now):
    first = Publisher(tmp_path, page)(handed_in(members("7001", "7002"), "a"))
    second = Publisher(tmp_path, page)(handed_in(members(*now), "b"))
    assert second.folder == first.folder
    assert len(read_stored(tmp_path)[0]) == 1


@pytest.mark.parametrize("now", [("7001",), ("7001", "7003"), ("17001", "70022")])
def test_a_group_that_somebody_left_is_another_one(handed_in, tmp_path, now):
    first = Publisher(tmp_path, page)(handed_in(members("7001", "7002"), "a"))
    assert Publisher(tmp_path, page)(handed_in(members(*now), "b")).folder != first.folder


def test_a_folder_to_whose_name_a_person_added_a_word_is_still_the_students(handed_in, tmp_path):
    ada = Student("Ada Ng", "101", "canvas")
    first = Publisher(tmp_path, page)(handed_in(ada, "a"))
    renamed = first.folder.rename(tmp_path / "Ada_Ng-101 checked")
    assert Publisher(tmp_path, page)(handed_in(ada, "b")).folder == renamed
    assert Publisher(tmp_path, page)(handed_in(Student("Ada Ng", "10", "canvas"), "c")).folder != renamed
