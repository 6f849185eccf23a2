"""Grades stored by version 0.1 are read, redrawn, adjusted, re-marked and exported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.gradebook.files import read_stored
from grader.labs import the_lab
from grader.records import Member
from grader.records.errors import BadLab

STORED = Path(__file__).parent / "grades_of_0_1"
TOTALS = {"Ada Ng": 68.75, "Bob Li": 18.75, "Cy Wu": 0.0}  # as version 0.1 printed them
RUBRIC = (
    the_lab().rubric.read_text("utf-8")
    + '\n[report_trend]\nmanual = true\ntitle = "The trend is explained"\npoints = 5\n'
)


@pytest.fixture
def grades(tmp_path: Path) -> Path:
    """A copy of the three grades, with decisions of a person."""
    shutil.copytree(STORED, tmp_path / "grades")
    return tmp_path / "grades"


def totals(grades: Path) -> dict[str, float]:
    stored, refusals = read_stored(grades)
    assert refusals == ()
    return {one.grade.student.name: one.grade.total for one in stored}


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1), done.output
    return done.output


def test_a_group_that_was_stored_by_its_joined_names_is_read_with_its_members(grades):
    path = grades / "Ada_Ng-101" / "grade.json"
    record = json.loads(path.read_text("utf-8"))
    joined = {"name": "Ada, Bob, Cy", "identifier": "1, 2, 3", "platform": "gradescope", "email": "a@x, b@x, c@x"}
    path.write_text(json.dumps({**record, "student": {**record["student"], **joined}}), "utf-8")
    students = {one.path.parent.name: one.grade.student for one in read_stored(grades)[0]}
    assert students["Ada_Ng-101"].members == (
        Member("Ada", "1", "a@x"), Member("Bob", "2", "b@x"), Member("Cy", "3", "c@x")
    )  # fmt: skip
    assert all(student.members == () for folder, student in students.items() if folder != "Ada_Ng-101")


def test_joined_names_of_which_some_are_missing_are_not_told_apart(grades):
    path = grades / "Ada_Ng-101" / "grade.json"
    record = json.loads(path.read_text("utf-8"))
    joined = {"name": "Ada, Bob, Cy", "identifier": "1, 2", "platform": "gradescope", "email": "a@x, b@x, c@x"}
    path.write_text(json.dumps({**record, "student": {**record["student"], **joined}}), "utf-8")
    assert all(one.grade.student.members == () for one in read_stored(grades)[0])


def test_they_are_read_with_todays_names_and_the_same_points(grades):
    assert totals(grades) == TOTALS
    stored, _ = read_stored(grades)
    names = {mark.criterion.check for one in stored for mark in one.grade.marks}
    assert {"measured_accuracy", "evaluation"} <= names
    assert not {"test_accuracy", "test_function"} & names


def test_a_mark_by_hand_that_was_stored_in_its_finding_still_counts(grades):
    """As `grade/2` stored it."""
    path = grades / "Ada_Ng-101" / "grade.json"
    run("adjust", str(grades), "Ada Ng", "--criterion", "evaluation", "--points", "1", "--reason", "seen", "--by", "Li")
    record = json.loads(path.read_text("utf-8"))
    for one in record["marks"]:
        given, earlier = one.pop("given"), one.pop("earlier")
        if one["criterion"]["check"] == "evaluation":
            one["finding"] = {"check": "evaluation", "ask": {"text": "Look.", "values": []}, "exhibits": [],
                              "given": given, "earlier": earlier, "state": "manual"}  # fmt: skip
    path.write_text(json.dumps({**record, "schema": "grade/2"}), "utf-8")
    stored, refusals = read_stored(grades)
    assert refusals == ()
    (found,) = (one for one in stored[0].grade.marks if one.criterion.check == "evaluation")
    assert found.given is not None
    assert (found.given.points, found.given.reason, found.points) == (1.0, "seen", 1.0)


def test_pages_are_redrawn(grades):
    run("report", str(grades))
    assert "Ada Ng" in (grades / "index.html").read_text("utf-8")
    assert "two days late" in (grades / "Ada_Ng-101" / "report.html").read_text("utf-8")


def test_an_adjustment_is_added_beside_those_of_then(grades):
    run("adjust", str(grades), "Ada Ng", "--points", "1", "--reason", "a good question", "--by", "Prof. Y")
    assert totals(grades) == {**TOTALS, "Ada Ng": 69.75}
    assert json.loads((grades / "Ada_Ng-101" / "grade.json").read_text("utf-8"))["schema"] == "grade/4"


def test_they_are_remarked_from_their_evidence_and_the_new_names_are_said(grades, tmp_path):
    rubric = tmp_path / "rubric.toml"
    rubric.write_text(
        RUBRIC.replace("[measured_accuracy]\npoints = 30", "[measured_accuracy]\npoints = 60"), encoding="utf-8"
    )
    said = run("regrade", str(grades), "--rubric", str(rubric), "--yes")
    assert "measured_accuracy" in said and "test_accuracy" in said
    after = totals(grades)
    assert (
        after["Ada Ng"] > TOTALS["Ada Ng"] + 20
    )  # about 30 points more for the accuracy; own_function is not observed
    assert after["Bob Li"] == TOTALS["Bob Li"]
    stored, _ = read_stored(grades)
    ada = next(one.grade for one in stored if one.grade.student.name == "Ada Ng")
    assert {mark.criterion.check: mark.points for mark in ada.marks}["own_function"] is None  # staff act, never a zero


def test_a_rubric_with_a_key_of_then_says_what_it_is_called_now(grades, tmp_path):
    rubric = tmp_path / "rubric.toml"
    rubric.write_text("[test_function]\npoints = 10\n", encoding="utf-8")
    with pytest.raises(BadLab, match="'test_function' is called 'evaluation' now"):
        CliRunner().invoke(cli, ["regrade", str(grades), "--rubric", str(rubric), "--yes"], catch_exceptions=False)


@pytest.mark.parametrize("to", ["csv", "junit"])
def test_they_are_exported(grades, tmp_path, to):
    out = tmp_path / f"grades.{to}"
    run("export", str(grades), "--to", to, "--so-far", "--out", str(out))
    assert "Ada Ng" in out.read_text("utf-8")


def test_evidence_that_no_version_wrote_is_refused_with_what_to_run(grades):
    path = grades / "Ada_Ng-101" / "evidence.json"
    path.write_text('{"observations": [["fits", {"outcome": "seen"}]]}', encoding="utf-8")
    done = CliRunner().invoke(cli, ["regrade", str(grades), "--rubric", str(the_lab().rubric), "--yes"])
    assert done.exit_code == 2
    assert "Grade this submission again" in " ".join(done.output.split())
