"""roster.json: read back as it was written, strictly; everyone on it is on the class page and in every export."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader.gradebook.exports import Request, export
from grader.gradebook.pages import draw_class, draw_pages
from grader.gradebook.roster.stored import ROSTER_FILE, store_roster, stored_roster
from grader.records import Enrolled, Member, Roster, Student
from grader.records.errors import BadLab

ROSTER = Roster(
    "students.csv",
    (
        Enrolled(2, "Ada Ng", "12345", "2023001", "ang42", "ada@x.edu", "Team 1", "2026-03-01T23:59:00", 2.5),
        Enrolled(3, "Ben Okafor", "222", "2023002"),
        Enrolled(4, "李娜", "333", "2023003"),
    ),
    "canvas",
)
ADA, BEN = Student("Ada Ng", "12345", "canvas"), Student("Ben Okafor", "222", "canvas")
BOOK = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 5 (77)
"Ng, Ada",12345,2023001,ang42,Lab,
"Okafor, Ben",222,2023002,bo,Lab,7
"Else, Somebody",999,,,Lab,
"""


def test_a_roster_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    store_roster(tmp_path, ROSTER)
    assert stored_roster(tmp_path) == ROSTER
    assert [path.name for path in tmp_path.iterdir()] == [ROSTER_FILE]  # no lock is left
    assert stored_roster(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    "change",
    [{"schema": "roster/2"}, {"extra": 1}, {"students": [{"line": "2"}]}, {"students": [{"line": 2, "due": "soon"}]},
     {"students": [{"line": 2, "extra_days": -3.0}]}],
    ids=range(5),
)  # fmt: skip
def test_what_another_version_or_a_person_changed_is_refused_with_what_to_do(tmp_path: Path, change) -> None:
    store_roster(tmp_path, ROSTER)
    path = tmp_path / ROSTER_FILE
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(BadLab, match=r"roster\.json is not a roster .* Grade again with --roster, or delete it"):
        stored_roster(tmp_path)


def test_whoever_handed_in_nothing_is_on_the_class_page_until_they_do(taught) -> None:
    group = taught(ADA)
    store_roster(group.folder, ROSTER)
    drawn = draw_class(group.folder, "staff", pseudonyms=False)
    page = (group.folder / "index.html").read_text("utf-8")
    assert drawn.attendance is not None
    assert [one.student.name for one in drawn.attendance.absent] == ["Ben Okafor", "李娜"]
    assert all(name in page for name in ("Nothing submitted", "Ben Okafor", "2023002", "李娜"))
    group.publish(BEN, digest="b" * 64)
    drawn = draw_pages(group.folder, "staff", pseudonyms=False)
    assert drawn.attendance is not None
    assert [one.student.name for one in drawn.attendance.absent] == ["李娜"]


@pytest.mark.parametrize("edition", [("student", False), ("staff", True)])
def test_a_page_without_names_counts_absentees_and_names_none(taught, edition) -> None:
    group = taught(ADA)
    store_roster(group.folder, ROSTER)
    draw_class(group.folder, *edition)
    page = (group.folder / "index.html").read_text("utf-8")
    assert "Nothing submitted" in page
    assert not any(name in page for name in ("Ben Okafor", "2023002", "李娜"))


def test_absentees_change_no_figure_of_the_class(taught) -> None:
    group = taught(ADA, Student("Eve"))

    def figures() -> list[tuple[str, ...]]:
        page = (group.folder / "index.html").read_text("utf-8")
        return [tuple(part.split("</dd>")[0].split("</dt><dd>")) for part in page.split("<div><dt>")[1:]]

    draw_class(group.folder, "staff", pseudonyms=False)
    before = figures()
    store_roster(group.folder, ROSTER)
    draw_class(group.folder, "staff", pseudonyms=False)
    assert figures() == [*before, ("Nothing submitted", "2 of 3")]
    assert "match nobody on the roster" in (group.folder / "index.html").read_text("utf-8")


def test_where_a_grade_cannot_be_read_its_student_may_be_on_the_list_and_the_page_says_so(taught) -> None:
    group = taught(ADA, BEN)
    store_roster(group.folder, ROSTER)
    (group.folder / "Ben_Okafor-222" / "grade.json").write_text("{}", "utf-8")
    draw_class(group.folder, "staff", pseudonyms=False)
    page = (group.folder / "index.html").read_text("utf-8")
    assert "Stored grades that cannot be read: 1. Their students may be in this list." in page


def test_an_unreadable_roster_costs_the_list_and_not_the_page(taught) -> None:
    group = taught(ADA, BEN)
    (group.folder / ROSTER_FILE).write_text("{}", "utf-8")
    drawn = draw_class(group.folder, "staff", pseudonyms=False)
    assert (drawn.class_page is not None, len(drawn.refusals)) == (True, 1)
    done = export(Request("csv", group.folder))
    assert len(done.refusals) == 1
    assert "Ada Ng" in (group.folder / "grades.csv").read_text("utf-8-sig")


def test_the_table_has_a_row_without_points_for_an_absentee(taught) -> None:
    group = taught(replace(ADA, number="2023001"))
    store_roster(group.folder, ROSTER)
    export(Request("csv", group.folder, so_far=True))
    rows = list(csv.DictReader(io.StringIO((group.folder / "grades.csv").read_text("utf-8-sig"))))
    assert [(row["name"], row["identifier"], row["number"]) for row in rows] == [
        ("Ada Ng", "12345", "2023001"),
        ("Ben Okafor", "222", "2023002"),
        ("李娜", "333", "2023003"),
    ]
    blank = {key for key, value in rows[1].items() if value == ""}
    assert blank == set(rows[1]) - {"name", "identifier", "number", "final"}
    assert rows[1]["final"] == "no"


def test_a_test_report_skips_an_absentee(taught) -> None:
    group = taught(ADA)
    store_roster(group.folder, ROSTER)
    export(Request("junit", group.folder))
    text = (group.folder / "junit.xml").read_text("utf-8")
    assert text.count('<skipped message="Nothing submitted">') == 2
    assert 'name="Ben Okafor" tests="1" failures="0" errors="0" skipped="1"' in text


def test_a_gradebook_keeps_the_row_of_an_absentee_and_says_why(taught, tmp_path: Path) -> None:
    group, book = taught(ADA), tmp_path / "book.csv"
    store_roster(group.folder, ROSTER)
    book.write_text(BOOK, "utf-8")
    done = export(Request("canvas", group.folder, into=book, column="Lab 5", so_far=True))
    said = [line.said.english() for line in done.lines if line.subject.english() == "No grade for"]
    assert said == [
        "book.csv, line 3: nothing submitted by Okafor, Ben 222 was found. The row was left unchanged.",
        "book.csv, line 4: Else, Somebody 999. The row was left unchanged.",
    ]
    assert '"Okafor, Ben",222,2023002,bo,Lab,7\n' in (tmp_path / "book.graded.csv").read_text("utf-8")


def test_a_worksheet_of_moodle_is_filled_by_the_number_on_the_roster(taught, tmp_path: Path) -> None:
    group, book = taught(replace(ADA, number="2023001"), BEN), tmp_path / "sheet.csv"
    book.write_text(
        "Identifier,Full name,ID number,Grade\nParticipant 7,A. Ng,2023001,\nParticipant 8,N. Li,2023003,\n"
    )
    store_roster(group.folder, ROSTER)
    done = export(Request("moodle", group.folder, into=book, so_far=True))
    said = [line.said.english() for line in done.lines if line.subject.english() == "No grade for"]
    assert said == [
        "sheet.csv, line 3: nothing submitted by Participant 8 N. Li was found. The row was left unchanged."
    ]


# --- a class that was graded before there was a roster -------------------------------------------------------------


def test_a_grade_from_before_the_roster_gets_the_students_folder_and_is_not_doubled(taught) -> None:
    group = taught(Student("ada_ng"))
    group.publish(Student("Ada Ng", "2023001", email="ada@x.edu", alias="ada_ng"), digest=f"{0:064}")
    assert sorted(path.parent.name for path in group.folder.rglob("grade.json")) == ["Ada_Ng-2023001"]


def test_a_grade_under_a_name_that_may_be_anybodys_stays_where_it_is(taught) -> None:
    group = taught(Student("submission", guessed=True))
    group.publish(Student("Ada Ng", "2023001", alias="submission"), digest="e" * 64)
    assert sorted(path.parent.name for path in group.folder.rglob("grade.json")) == ["Ada_Ng-2023001", "submission"]


def test_a_grade_of_one_from_before_the_roster_becomes_the_groups_and_a_groups_is_not_one_members(taught) -> None:
    group = taught(ADA)
    team = (Member("Ada Ng", "12345", number="2023001"), Member("Ben Okafor", "222", number="2023002"))
    both = Student("Ada Ng, Ben Okafor", "12345, 222", "canvas", members=team)
    group.publish(both, digest="b" * 64)
    assert [path.parent.name for path in group.folder.glob("*/grade.json")] == ["Ada_Ng-12345"]
    group.publish(ADA, digest="c" * 64)
    assert len(list(group.folder.glob("*/grade.json"))) == 2
    group.publish(both, digest="d" * 64)
    assert group.grade("Ada_Ng-12345").digest == "d" * 64


def test_where_only_a_name_gives_a_submission_to_a_student_of_a_platform_staff_are_told(taught) -> None:
    group = taught(ADA)
    group.publish(replace(ADA, alias="ada_ng"), digest="b" * 64)
    assert [flag.kind for flag in group.grade("Ada_Ng-12345").flags] == ["whose submission"]
    group.publish(ADA, digest="c" * 64)
    assert group.grade("Ada_Ng-12345").flags == ()
