"""Decisions by a person: stored beside the marks, for the right student, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from grader.evidence import Evidence, Malformed, Refused, Seen, TimedOut, WrittenReport
from grader.gradebook.adjust import Decision, adjust, decided
from grader.gradebook.files import from_json, to_json
from grader.marking.mark import mark
from grader.records import Blocked, MadeBy, Student, Unjudged, message
from grader.records.errors import BadLab
from reports.html import render
from reports.text import words

ADA, BOB = Student("Ada Ng", "101"), Student("Bob", "102", email="bob@x.edu")
LATE = '[late]\ndeadline = "2026-03-01T23:59:00+08:00"\npoints_per_day = 5\n'


def ruling(points: float = -5.0, reason: str = "two days late", **rest) -> Decision:
    return Decision(points, reason, "Dr Li", "2026-03-05", **rest)


def ignore(error: BadLab) -> None:
    pass


def refusal(action, *arguments) -> str:
    with pytest.raises(BadLab) as caught:
        action(*arguments)
    return words(caught.value.message)


# --- points ----------------------------------------------------------------------------------------------------


def test_an_adjustment_is_appended_and_no_mark_is_touched(taught):
    group = taught(ADA, BOB)
    before = group.grade("Ada_Ng-101")
    adjust(group.folder, "Ada Ng", ruling(), ignore)
    adjust(group.folder, "Ada Ng", ruling(1.0, "an appeal"), ignore)
    after = group.grade("Ada_Ng-101")
    assert [(one.points, one.reason, one.by, one.on) for one in after.adjustments] == [
        (-5.0, "two days late", "Dr Li", "2026-03-05"),
        (1.0, "an appeal", "Dr Li", "2026-03-05"),
    ]
    assert after.marks == before.marks
    assert after.total == before.total - 4.0
    assert not group.grade("Bob-102").adjustments


@pytest.mark.parametrize("wanted", ["Bob", "  bob ", "102", "bob@x.edu", "Bob-102", "Bob-102/"])
def test_a_student_is_found_by_name_number_address_and_folder(taught, wanted):
    group = taught(ADA, BOB)
    assert adjust(group.folder, wanted, ruling(), ignore).after.student == BOB


@pytest.mark.parametrize("wanted", ["ada", "ADA", "ada_ng", "Ada Ng"])
def test_a_student_is_found_by_the_first_words_of_a_name_or_folder(taught, wanted):
    group = taught(ADA, BOB)
    assert adjust(group.folder, wanted, ruling(), ignore).after.student == ADA


@pytest.mark.parametrize("wanted", ["bo", "Ada N", "ada_ng-10"])
def test_half_a_word_may_be_somebody_else(taught, wanted):
    group = taught(ADA, BOB)
    assert "There is no grade for" in refusal(adjust, group.folder, wanted, ruling(), ignore)


def test_a_beginning_that_fits_two_students_lists_them(taught):
    group = taught(Student("Ada Ng", "101"), Student("Ada Wu", "102"))
    before = group.files()
    assert "ada matches 2 grades: Ada_Ng-101/, Ada_Wu-102/" in refusal(adjust, group.folder, "ada", ruling(), ignore)
    assert group.files() == before


def test_a_whole_name_is_not_the_beginning_of_another(taught):
    group = taught(Student("Ada", "7"), Student("Ada Ng", "8"))
    assert adjust(group.folder, "ada", ruling(), ignore).after.student.identifier == "7"


@pytest.mark.parametrize("wanted", ["10", "bob@"])
def test_half_a_number_or_address_is_nobodys(taught, wanted):
    group = taught(ADA, BOB)
    assert "There is no grade for" in refusal(adjust, group.folder, wanted, ruling(), ignore)


def test_a_misspelt_name_is_answered_with_the_right_one(taught):
    group = taught(ADA, BOB)
    assert "There is no grade for Ada Nk in" in refusal(adjust, group.folder, "Ada Nk", ruling(), ignore)
    assert "did you mean Ada Ng?" in refusal(adjust, group.folder, "Ada Nk", ruling(), ignore)
    assert "Give a student's name or number, or a folder" in refusal(adjust, group.folder, "zzzzzz", ruling(), ignore)


def test_of_two_with_one_name_none_is_taken_until_the_folder_is_named(taught):
    group = taught(Student("Ada", "7"), Student("Ada", "8"))
    before = group.files()
    said = refusal(adjust, group.folder, "ada", ruling(), ignore)
    assert "ada matches 2 grades: Ada-7/, Ada-8/. Give the folder, with its slash." in said
    assert group.files() == before
    assert adjust(group.folder, "Ada-8/", ruling(), ignore).after.student.identifier == "8"


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (ruling(0.0), "0 points change nothing"),
        (ruling(0.001), "0 points change nothing"),
        (ruling(float("nan")), "Points must be between"),
        (ruling(float("-inf")), "Points must be between"),
        (ruling(1e9), "Points must be between"),
        (ruling(reason="  "), "A reason is required"),
        (ruling(reason="x" * 501), "The reason has 501 characters"),
        (replace(ruling(), by=" "), "Say who decided"),
    ],
)
def test_what_cannot_be_meant_is_refused(marked, decision, said):
    assert said in refusal(decided, marked(ADA), decision)


def test_a_reason_with_markup_and_escapes_stays_text(marked):
    grade = decided(marked(ADA), ruling(reason="<script>alert(1)</script>\x1b[31m\u202e"))
    page = render(grade)
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert from_json(to_json(grade), "grade.json") == grade


def test_a_full_disk_leaves_every_grade_as_it_was(taught, monkeypatch):
    group = taught(ADA)
    before = group.files()

    def full(*arguments, **keywords):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    assert "No space left on device" in refusal(adjust, group.folder, "Ada Ng", ruling(), ignore)
    assert group.files() == before


def test_a_grade_that_was_tampered_with_is_reported_and_kept(taught):
    group = taught(ADA, BOB)
    path = group.folder / "Bob-102" / "grade.json"
    record = json.loads(path.read_text("utf-8"))
    record["adjustments"] = [{"points": 5, "reason": "x", "by": "y", "on": "z", "extra": 1}]
    path.write_text(json.dumps(record), "utf-8")
    before, complaints = path.read_bytes(), []
    adjust(group.folder, "Ada Ng", ruling(), complaints.append)
    assert ["Bob-102" in words(one.message) for one in complaints] == [True]
    assert "There is no grade for Bob" in refusal(adjust, group.folder, "Bob", ruling(), ignore)
    assert path.read_bytes() == before


# --- lateness --------------------------------------------------------------------------------------------------


def test_what_a_person_says_of_lateness_stands_in_place_of_the_policy(marked, lines):
    grade = marked(Student("Ada", late=True), text=lines + LATE)
    assert [one.open for one in grade.adjustments] == [True]
    settled = decided(grade, ruling(0.0, "an extension", lateness=True))
    (one,) = settled.adjustments
    assert (one.points, one.by, one.about, one.open) == (0.0, "Dr Li", "lateness", False)


def test_another_adjustment_leaves_the_policys_alone(marked, lines):
    grade = marked(Student("Ada", submitted="2026-03-03T00:00:00Z"), text=lines + LATE)
    assert [one.points for one in decided(grade, ruling(2.0)).adjustments] == [-10.0, 2.0]


def test_nobody_can_sign_as_the_policy(marked):
    found = decided(marked(ADA), replace(ruling(), by="late policy"))
    assert found.adjustments[0].by_person


# --- marks by hand ---------------------------------------------------------------------------------------------


def test_a_criterion_that_a_person_marks_waits_with_the_reports_text_beside_it(marked):
    grade = marked(ADA)
    mark = grade.marks[1]
    assert mark.points is None and grade.needs_human
    assert "A person marks this, from report.pdf" in mark.finding.ask.english()
    assert mark.finding.exhibits[0].lines == ("The trend rises.", "<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)" in render(grade)
    assert "The trend rises." not in render(grade, "student")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (Refused("code", message("No written report was found.")), "the report's text: No written report was found."),
        (TimedOut(60.0), "the report's text: the process took more than 60 seconds"),
        (Malformed("no observation"), "The report's text was not read: open the file itself."),
        (Seen(WrittenReport((), unread=("report.docx (a Word file)",))), "contains no readable text"),
    ],
)
def test_without_a_text_the_criterion_waits_all_the_same_and_says_why(rubric, record, said):
    found = mark(Evidence(ADA, "d" * 64, "a.zip", (("written_report", record),)), rubric(), MadeBy("0.1.0", "3.11"))
    assert found.marks[1].points is None
    assert said in found.marks[1].finding.ask.english()


def test_evidence_from_before_there_were_such_criteria_serves(rubric):
    found = mark(Evidence(ADA, "d" * 64, "a.zip", ()), rubric(), MadeBy("0.1.0", "3.11"))
    assert "open the file itself" in found.marks[1].finding.ask.english()


def test_a_mark_by_hand_counts_and_ends_the_waiting(marked):
    grade = decided(marked(ADA), ruling(4.0, "no unit", criterion="report_trend"))
    assert (grade.marks[1].points, grade.total, grade.needs_human) == (4.0, 15.0 + 4.0, False)
    assert "no unit (Dr Li, 2026-03-05)" in re.sub(r"</?bdi>", "", render(grade, "student"))


def test_an_earlier_mark_by_hand_is_kept_beside_the_new_one(marked):
    once = decided(marked(ADA), ruling(4.0, "no unit", criterion="report_trend"))
    twice = decided(once, ruling(5.0, "the unit is there", criterion="report_trend"))
    assert twice.marks[1].points == 5.0
    assert [given.reason for given in twice.marks[1].earlier] == ["no unit"]


# --- marks in place of what was measured -------------------------------------------------------------------------


def plain(page: str) -> str:
    return re.sub(r"</?bdi>", "", page)


def test_a_measured_criterion_gets_the_points_of_a_person_and_the_measured_ones_stay_beside_it(marked):
    grade = decided(marked(ADA), ruling(20.0, "an older data set", criterion="measured_accuracy"))
    mark = grade.marks[0]
    assert (mark.points, mark.measured, grade.total) == (20.0, 15.0, 20.0)
    for audience in ("staff", "student"):
        page = plain(render(grade, audience))
        assert "Set by Dr Li on 2026-03-05: an older data set" in page
        assert "Measured: 15 of 30. " in page
    assert from_json(to_json(grade), "grade.json") == grade


@pytest.mark.parametrize("kind", [Unjudged, Blocked])
def test_a_criterion_that_could_not_be_judged_is_marked_by_a_person_and_needs_none_then(marked, kind):
    grade = decided(marked(ADA), ruling(4.0, criterion="report_trend"))
    broken = replace(grade.marks[0], finding=kind("measured_accuracy", message("No sandbox.")))
    grade = replace(grade, marks=(broken, *grade.marks[1:]))
    assert grade.needs_human is (kind is Unjudged)
    settled = decided(grade, ruling(12.0, "measured at my desk", criterion="measured_accuracy"))
    assert (settled.marks[0].points, settled.total, settled.needs_human) == (12.0, 16.0, False)
    before = "Not measured: No sandbox." if kind is Unjudged else "Measured: 0 of 30. No sandbox."
    assert before in plain(render(settled))


def test_what_a_person_settled_is_no_next_step(marked):
    grade = marked(ADA)
    blocked = replace(grade.marks[0], finding=Blocked("measured_accuracy", message("There is no final.pth.")))
    grade = replace(grade, marks=(blocked, *grade.marks[1:]))
    link = '<a href="#check-measured_accuracy">'
    assert link in render(grade, "student")
    assert link not in render(decided(grade, ruling(30.0, criterion="measured_accuracy")), "student")


def test_the_criteria_of_an_archive_that_was_refused_can_be_marked(marked):
    grade = marked(ADA)
    marks = tuple(replace(one, finding=Blocked(one.criterion.check, message("It breaks off."))) for one in grade.marks)
    grade = replace(grade, marks=marks, unusable=True)
    assert grade.open == marks
    settled = decided(grade, ruling(30.0, "repaired by hand", criterion="measured_accuracy"))
    assert settled.total == 30.0
    assert [mark.criterion.check for mark in settled.open] == ["report_trend"]


@pytest.mark.parametrize(
    ("points", "criterion", "said"),
    [
        (5.01, "report_trend", "is worth 0 to 5 points"),
        (-1.0, "report_trend", "is worth 0 to 5 points"),
        (4.0, "report_tend", "did you mean report_trend?"),
        (4.0, "<b>", "There is no criterion <b>; the criteria of this grade are measured_accuracy, report_trend."),
    ],
)
def test_a_mark_by_hand_that_cannot_be_meant_is_refused(marked, points, criterion, said):
    assert said in refusal(decided, marked(ADA), ruling(points, criterion=criterion))
