"""A class re-marked from its evidence, and people's decisions, which survive every grading."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from grader.batch.unopened import refused, unmarked
from grader.gradebook.adjust import Decision, adjust
from grader.gradebook.files import Graded, from_json, save, to_json
from grader.gradebook.publish import Publisher
from grader.gradebook.regrade import comparison, regrade, summary
from grader.intake import Archive
from grader.records import Blocked, Flag, MadeBy, Student, message
from grader.records.errors import BadLab
from reports.html import render
from reports.text import cell, words

ADA, BOB = Student("Ada Ng", "101"), Student("Bob", "102")
LATE = '[late]\ndeadline = "2026-03-01T23:59:00+08:00"\npoints_per_day = 5\n'


def decide(group, student: str, points: float, reason: str = "seen", **rest) -> None:
    adjust(group.folder, student, Decision(points, reason, "Dr Li", "2026-03-05", **rest), lambda error: None)


def rows(done) -> list[tuple[str, ...]]:
    return [tuple(map(cell, row)) for row in comparison(done).rows]


def told(done) -> str:
    return "\n".join(f"{words(line.subject)}: {words(line.said)}" for line in summary(done))


# --- grade regrade ---------------------------------------------------------------------------------------------


def test_the_same_rubric_changes_nothing(taught, rubric):
    done = regrade(taught(ADA, BOB).folder, rubric())
    assert not done.changed and not done.moved and not done.refusals


def test_who_gains_and_who_loses_is_shown_before_anything_is_written(taught, rubric, lines):
    group = taught(ADA)
    group.publish(BOB, correct=200, digest="b" * 64)
    before = group.files()
    done = regrade(group.folder, rubric(lines.replace("30", "40").replace("[0.5, 0.0]", "[0.7, 0.0]")))
    assert group.files() == before
    assert rows(done) == [
        ("Ada Ng", "15", "6.67", "-8.33", "measured_accuracy -8.33"),
        ("Bob", "30", "40", "+10", "measured_accuracy +10"),
    ]
    assert "gain: 1, lose: 1, same total: 0" in told(done)


def test_a_regrade_keeps_what_people_decided_the_flags_and_how_it_was_measured(taught, rubric, lines):
    group = taught(ADA)
    decide(group, "Ada Ng", -5.0)
    decide(group, "Ada Ng", 4.0, criterion="report_trend")
    path = group.folder / "Ada_Ng-101" / "grade.json"
    old = replace(group.grade("Ada_Ng-101"), flags=(Flag("same as Bob's", message("look")),))
    path.write_text(to_json(old), "utf-8")
    new_rubric = rubric(lines.replace("30", "40").replace("points = 5", "points = 10"))
    done = regrade(group.folder, new_rubric)
    save(done.changed)
    new = group.grade("Ada_Ng-101")
    assert new.adjustments == old.adjustments
    assert new.flags == old.flags
    assert new.made_by == replace(old.made_by, rubric=new_rubric.digest) != old.made_by
    assert [mark.points for mark in new.marks] == [20.0, 8.0]  # 4 of 5 are 8 of 10
    assert new.total == 23.0


def test_the_late_policy_is_recomputed(taught, rubric, lines):
    group = taught(Student("Ada", "1", submitted="2026-03-03T00:00:00Z"))
    done = regrade(group.folder, rubric(lines + LATE))
    assert rows(done) == [("Ada", "15", "5", "-10", "late policy -10")]
    save(done.changed)
    again = regrade(group.folder, rubric(lines))
    assert rows(again) == [("Ada", "5", "15", "+10", "late policy +10")]


def test_a_criterion_that_is_gone_takes_its_mark_with_it_only_with_a_word(taught, rubric, lines):
    group = taught(ADA)
    decide(group, "Ada Ng", 4.0, "no unit", criterion="report_trend")
    alone = lines.partition("[report_trend]")[0]
    done = regrade(group.folder, rubric(alone))
    assert "No longer counts: Dr Li gave 4 of 5 for report_trend on 2026-03-05 (no unit)" in told(done)
    save(done.changed)
    again = regrade(group.folder, rubric(alone))
    assert not again.changed
    assert [flag.kind for flag in group.grade("Ada_Ng-101").flags] == ["decision left aside"]


def test_a_new_criterion_marked_by_hand_is_reported(taught, rubric, lines):
    group = taught(ADA)
    decide(group, "Ada Ng", 4.0, criterion="report_trend")
    more = lines + '[report_questions]\nmanual = true\ntitle = "The questions"\npoints = 3\n'
    done = regrade(group.folder, rubric(more))
    assert "Need a human now: 1" in told(done)
    assert rows(done) == [("Ada Ng", "19", "19", "0", "report_questions ?")]


def test_an_archive_that_could_not_be_opened_stays_so_by_any_rubric(taught, rubric, lines, tmp_path):
    group = taught(ADA)
    archive = Archive(tmp_path / "none.zip", BOB)
    grade = refused(archive, message("It breaks off."), rubric(), MadeBy("0.1.0", "3.11"))
    (group.folder / "bob").mkdir()
    (group.folder / "bob" / "grade.json").write_text(to_json(grade), "utf-8")
    more = rubric(lines + '[questions]\nmanual = true\ntitle = "The questions"\npoints = 3\n')
    done = regrade(group.folder, more)
    assert not done.refusals
    findings = [mark.finding for mark in done.grades[1].after.marks]
    assert [type(finding) for finding in findings] == [Blocked] * 3
    assert {finding.cause for finding in findings} == {message("It breaks off.")}


def test_what_could_not_be_looked_at_can_be_marked_by_hand_and_regraded(taught, rubric, tmp_path):
    group = taught(ADA)
    archive = Archive(tmp_path / "bob.zip", BOB)
    grade = unmarked(archive, message("No room."), rubric(), MadeBy("0.1.0", "3.11"))
    (group.folder / "bob").mkdir()
    (group.folder / "bob" / "grade.json").write_text(to_json(grade), "utf-8")
    decide(group, "Bob", 4.0, criterion="report_trend")
    done = regrade(group.folder, rubric())
    assert not done.changed and not done.refusals


def tamper(path, change) -> None:
    record = json.loads(path.read_text("utf-8"))
    change(record)
    path.write_text(json.dumps(record), "utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: p.unlink(), "evidence.json is missing"),
        (lambda p: p.write_bytes(b"\xff\xfe"), "is not UTF-8"),
        (lambda p: p.write_text("[" * 100_000, encoding="utf-8"), "is not evidence that this version can read"),
        (lambda p: tamper(p, lambda e: e.update(bonus=30)), "is not evidence that this version can read"),
        (lambda p: tamper(p, lambda e: e["observations"][0][1]["value"].update(correct="9")), "is not evidence that"),
        (lambda p: p.write_bytes(p.read_bytes().replace(b"150", b"NaN")), "is not evidence that this version can read"),
        (lambda p: tamper(p, lambda e: e.update(digest="e" * 64)), "belongs to a different submission"),
    ],
    ids=["missing", "no text", "too deep", "more fields", "a text for a number", "NaN", "another's"],
)  # fmt: skip
def test_evidence_that_is_none_is_refused_and_the_others_are_marked(taught, rubric, lines, spoil, said):
    group = taught(ADA, BOB)
    spoil(group.folder / "Ada_Ng-101" / "evidence.json")
    done = regrade(group.folder, rubric(lines.replace("30", "40")))
    assert [one.after.student for one in done.changed] == [BOB]
    (refusal,) = done.refusals
    assert said in words(refusal.message) and "Ada_Ng-101" in words(refusal.message)


def test_a_tampered_grade_is_refused(taught, rubric):
    group = taught(ADA, BOB)
    tamper(group.folder / "Bob-102" / "grade.json", lambda g: g["marks"][0]["finding"]["verdict"].update(credit=7.0))
    done = regrade(group.folder, rubric())
    assert [one.after.student for one in done.grades] == [ADA]
    assert "Bob-102" in words(done.refusals[0].message)


@pytest.mark.parametrize("points", [-1.0, 6.0])
def test_more_than_a_criterion_offers_cannot_be_read_back(taught, points):
    group = taught(ADA)
    decide(group, "Ada Ng", 4.0, criterion="report_trend")
    path = group.folder / "Ada_Ng-101" / "grade.json"
    tamper(path, lambda g: g["marks"][1]["given"].update(points=points))
    with pytest.raises(BadLab, match="is not a grade that this version can read"):
        from_json(path.read_text("utf-8"), "grade.json")


def test_re_marking_imports_neither_torch_nor_a_sandbox():
    code = (
        "import sys, grader.checks, grader.gradebook.adjust, grader.gradebook.marks_table, grader.gradebook.regrade;"
        "grader.checks.discover();"
        "print([n for n in ('torch', 'torchvision', 'grader.probes.worker') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --- grading the same student again ----------------------------------------------------------------------------


def test_a_student_graded_again_keeps_what_people_decided(taught):
    group = taught(ADA)
    decide(group, "Ada Ng", -5.0)
    decide(group, "Ada Ng", 4.0, criterion="report_trend")
    again = group.publish(ADA, correct=200, digest=f"{0:064}")
    assert [one.points for one in again.adjustments] == [-5.0]
    assert [mark.points for mark in again.marks] == [30.0, 4.0]
    assert group.grade("Ada_Ng-101") == again
    assert "seen (Dr Li, 2026-03-05)" in (group.folder / "Ada_Ng-101" / "report.html").read_text("utf-8")


def test_another_hand_in_waits_for_its_own_mark_and_the_first_one_has_it_still(taught):
    group = taught(ADA)
    decide(group, "Ada Ng", -5.0)
    decide(group, "Ada Ng", 4.0, criterion="report_trend")
    other = group.publish(ADA, digest="e" * 64)
    assert [one.points for one in other.adjustments] == [-5.0]
    assert other.marks[1].points is None and other.needs_human
    assert "An earlier submission got 4 of 5 here." in other.marks[1].finding.ask.english()
    assert group.publish(ADA, digest=f"{0:064}").marks[1].points == 4.0


def test_a_mark_in_place_of_a_measured_one_is_regraded_as_a_share(taught, rubric, lines):
    group = taught(ADA)
    decide(group, "Ada Ng", 20.0, criterion="measured_accuracy")
    done = regrade(group.folder, rubric(lines.replace("30", "60")))
    save(done.changed)
    mark = group.grade("Ada_Ng-101").marks[0]
    assert (mark.points, mark.measured) == (40.0, 30.0)
    assert not regrade(group.folder, rubric(lines.replace("30", "60"))).changed


def test_a_mark_in_place_of_a_measured_one_belongs_to_one_hand_in(taught):
    group = taught(ADA)
    decide(group, "Ada Ng", 20.0, "an older data set", criterion="measured_accuracy")
    other = group.publish(ADA, correct=200, digest="e" * 64)
    assert (other.marks[0].points, other.marks[0].given) == (30.0, None)
    assert [flag.kind for flag in other.flags] == ["marked by hand before"]
    assert "Dr Li gave 20 of 30 for measured_accuracy" in other.flags[0].message.english()
    first = group.publish(ADA, digest=f"{0:064}")
    assert (first.marks[0].points, first.flags) == (20.0, ())


def test_a_mark_for_the_new_hand_in_ends_the_reminder_of_the_earlier_one(taught):
    group = taught(ADA)
    decide(group, "Ada Ng", 20.0, criterion="measured_accuracy")
    assert group.publish(ADA, digest="e" * 64).flags
    decide(group, "Ada Ng", 25.0, criterion="measured_accuracy")
    after = group.grade("Ada_Ng-101")
    assert (after.flags, after.marks[0].points) == ((), 25.0)
    assert [given.points for given in after.marks[0].earlier] == [20.0]


def test_a_decision_on_lateness_by_a_person_is_not_recomputed(taught, lines):
    late = replace(ADA, late=True)
    group = taught()
    group.publish(late, text=lines + LATE, digest="a" * 64)
    assert group.grade("Ada_Ng-101").adjustments[0].open
    decide(group, "Ada Ng", -1.0, lateness=True)
    again = group.publish(late, text=lines + LATE, digest="a" * 64)
    assert [(one.points, one.open) for one in again.adjustments] == [(-1.0, False)]


def test_two_students_of_one_name_keep_their_own_decisions(taught):
    group = taught()
    run = Publisher(group.folder, render)
    for digest in ("a" * 64, "b" * 64):
        group.publish(Student("Ada"), run=run, digest=digest)
    decide(group, "Ada-2/", -5.0)
    assert [one.points for one in group.publish(Student("Ada"), digest="b" * 64).adjustments] == [-5.0]
    assert group.publish(Student("Ada"), digest="a" * 64).adjustments == ()
    assert {path.name for path in group.folder.iterdir()} == {"Ada", "Ada-2"}


def test_a_folder_that_is_another_students_is_not_written_over(taught):
    group = taught(Student("Ada Ng"))
    decide(group, "Ada Ng", -5.0)
    group.publish(Student("Ada_Ng"), digest="e" * 64)
    assert group.grade("Ada_Ng").student.name == "Ada Ng"
    assert group.grade("Ada_Ng-2").adjustments == ()


def test_a_grade_that_cannot_be_read_is_kept_and_reported(taught):
    group = taught(ADA)
    path = group.folder / "Ada_Ng-101" / "grade.json"
    path.write_text('{"adjustments": "precious"', "utf-8")
    again = group.publish(ADA, digest="e" * 64)
    assert "kept as grade-unread-1.json" in again.flags[0].message.english()
    assert path.with_name("grade-unread-1.json").read_text("utf-8") == '{"adjustments": "precious"'
    assert group.grade("Ada_Ng-101") == again


def test_a_refused_hand_in_keeps_the_marks_of_the_one_before_in_a_flag(taught, rubric, tmp_path):
    group = taught(ADA)
    decide(group, "Ada Ng", 4.0, "no unit", criterion="report_trend")
    grade = refused(Archive(tmp_path / "none.zip", ADA), message("It breaks off."), rubric(), MadeBy("0.1.0", "3.11"))
    Publisher(group.folder, render)(Graded(grade, None))
    found = group.grade("Ada_Ng-101")
    assert [mark.points for mark in found.marks] == [0.0, 0.0]
    assert "Dr Li gave 4 of 5 for report_trend" in found.flags[0].message.english()
    assert "but for an earlier submission" in found.flags[0].message.english()
