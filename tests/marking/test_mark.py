"""Evidence to Grade, and a Grade to its file and back: strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader.batch.unopened import bug, refused
from grader.evidence import Accuracy, Evidence, History, Layout, Measurement, Refused, Unavailable
from grader.gradebook.files import from_json, to_json
from grader.intake import Archive
from grader.marking.mark import mark
from grader.records import (
    Adjustment,
    Bar,
    Bars,
    Blocked,
    Criterion,
    Curve,
    Flag,
    Grade,
    Judged,
    Listing,
    MadeBy,
    Mark,
    Matrix,
    Parts,
    Point,
    Series,
    Student,
    Table,
    Unjudged,
    Verdict,
    message,
)
from grader.records.errors import BadLab

HANDED_IN = Archive(Path("a.zip"), Student("Ada"))
MADE = MadeBy("0.1.0", "3.11.4", graded_at="2026-03-01T10:00:00+00:00")
MEASURED = Measurement("2.14.1", "cpu", "AVX512", "float32", 250, 32, 17, 2.5, "a" * 64, "b" * 64)


@pytest.fixture
def whole() -> Grade:
    """A grade with a value in every field."""
    said = message("{n} of {share:.1%}", n=3, share=0.5)
    exhibits = (
        Table(said, (said,), ((said, "x", 1, 2.5, None),)),
        Bars(said, (Bar("cat", 1, 2),)),
        Curve(said, said, said, (Series(said, ((0.0, 1.0),)),), (Point(said, 1.0, 2.0),), "%"),
        Matrix(said, ("a",), ((1,),)),
        Listing(said, ("猫\u202e",)),
    )
    marks = (
        Mark(Criterion("a", "A", 30), Judged("a", Verdict(0.5, said, (said,), exhibits))),
        Mark(Criterion("b", "B", 5, "staff"), Blocked("b", said, exhibits)),
        Mark(Criterion("c", "C", 5), Unjudged("c", said, exhibits)),
    )
    student = Student("魏", "12345", "canvas", "a@b.c", late=True)
    adjustments = (Adjustment(-2.5, "late", "Li", "2026-03-03"),)
    return Grade(student, "d", "a.zip", marks, 0.8454, MADE, (Flag("k", said, exhibits),), (said,), adjustments, True)


# --- marking ---------------------------------------------------------------------------------------------------


def test_a_grade_holds_a_mark_for_each_line_of_the_rubric_in_order(lab_rubric, evidence, scores):
    made = mark(evidence(scores(8454, 10_000), MEASURED), lab_rubric, MADE)
    assert [m.criterion for m in made.marks] == [line.criterion for line in lab_rubric.lines]
    assert made.accuracy == 0.8454


def test_what_is_needed_to_repeat_a_grade_is_in_it(lab_rubric, evidence, scores):
    made = mark(evidence(scores(10, 20), MEASURED), lab_rubric, MADE).made_by
    assert (made.torch, made.device, made.precision, made.batch_size) == ("2.14.1", "cpu", "float32", 250)
    assert (made.logits_digest, made.dataset_digest, made.dataset) == ("a" * 64, "b" * 64, "few")
    assert (made.rubric, made.grader) == (lab_rubric.digest, "0.1.0")


def test_without_scores_there_is_no_accuracy(lab_rubric, evidence):
    made = mark(evidence(failed={Accuracy: Unavailable(message("no data"))}), lab_rubric, MADE)
    assert made.accuracy is None
    assert made.needs_human


def test_an_archive_that_cannot_be_opened_blocks_everything_and_is_a_zero_only_by_decision(lab_rubric):
    made = refused(HANDED_IN, message("not a zip"), lab_rubric, MADE)
    assert (made.total, made.needs_human, made.unusable) == (0.0, True, True)
    assert not refused(HANDED_IN, message("not a zip"), lab_rubric, MADE, zero=True).needs_human
    bonus = Adjustment(2.0, "spoke in class", "Dr Li", "2026-03-05")
    assert replace(made, adjustments=(bonus,)).needs_human
    assert {type(m.finding) for m in made.marks} == {Blocked}


def test_a_bug_of_ours_marks_nothing_and_needs_a_human(lab_rubric):
    made = bug(HANDED_IN, ZeroDivisionError("x {y}"), lab_rubric, MADE)
    assert made.needs_human
    assert {m.points for m in made.marks} == {None}
    assert "ZeroDivisionError: x {y}" in made.marks[0].finding.fault.english()


def test_the_weaker_sandbox_is_said_in_the_grade(lab_rubric, evidence, scores):
    found = evidence(scores(10, 20))
    plain = Evidence(found.student, found.digest, found.archive, found.observations, isolated=False)
    assert "weaker sandbox" in {flag.kind for flag in mark(plain, lab_rubric, MADE).flags}
    assert "weaker sandbox" not in {flag.kind for flag in mark(found, lab_rubric, MADE).flags}


def test_code_that_ran_without_isolation_is_flagged_and_the_points_stay(lab_rubric, evidence, scores):
    found = evidence(scores(10, 20))
    bare = Evidence(found.student, found.digest, found.archive, found.observations, sandbox="none", isolated=False)
    made, isolated = mark(bare, lab_rubric, MADE), mark(found, lab_rubric, MADE)
    flags = [flag for flag in made.flags if flag.kind == "code not isolated"]
    assert flags[0].message.english().startswith("Student code, where there was any, ran without isolation")
    assert "could have read the rubric and other submissions, and forged" in flags[0].message.english()
    assert [one.points for one in made.marks] == [one.points for one in isolated.marks]
    assert made.made_by.sandbox == "none"


def test_missing_weights_cost_their_points_and_leave_the_others(lab_rubric, evidence):
    missing = Refused("code", message("final.pth is missing"))
    found = evidence(Layout((), Parts()), failed={Accuracy: missing, History: missing})
    states = {m.criterion.check: m.finding.state for m in mark(found, lab_rubric, MADE).marks}
    expected = {"submission_layout": "judged", "measured_accuracy": "blocked", "training_history": "blocked"}
    assert {name: states[name] for name in expected} == expected


# --- grade.json ------------------------------------------------------------------------------------------------


def test_a_grade_comes_back_from_its_file_as_it_was(whole):
    assert from_json(to_json(whole), "grade.json") == whole


def test_the_file_says_at_its_top_what_most_readers_want(whole):
    record = json.loads(to_json(whole))
    assert list(record)[:4] == ["schema", "total", "points", "needs_human"]
    assert record["schema"] == "grade/4"
    assert (record["total"], record["points"], record["accuracy"], record["needs_human"]) == (12.5, 40.0, 0.8454, True)


def test_an_unmeasured_accuracy_is_null(lab_rubric):
    text = to_json(refused(HANDED_IN, message("no"), lab_rubric, MADE))
    assert json.loads(text)["accuracy"] is None


def test_the_total_in_the_file_is_never_believed(whole):
    record = json.loads(to_json(whole)) | {"total": 100.0, "needs_human": False}
    back = from_json(json.dumps(record), "grade.json")
    assert (back.total, back.needs_human) == (12.5, True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "grade/9"}, "schema"),
        ({"surprise": 1}, "surprise"),
        ({"accuracy": float("nan")}, "accuracy"),
        ({"accuracy": "0.5"}, "accuracy"),
        ({"unusable": 1}, "unusable"),
        ({"marks": "none"}, "marks"),
        ({"student": {"name": "A", "grade": "A+"}}, "student.grade"),
    ],
)
def test_a_file_that_is_not_a_grade_of_this_version_is_refused_with_its_reason(whole, change, reason):
    with pytest.raises(BadLab) as caught:
        from_json(json.dumps(json.loads(to_json(whole)) | change), "ada/grade.json")
    sentence = str(caught.value)
    assert sentence.startswith(f"ada/grade.json is not a grade that this version can read: {reason}")
    assert "validation error" not in sentence


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", '"grade"', "[" * 100_000, "\ud800"])
def test_a_file_that_holds_no_record_at_all_is_refused_with_a_sentence(text):
    with pytest.raises(BadLab, match="is not a grade that this version can read"):
        from_json(text, "grade.json")


@pytest.mark.parametrize("credit", [1.5, -1, "1"])
def test_a_credit_that_was_tampered_with_is_refused(whole, credit):
    record = json.loads(to_json(whole))
    record["marks"][0]["finding"]["verdict"]["credit"] = credit
    with pytest.raises(BadLab, match=r"credit|marks"):
        from_json(json.dumps(record), "grade.json")
