"""The command: what it writes for a class, what it says, and the exit status."""

from __future__ import annotations

import csv
import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli.app import cli, main
from grader.gradebook.exports import FORMATS, Exported
from grader.gradebook.files import to_json
from grader.records import Blocked, Grade, Member, Student, message
from grader.records.errors import BadLab

Run, Said, Store = Callable[..., Exported], Callable[[Exported], list[str]], Callable[..., Grade]


@pytest.fixture
def grade(
    grades: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """`grade export ...` in this process: exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grade", "export", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return int(ended.value.code or 0), " ".join(captured.out.split()), " ".join(captured.err.split())

    return run


def test_the_command_offers_what_can_be_written() -> None:
    option = next(one for one in cli.commands["export"].params if one.name == "to")
    assert tuple(option.type.choices) == FORMATS


def test_a_class_becomes_a_table(grade, stored, grades) -> None:
    stored(Student("Ada 吴", "1", "canvas"), 0.5)
    stored(Student("=cmd()"), 1.0)
    assert grade(grades, "--to", "csv")[0] == 0
    with (grades / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["total"]) for row in rows] == [("Ada 吴", "55"), ("'=cmd()", "100")]


def test_a_class_becomes_a_document_of_tests(grade, stored, grades, tmp_path) -> None:
    stored(Student("Ada"), 0.5)
    stored(Student("Ben"), None)
    status, out, _ = grade(grades, "--to", "junit", "--out", tmp_path / "all.xml", "--so-far")
    assert status == 1
    assert "Not final: Ben: 10 of 100 points so far" in out
    assert ET.parse(tmp_path / "all.xml").getroot().attrib["errors"] == "1"
    grade(grades, "--to", "junit", "--out", tmp_path / "all.xml")
    assert [suite.attrib["name"] for suite in ET.parse(tmp_path / "all.xml").getroot()] == ["Ada"]


def test_every_member_of_a_group_has_a_row_and_a_suite_of_tests(grade, stored, grades, tmp_path) -> None:
    members = tuple(Member(f"Student {n} {'x' * 60}", str(n), f"{n}@{'u' * 60}.example") for n in range(5))
    stored(Student(", ".join(one.name for one in members), "0, 1, 2, 3, 4", "gradescope", members=members), 0.5)
    grade(grades, "--to", "csv")
    with (grades / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Member(row["name"], row["identifier"], row["email"]) for row in rows] == list(members)
    assert {row["total"] for row in rows} == {"55"}
    grade(grades, "--to", "junit", "--out", tmp_path / "all.xml")
    assert len(ET.parse(tmp_path / "all.xml").getroot()) == len(members)


def test_a_table_of_groups_works_in_every_export_and_is_never_written_over(grade, stored, grades, tmp_path) -> None:
    stored(Student("Ada"), 0.5)
    teams = tmp_path / "teams.csv"
    teams.write_text("group;name;email\n1;Ada;a@x\n1;Ben;b@x\n", "utf-8")
    assert grade(grades, "--to", "csv", "--groups", teams)[0] == 0
    with (grades / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(row["name"], row["total"]) for row in csv.DictReader(file)] == [("Ada", "55"), ("Ben", "55")]
    status, _, err = grade(grades, "--to", "csv", "--groups", teams, "--out", teams)
    assert (status, "would be overwritten" in err) == (2, True)
    assert grade(grades, "--to", "gradescope", "--groups", teams)[0] == 2


@pytest.mark.parametrize("encoding", ["utf-8", "cp1250", "cp1251"])
def test_a_table_of_groups_is_read_in_the_encoding_that_is_named_unless_it_is_utf_8(
    grade, stored, grades, tmp_path, encoding
) -> None:
    name = "Иван" if encoding == "cp1251" else "Łukasz"
    stored(Student(name), 0.5)
    teams = tmp_path / "teams.csv"
    teams.write_bytes(f"group;name\n1;{name}\n1;Ben\n".encode(encoding))
    named = "cp1250" if encoding == "utf-8" else encoding
    assert grade(grades, "--to", "csv", "--groups", teams, "--encoding", named)[0] == 0
    with (grades / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [name, "Ben"]


def test_an_encoding_of_no_file_is_refused(grade, stored, grades) -> None:
    stored(Student("Ada"), 0.5)
    status, _, err = grade(grades, "--to", "csv", "--encoding", "cp1250")
    assert (status, "give --into or --groups, or leave it out" in err) == (2, True)


def test_encoding_and_comments_are_options_of_the_command(grade, stored, tmp_path, grades) -> None:
    stored(Student("Łukasz"), 0.5)
    book = tmp_path / "book.csv"
    book.write_bytes("Id;Kto;Ile;Słowa\nNr 1;Łukasz;;\n".encode("cp1250"))
    words = ("--to", "moodle", "--into", book, "--column", "Ile", "--comments", "4")
    status, out, _ = grade(grades, *words, "--encoding", "cp1250")
    assert "read as" not in out
    assert b";55;55 of 100 points." in (tmp_path / "book.graded.csv").read_bytes()
    assert status == 0
    assert "There is no encoding cp9999" in grade(grades, *words, "--encoding", "cp9999")[2]


@pytest.mark.parametrize(("to", "name"), [("gradescope", "results.json"), ("classroom50", "result.json")])
def test_each_submission_gets_its_own_results(grade, stored, grades, tmp_path, to, name) -> None:
    stored(Student("Ada"), 0.5)
    stored(Student("Ben"), 1.0)
    assert grade(grades, "--to", to)[0] == 0
    assert [json.loads((grades / folder / name).read_text("utf-8"))["score"] for folder in ("000", "001")] == [55, 100]
    grade(grades, "--to", to, "--out", tmp_path / "all")
    assert sorted(path.parent.name for path in (tmp_path / "all").rglob(name)) == ["000", "001"]


@pytest.mark.parametrize(("to", "name"), [("gradescope", "results.json"), ("classroom50", "result.json")])
def test_of_a_class_what_could_not_be_opened_gets_no_score_unless_that_is_decided(
    grade, stored, grades, tmp_path, to, name
) -> None:
    ada, _ = stored(Student("Ada"), 0.5), stored(Student("Ben"), 1.0)
    cause = Blocked("measured_accuracy", message("ada.zip is empty."))
    unusable = replace(ada, marks=(replace(ada.marks[1], finding=cause),), unusable=True)
    (grades / "000" / "grade.json").write_text(to_json(unusable), "utf-8")
    status, out, _ = grade(grades, "--to", to, "--out", tmp_path / "all")
    assert [path.parent.name for path in (tmp_path / "all").rglob(name)] == ["001"]
    assert (status, "that is not a zero" in out) == (1, True)
    assert grade(grades, "--to", to, "--out", tmp_path / "zero", "--unusable", "zero")[0] == 0
    assert json.loads((tmp_path / "zero" / "000" / name).read_text("utf-8"))["score"] == 0
    grade(grades / "000", "--to", to, "--out", tmp_path / "alone")  # an autograder has to answer
    assert (tmp_path / "alone" / name).is_file()


def test_one_submission_can_be_put_where_the_platform_looks(grade, stored, grades, tmp_path) -> None:
    stored(Student("Ada"), 0.5)
    place = tmp_path / "results" / "results.json"
    assert grade(grades, "--to", "gradescope", "--out", place)[0] == 0
    assert json.loads(place.read_text("utf-8"))["score"] == 55
    stored(Student("Ben"), 0.5)
    status, _, err = grade(grades, "--to", "gradescope", "--out", place)
    assert status == 2
    assert "holds 2 grades, but" in err


def test_classroom_50_is_told_whose_it_is(grade, stored, grades, monkeypatch) -> None:
    monkeypatch.setenv("SUBMISSION_TAG", "submit/1")
    stored(Student("Ada"))
    grade(grades / "000", "--to", "classroom50")
    assert json.loads((grades / "000" / "result.json").read_text("utf-8"))["submission"] == "submit/1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda text: text.replace('"credit": 0.5', '"credit": 7.5'),
            "grade.json is not a grade that this version can read",
        ),
        (
            lambda text: text.replace('"credit": 0.5', '"credit": NaN'),
            "grade.json is not a grade that this version can read",
        ),
        (lambda text: text.replace("grade/4", "grade/9"), "grade.json is not a grade that this version can read"),
        (lambda text: text.replace("90", "1e309"), "grade.json is not a grade that this version can read"),
        (lambda text: text[:100], "grade.json is not a grade that this version can read"),
        (lambda text: "[" * 200_000, "grade.json is not a grade that this version can read"),
        (lambda text: "\udcff", "grade.json is not UTF-8"),
    ],
)
def test_a_grade_that_was_tampered_with_is_reported_and_stops_no_other(grade, stored, grades, change, sentence) -> None:
    stored(Student("Ada"), 0.5)
    stored(Student("Ben"), 1.0)
    path = grades / "000" / "grade.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8", errors="surrogateescape")
    status, _, err = grade(grades, "--to", "csv")
    assert status == 2
    assert f"000/{sentence}" in err
    assert "Ben" in (grades / "grades.csv").read_text("utf-8")


def test_points_that_add_up_to_no_number_are_refused(grade, stored, grades) -> None:
    stored(Student("Ada"), 0.5)
    path = grades / "000" / "grade.json"
    path.write_text(path.read_text("utf-8").replace('"points": 90.0', '"points": 1.7e308').replace(
        '"points": 10.0', '"points": 1.7e308').replace('"credit": 0.5', '"credit": 1.0'), encoding="utf-8")  # fmt: skip
    status, _, err = grade(grades, "--to", "csv")
    assert (status, "do not add up to a number" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--to", "csv"], "nowhere is not a folder"),
        ([".", "--to", "csv"], "contains no grade.json. Grade first"),
        ([".", "--to", "csv", "--column", "Lab 5"], "--column works only with --to canvas, moodle"),
        ([".", "--to", "junit", "--rubric", "x"], "--rubric works only with --to gradescope-autograder"),
        (["--to", "csv"], "Give the folder that holds the grades: grade export DIR --to csv"),
    ],
)
def test_with_nothing_to_export_the_next_step_is_given(grade, arguments, sentence) -> None:
    status, _, err = grade(*arguments)
    assert status == 2
    assert sentence in err


def test_a_grade_is_never_written_over(stored, grades, run) -> None:
    stored(Student("Ada"))
    before = (grades / "000" / "grade.json").read_bytes()
    for to in ("csv", "gradescope"):
        with pytest.raises(BadLab, match="is an input and would be overwritten"):
            run(to, out=grades / "000" / "grade.json")
    assert (grades / "000" / "grade.json").read_bytes() == before


def test_what_cannot_be_written_leaves_nothing_behind(stored, grades, run, tmp_path) -> None:
    stored(Student("Ada"))
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(BadLab, match="cannot be written"):
        run("csv", out=tmp_path / "file" / "grades.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "grades"]


def test_a_class_of_five_hundred_is_told_apart(stored, grades, run, said, tmp_path) -> None:
    lines = ["Student,ID,Section,Lab (1)"]
    for number in range(500):
        stored(Student(f"student{number}", str(1000 + number), "canvas"), number / 500)
        lines.append(f'"Name, Same",{1000 + number},x,')
    book = tmp_path / "book.csv"
    book.write_text("\n".join(lines), encoding="utf-8")
    done = run("canvas", into=book, column="Lab")
    assert said(done)[0].endswith("rows filled: 500, from book.csv")
    marks = [row["Lab (1)"] for row in csv.DictReader(book.with_name("book.graded.csv").open())]
    assert [float(mark) for mark in marks] == [round(10 + 90 * number / 500, 2) for number in range(500)]
