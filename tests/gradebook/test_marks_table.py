"""Marks from a table: in any encoding, and no row silently dropped."""

from __future__ import annotations

import codecs
import errno
import os
from pathlib import Path

import pytest

from grader.gradebook.marks_table import Taken, adjust_from
from grader.gradebook.marks_template import write_template
from grader.gradebook.tables.sheets import read_export
from grader.records import Student
from grader.records.errors import BadLab
from reports.text import words

ADA, WU, BOB = Student("Ada Ng", "101"), Student("吴雅达", "102"), Student("Bob <b>x</b>", "103")
HEAD = "student,criterion,points,reason\n"


@pytest.fixture
def group(taught):
    return taught(ADA, WU, BOB)


@pytest.fixture
def take(group, tmp_path):
    def read(text: str | bytes, encoding: str | None = None) -> Taken:
        path = tmp_path / "marks.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return adjust_from(group.folder, read_export(path, encoding), "Dr Li", "2026-03-05")

    return read


def told(taken: Taken) -> str:
    return "\n".join(f"{words(line.subject)}: {words(line.said)}" for line in taken.lines)


def test_rows_are_marks_by_hand_and_adjustments(group, take):
    taken = take(HEAD + 'Ada Ng,report_trend,4.5,no unit\n103,report_trend,5,"good, all"\nAda Ng,,-2,not zipped\n')
    assert taken.whole and not taken.lines
    assert {one.after.student for one in taken.changed} == {ADA, BOB}
    ada, bob = group.grade("Ada_Ng-101"), group.grade("Bob_b_x_b_-103")
    assert (ada.marks[1].points, ada.total) == (4.5, 15.0 + 4.5 - 2.0)
    assert (bob.marks[1].points, bob.marks[1].given.reason) == (5.0, "good, all")


SEMICOLONS = "student;criterion;points;reason\r\n吴雅达;report_trend;4,5;没有单位\r\n"


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + SEMICOLONS.encode(),
        SEMICOLONS.encode("gb18030"),
        codecs.BOM_UTF16_LE + SEMICOLONS.encode("utf-16-le"),
        "姓名\t评分项\t分数\t理由\n吴雅达\treport_trend\t4.5\t没有单位\n".encode("gb18030"),
    ],
    ids=["BOM", "GB18030", "UTF-16", "Chinese headings"],
)
def test_a_table_is_read_in_the_encoding_and_with_the_delimiter_that_it_has(group, take, data):
    assert take(data).whole
    given = group.grade("吴雅达-102").marks[1].given
    assert (given.points, given.reason) == (4.5, "没有单位")


def test_a_reason_in_western_letters_of_windows_reaches_the_student_as_it_was_written(group, take):
    taken = take((HEAD + "Ada Ng,report_trend,4,zu spät\n").encode("cp1252"))
    assert taken.whole
    assert group.grade("Ada_Ng-101").marks[1].given.reason == "zu spät"
    assert "marks.csv was read as Windows-1252" in told(taken)


def test_a_table_is_read_in_the_encoding_that_is_named(group, take):
    assert take((HEAD + "Ada Ng,report_trend,4,późno\n").encode("cp1250"), "cp1250").whole
    assert group.grade("Ada_Ng-101").marks[1].given.reason == "późno"


def test_every_row_that_is_not_applied_is_reported_by_its_line(group, take):
    taken = take(
        HEAD
        + "nobody,report_trend,4,x\n"  # 2
        + "Ada Nk,report_trend,4,x\n"
        + ",report_trend,4,x\n"
        + "Ada Ng,report_trend,,x\n"  # 5
        + "Ada Ng,report_trend,four,x\n"
        + "Ada Ng,report_trend,6,x\n"
        + "Ada Ng,report_tend,4,x\n"
        + "Ada Ng,report_trend,4,\n"  # 9: counts as a second mark of Ada's
        + "\n,,,\n"
        + "吴雅达,report_trend,3,x\n"
    )
    assert not taken.whole
    said = told(taken)
    for line, words_ in {
        2: "There is no grade for nobody", 3: "did you mean Ada Ng?", 4: "no student", 5: "no points yet for Ada Ng",
        6: "'four' is not a number of points", 7: "lines 7, 9 all mark report_trend", 8: "did you mean report_trend?",
    }.items():  # fmt: skip
        assert any(f"marks.csv, line {line}:" in row and words_ in row for row in said.splitlines()), (line, said)
    assert len(taken.lines) == 7
    assert [one.after.student for one in taken.changed] == [WU]
    assert group.grade("Ada_Ng-101").marks[1].points is None


def test_a_mark_without_a_reason_is_reported(take):
    assert "marks.csv, line 2: A reason is required" in told(take(HEAD + "Ada Ng,report_trend,4,\n"))


def test_the_same_table_twice_counts_once(group, take):
    text = HEAD + "Ada Ng,report_trend,4,x\nAda Ng,,-2,not zipped\n"
    take(text)
    before = group.files()
    again = take(text)
    assert again.whole and not again.changed
    assert told(again).count("was not applied a second time") == 2
    assert group.files() == before


def test_an_ignored_column_is_reported(take):
    taken = take("room,student,criterion,points,reason\n7,Ada Ng,report_trend,4,x\n")
    assert taken.whole
    assert "ignored: room" in told(taken)


def test_a_row_for_the_beginning_of_a_name_is_nobodys(take):
    assert "There is no grade for Ada in" in told(take(HEAD + "Ada,report_trend,4,x\n"))


# --- the template ------------------------------------------------------------------------------------------------


def template(group, tmp_path: Path) -> list[str]:
    path = tmp_path / "open.csv"
    path.unlink(missing_ok=True)
    write_template(group.folder, path)
    return path.read_bytes().decode("utf-8-sig").splitlines()


def test_a_template_lists_each_open_criterion_with_its_maximum_and_what_was_found(group, tmp_path):
    heading, ada, *others = template(group, tmp_path)
    assert heading == "student,criterion,points,reason,maximum,found,submission"
    assert ada.startswith("Ada_Ng-101/,report_trend,,,5,")
    assert "A person marks this, from report.pdf" in ada and ada.endswith(f",sha256:{0:016}")
    assert len(others) == 2


def test_a_template_filled_in_is_read_back_and_empty_rows_are_skipped(group, take, tmp_path):
    heading, ada, *others = template(group, tmp_path)
    taken = take("\r\n".join([heading, ada.replace(",,,5,", ",4,no unit,5,"), *others]))
    assert taken.whole
    assert told(taken) == "Rows: without points and reason, skipped: 2"
    assert group.grade("Ada_Ng-101").marks[1].points == 4.0
    assert len(template(group, tmp_path)) == 3


def test_a_mark_for_a_submission_that_was_replaced_is_not_given_to_the_new_one(group, take, tmp_path):
    heading, ada, *_ = template(group, tmp_path)
    group.publish(ADA, digest="e" * 64)
    taken = take("\r\n".join([heading, ada.replace(",,,5,", ",4,no unit,5,")]))
    assert "has handed in something else since" in told(taken)
    assert group.grade("Ada_Ng-101").marks[1].points is None


def test_a_template_never_replaces_a_file(group, tmp_path):
    path = tmp_path / "open.csv"
    path.write_text("marks of an evening", "utf-8")
    with pytest.raises(BadLab, match="exists already"):
        write_template(group.folder, path)
    assert path.read_text("utf-8") == "marks of an evening"


def test_no_template_is_written_where_nothing_is_open(group, take, tmp_path):
    take(HEAD + "".join(f"{one},report_trend,4,x\n" for one in (101, 102, 103)))
    path = tmp_path / "open.csv"
    assert write_template(group.folder, path).criteria == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("student,criterion,point,reason\n", "no column 'points'. If you meant 'point'"),
        ("a,b\n", "no column 'student'"),
        ("student,student,criterion,points,reason\n", "the heading 'student' appears twice"),
        ('student,criterion,points,reason\n"Ada', "line 2: a quotation mark is never closed"),
        (b"PK\x03\x04", "is a workbook"),
        (b"\xff\xff,\x81", "marks.csv, line 1: this is not"),
        ("", "there are no headings"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused(take, text, said):
    with pytest.raises(BadLab) as caught:
        take(text)
    assert said in words(caught.value.message)


def test_a_disk_that_fills_up_in_the_middle_leaves_every_grade_as_it_was(group, take, monkeypatch):
    before, real, calls = group.files(), Path.write_text, []

    def filling(*arguments, **keywords):
        calls.append(arguments)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **keywords)

    monkeypatch.setattr(Path, "write_text", filling)
    with pytest.raises(BadLab, match="No grade was changed"):
        take(HEAD + "Ada Ng,,1,x\n102,,1,x\n103,,1,x\n")
    assert len(calls) == 2
    assert group.files() == before
