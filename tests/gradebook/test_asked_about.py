"""A flag that asks a person to mark a criterion: no points are taken, nothing is final, and a person decides."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.evidence import EVIDENCE, Evidence, Generalisation, OwnNetwork, Seen, kind_of
from grader.gradebook.adjust import Decision, decided
from grader.gradebook.decisions import carry_over
from grader.gradebook.earlier import upgraded_evidence
from grader.gradebook.exports.lines import not_final
from grader.gradebook.files import Stored, from_json, to_json
from grader.marking.mark import mark
from grader.records import Grade, MadeBy, Student
from reports.gradebooks.open_marks import render as render_open
from reports.gradebooks.shared import standing
from reports.html import render
from reports.marks import edition

LINES = "[measured_accuracy]\npoints = 30\nknots = [[0.5, 0.0], [0.9, 1.0]]\n"
TABLE = Generalisation(1, 1_000, correct_moved=370, correct_before=917, training=2_000, correct_training=580)
CONFIRMED = Decision(0.0, "looked at together", "Dr Li", "2026-03-05", criterion="measured_accuracy")


@pytest.fixture
def found(observed) -> Evidence:
    evidence = observed(Student("Ada Ng"), 190)
    return replace(evidence, observations=(*evidence.observations, (kind_of(Generalisation), Seen(TABLE))))


@pytest.fixture
def again(rubric) -> Callable[[Evidence], Grade]:
    return lambda evidence: mark(evidence, rubric(LINES), MadeBy("0.1.0", "3.11"))


@pytest.fixture
def grade(again, found) -> Grade:
    return again(found)


def test_the_points_stay_as_measured_and_a_person_is_needed(grade):
    assert (grade.total, grade.points, grade.needs_human) == (30.0, 30.0, True)
    assert [one.criterion.check for one in grade.open] == ["measured_accuracy"]
    assert grade.unjudged == ()


def test_a_persons_mark_makes_it_final_also_when_it_is_marked_again(grade, again, found):
    settled = decided(grade, CONFIRMED)
    assert (settled.total, settled.needs_human) == (0.0, False)
    assert [flag.kind for flag in settled.flags] == ["look-up table?"], "what was seen stays"
    once_more = carry_over(settled, again(found))
    assert (once_more.total, once_more.needs_human) == (0.0, False)


def test_a_mark_for_an_earlier_submission_decides_nothing(grade, again, found):
    settled = decided(grade, replace(CONFIRMED, points=30.0))
    assert carry_over(settled, again(replace(found, digest="e" * 64))).needs_human


def test_the_grade_comes_back_from_its_file_as_it_was(grade):
    assert from_json(to_json(grade), "grade.json") == grade


def test_staff_read_all_figures_and_the_student_none(grade):
    figures = ("95.0%", "29.0%", "37.0%", "91.7%")
    page = render(grade, "staff")
    assert all(figure in page for figure in figures)
    assert "look-up table?" in page
    shown = render(grade, "student")
    assert not [word for word in (*figures[1:], "look-up", "mirrored") if word in shown]
    assert "a person has yet to confirm the points" in shown


def test_the_student_is_told_only_that_it_is_not_final(grade):
    assert standing(grade)[-1] == "Not final: a person has yet to confirm the points."
    assert not edition(grade, "student").needs_human


def test_the_table_of_what_is_open_asks_for_it_with_the_figures(grade):
    rows = list(csv.DictReader(render_open([("ada/", grade)]).splitlines()))
    text = render_open([("ada/", grade)])
    assert rows[0]["criterion"] == "measured_accuracy"
    assert "29.0% of 2,000 training images" in text


@pytest.mark.parametrize(
    ("exported", "end"), [(False, "--so-far exports the measured points."), (True, "points were exported.")]
)
def test_an_export_says_why_it_is_not_final(grade, exported, end):
    told = not_final(Stored(grade, Path("ada/grade.json")), exported).said.english()
    assert "Ada Ng: 30 of 30 points as measured, but a flag asks a person to mark measured_accuracy first." in told
    assert told.endswith(end)


def test_evidence_that_kept_the_copies_with_the_own_network_is_read(found):
    stored = EVIDENCE.dump_python(found, mode="json")
    counts = {"seed": 5, "moved": 1_000, "correct": 370, "correct_before": 917}
    own = {"name": "Net", "file": "models.py", "line": 7, "printed": [], "kind": "own_network", **counts}
    pairs = [pair for pair in stored["observations"] if pair[0] != "generalisation"]
    old = {**stored, "observations": [*pairs, ["own_network", {"value": own, "outcome": "seen"}]]}
    read = EVIDENCE.validate_json(json.dumps(upgraded_evidence(old)))
    assert read.seen(OwnNetwork) == OwnNetwork("Net", "models.py", 7)
    assert read.seen(Generalisation) == Generalisation(5, 1_000, 370, 917)
