"""Gradebook formats: each held to a gold file, and read back by a reader that knows nothing of the renderer."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.records import Adjustment, Criterion, Grade, Judged, MadeBy, Mark, Message, Student, Verdict, message
from reports.gradebooks import canvas, classroom50, gradescope, junit, moodle, table
from reports.gradebooks.shared import guarded, number, whole
from reports.gradebooks.sheet import Field, Row, Sheet

GOLD = Path(__file__).parent / "gold" / "gradebooks"
RUNNER = {
    "CLASSROOM": "ml-2026",
    "ASSIGNMENT": "lab5",
    "SUBMISSION_TAG": "submit/2026-03-02T14-00-00Z-c0ffee0",
    "COMMIT_URL": "https://git.example/c0ffee0",
    "RELEASE_URL": "https://git.example/releases/c0ffee0",
    "REVIEW_URL": "https://git.example/compare/c0ffee0",
}


def gold(name: str, text: str) -> None:
    path = GOLD / name
    if os.environ.get("UPDATE_GOLD"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode(), "look at the difference; if it is meant, run again with UPDATE_GOLD=1"


def sheet(text: str) -> Sheet:
    """A sheet without any quotes in it; the reader for all others is tested with `grader.gradebook.exports`."""
    lines = text.splitlines(keepends=True)
    rows = (
        Row(n, tuple(Field(cell, cell) for cell in line.rstrip("\r\n").split(",")), line[len(line.rstrip("\r\n")) :])
        for n, line in enumerate(lines, start=1)
    )
    return Sheet(tuple(rows), ",")


BOOK = (
    "Student,ID,Section,Lab 5 (77)\r\n    Points Possible,,,47.25\r\n"
    "Ada Ng,12345,1,\r\nBen Okafor,2,1, EX\r\nCleo,3,1,\r\n"
)
WORKSHEET = (
    "Identifier,Full name,Grade,Maximum grade,Last modified (grade),Feedback comments\n"
    "Participant 12345,Ada Ng,,47.25,-,\n"
    "Participant 2,Ben Okafor,30,47.25,-,seen\n"
)


# --- plain CSV --------------------------------------------------------------------------------------------------


def test_the_table_is_as_it_was(well_done: Grade, blocked: Grade, unjudged: Grade) -> None:
    gold("grades.csv", table.render([well_done, blocked, unjudged], so_far=True))


def test_the_table_has_a_row_a_student_and_a_column_a_check(well_done: Grade, blocked: Grade, unjudged: Grade) -> None:
    text = table.render([well_done, blocked, unjudged], so_far=True)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["name"] for row in rows] == ["Ada Ng 吴雅达", "Ben Okafor", "Ada Ng 吴雅达"]
    assert [row["measured_accuracy"] for row in rows] == ["27.1", "", ""]
    assert [row["final"] for row in rows] == ["yes", "no", "no"]
    # what could not be opened has no points so far
    assert [row["total"] for row in rows] == [number(well_done.total), "", number(unjudged.total)]
    assert "99.9%" in rows[0]["flags"]


def test_what_is_not_final_is_left_blank(well_done: Grade, blocked: Grade, unjudged: Grade) -> None:
    rows = list(csv.DictReader(io.StringIO(table.render([well_done, unjudged, blocked]))))
    assert [bool(row["total"]) for row in rows] == [True, False, False]
    assert rows[1]["submission_layout"] == ""


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_a_spreadsheet_does_not_calculate_a_name(well_done: Grade, name: str) -> None:
    grade = replace(well_done, student=Student(name, name, "canvas", name))
    row = list(csv.reader(io.StringIO(table.render([grade]), newline="")))[1]
    assert all(cell[:1] not in "=+-@\t\r＝" for cell in row[:3])
    assert name.strip()[1:] in row[0]


def test_a_negative_number_of_ours_stays_a_number() -> None:
    assert number(-5.0) == "-5"
    assert guarded("-5") == "'-5"
    assert number(1234567.891) == "1234567.89"
    assert number(-0.001) == "0"


# --- Canvas and Moodle ------------------------------------------------------------------------------------------


def test_the_canvas_column_is_filled_and_nothing_else(well_done: Grade, blocked: Grade) -> None:
    text = canvas.render(sheet(BOOK), 3, {2: well_done, 3: blocked})
    gold("canvas.csv", text)
    before, after = (list(csv.reader(io.StringIO(one, newline=""))) for one in (BOOK, text))
    changed = [(r, c) for r, row in enumerate(before) for c, cell in enumerate(row) if cell != after[r][c]]
    assert changed == [(2, 3)]
    assert float(after[2][3]) == well_done.total
    assert after[3][3] == " EX"


def test_the_worksheet_gets_marks_and_comments_where_there_is_room(well_done: Grade, unjudged: Grade) -> None:
    text = moodle.render(sheet(WORKSHEET), 2, 5, {1: well_done, 2: unjudged})
    gold("moodle.csv", text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["Grade"]) for row in rows] == [well_done.total, unjudged.total]
    assert rows[0]["Feedback comments"].startswith(f"{well_done.total:g} of 47.25 points.<br>−5 points: two days late")
    assert rows[1]["Feedback comments"] == "seen"


def test_a_comment_is_no_markup_of_a_student_and_tells_nothing_for_staff(well_done: Grade, hostile: Grade) -> None:
    assert "<script" not in moodle.comment(hostile)
    assert set(re.findall(r"<[^>]*>", moodle.comment(hostile))) == {"<br>"}
    assert "Secret criterion" not in moodle.comment(well_done)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Ada Ng", "Ada Ng_12345_assignsubmission_file"),
        ("Ada_B/../Ng", "Ada B .. Ng_12345_assignsubmission_file"),
        (".~ Ada", "Ada_12345_assignsubmission_file"),
        ("吴雅达 🎓", "吴雅达 🎓_12345_assignsubmission_file"),
        ("___", "student_12345_assignsubmission_file"),
    ],
)
def test_moodle_finds_the_participant_in_the_folders_name(name: str, folder: str) -> None:
    assert moodle.folder(name, "12345") == folder
    parts = moodle.folder(name, "12345").split("_", 4)  # as Moodle takes it apart
    assert parts[1:] == ["12345", "assignsubmission", "file"]


def test_a_folders_name_is_short_and_seen(hostile: Grade) -> None:
    name = moodle.folder(hostile.student.name, "1")
    assert len(name) < 120
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|')


# --- Gradescope -------------------------------------------------------------------------------------------------


def check_results(results: dict[str, Any]) -> None:
    """What Gradescope's documentation says of results.json, as far as we write it."""
    assert isinstance(results["score"], int | float)
    assert results["output_format"] in {"text", "html", "simple_format", "md", "ansi"}
    for part in (results, *results["tests"]):
        assert part["visibility"] in {"hidden", "after_due_date", "after_published", "visible"}
    for test in results["tests"]:
        assert isinstance(test["name"], str) and isinstance(test["output"], str)
        assert test.get("status", "passed") in {"passed", "failed"}
        assert 0 <= test.get("score", 0) <= test["max_score"]
        assert test["visibility"] == "visible"  # a hidden test would hide the total
    assert all(set(entry) == {"name", "value", "order"} for entry in results.get("leaderboard", []))


def test_gradescopes_results_are_as_they_were(well_done: Grade) -> None:
    gold("results.json", gradescope.render(well_done))


def test_gradescope_can_read_every_grade(any_grade: Grade) -> None:
    results = json.loads(gradescope.render(any_grade))
    check_results(results)
    assert results["score"] == any_grade.total


def test_a_student_reads_nothing_for_staff_on_gradescope(well_done: Grade) -> None:
    text = gradescope.render(well_done)
    assert "Secret criterion" not in text
    assert "99.9%" not in text
    assert json.loads(text)["score"] == well_done.total  # all of it, hidden criteria too: this is the mark


def test_what_was_not_marked_is_neither_zero_nor_failed_on_gradescope(unjudged: Grade) -> None:
    results = json.loads(gradescope.render(unjudged))
    assert "status" not in results["tests"][1]
    assert "score" not in results["tests"][1]
    assert "Not final" in results["output"]


def test_without_a_grade_there_are_results_all_the_same() -> None:
    text = gradescope.failed(message("Nothing could be graded."))
    gold("failed.json", text)
    check_results(json.loads(text))


# --- JUnit ------------------------------------------------------------------------------------------------------


def test_the_junit_document_is_as_it_was(well_done: Grade, blocked: Grade, unjudged: Grade) -> None:
    gold("junit.xml", junit.render([well_done, blocked, unjudged]))


def test_junit_keeps_causes_apart(well_done: Grade, blocked: Grade, unjudged: Grade) -> None:
    suites = ET.fromstring(junit.render([well_done, blocked, unjudged])).findall("testsuite")
    counts = [[int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")] for suite in suites]
    assert counts == [[4, 0, 0, 0], [4, 1, 0, 3], [4, 0, 1, 0]]
    for suite in suites:
        assert len(suite.findall("testcase")) == int(suite.attrib["tests"])
        assert len(suite.findall("testcase/error")) == int(suite.attrib["errors"])
    assert "HTML page" in suites[1].findall("testcase/failure")[0].attrib["message"]


def test_points_are_properties_in_junit(well_done: Grade) -> None:
    suite = ET.fromstring(junit.render([well_done])).find("testsuite")
    assert suite is not None
    of_all = {one.attrib["name"]: one.attrib["value"] for one in suite.findall("properties/property")}
    assert (float(of_all["total"]), float(of_all["points"])) == (well_done.total, well_done.points)
    of_checks = suite.findall("testcase/properties/property[@name='points']")
    assert [float(one.attrib["value"]) for one in of_checks] == [mark.points for mark in well_done.marks]


def test_no_character_breaks_the_document(hostile: Grade) -> None:
    grade = replace(hostile, student=Student("\ufffe\uffff\x00 Ada ]]> &amp;"))
    suite = ET.fromstring(junit.render([hostile, grade]).encode()).findall("testsuite")[1]
    assert suite.attrib["name"] == "\\x00 Ada ]]> &amp;"


# --- Classroom 50 -----------------------------------------------------------------------------------------------


def test_the_result_for_classroom_50_is_as_it_was(well_done: Grade) -> None:
    gold("result.json", classroom50.render(well_done, RUNNER))


def check_result(result: dict[str, Any]) -> None:
    """The published schema, without what the runner adds by itself, and its rules across fields."""
    allowed = {"schema", "classroom", "assignment", "submission", "commit", "release", "review", "datetime"}
    assert set(result) <= allowed | {"score", "max-score", "tests"}
    assert result["schema"] == "classroom50/result/v1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result.get("datetime", "2026-01-01T00:00:00Z"))
    for part in (result, *result["tests"]):
        assert type(part["score"]) is int and type(part["max-score"]) is int
        assert 0 <= part["score"] <= part["max-score"]
    assert all(test["test-name"] and type(test["passed"]) is bool for test in result["tests"])


def test_classroom_50_can_read_every_grade(any_grade: Grade) -> None:
    dated = replace(any_grade, made_by=replace(any_grade.made_by, graded_at="2026-03-02T14:05:09+00:00"))
    check_result(json.loads(classroom50.render(dated, RUNNER)))


def test_whose_submission_it_is_says_the_runner(well_done: Grade) -> None:
    result = json.loads(classroom50.render(well_done, RUNNER))
    assert result["submission"].startswith("submit/")
    assert "classroom" not in json.loads(classroom50.render(well_done, {}))


@pytest.mark.parametrize(("value", "rounded"), [(0.5, 1), (86.49, 86), (86.5, 87), (2.5, 3), (0.0, 0)])
def test_halves_are_rounded_upwards(value: float, rounded: int) -> None:
    assert whole(value) == rounded


def test_a_bonus_does_not_pass_the_maximum_of_classroom_50(well_done: Grade) -> None:
    result = json.loads(classroom50.render(replace(well_done, adjustments=(Adjustment(50, "bonus", "", ""),)), {}))
    assert result["score"] == result["max-score"]


# --- all of them ------------------------------------------------------------------------------------------------

RENDERERS: dict[str, Callable[[Grade], str]] = {
    "table": lambda grade: table.render([grade]),
    "canvas": lambda grade: canvas.render(sheet(BOOK), 3, {2: grade}),
    "moodle": lambda grade: moodle.render(sheet(WORKSHEET), 2, 5, {1: grade}),
    "gradescope": gradescope.render,
    "junit": lambda grade: junit.render([grade]),
    "classroom50": lambda grade: classroom50.render(grade, {}),
}


@pytest.mark.parametrize("name", RENDERERS)
def test_nothing_that_steers_and_nothing_endless_gets_through(hostile: Grade, name: str) -> None:
    text = RENDERERS[name](hostile)
    text.encode("utf-8")  # a lone surrogate would fail here
    assert all(c.isprintable() or c in "\r\n\t" for c in text)
    assert len(text) < 60_000


def test_half_of_the_points_is_passed() -> None:
    criterion = Criterion("measured_accuracy", "Accuracy.", 10)
    marks = [Mark(criterion, Judged("", Verdict(credit, Message("")))) for credit in (0.5, 0.49)]
    grade = Grade(Student("A"), "", "", tuple(marks), None, MadeBy("", ""))
    assert [test["status"] for test in json.loads(gradescope.render(grade))["tests"]] == ["passed", "failed"]
