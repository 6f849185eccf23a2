"""Submissions beside a roster: what each student gets from it, and what is left to a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.batch.enrolment import Enrolment, enrol
from grader.batch.roster import Source, entries
from grader.checks import discover
from grader.gradebook.roster.stored import store_roster
from grader.intake import Archive
from grader.intake.platforms import student_of
from grader.labs import the_lab
from grader.marking.rubric import Rubric, read_rubric
from grader.records import Enrolled, Member, Roster, Student
from grader.records.errors import BadLab

ADA = Enrolled(2, "Ada Ng", number="20231234", login="ang42", email="ada@x.edu", due="2026-03-01T23:59:00")
WEI = Enrolled(3, "Wei Zhang", number="2023001")
OTHER_WEI = Enrolled(4, "Wei Zhang", number="2023002", extra_days=2.0)
ZHANG = Enrolled(5, "张伟", number="20239999")
TWELFTH = Enrolled(6, "Ben Okafor", number="20251203")  # a number that is a day as well
CLASS = Roster("students.csv", (ADA, WEI, OTHER_WEI, ZHANG, TWELFTH))


def of(*names: str, roster: Roster = CLASS) -> Enrolment:
    return enrol([Archive(Path(name), student_of(name)) for name in names], roster)


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("ngada_12345_67890_lab5.zip", "Ada Ng"),
        ("lab5_20231234.zip", "Ada Ng"),
        ("20231234.zip", "Ada Ng"),
        ("ang42-final.zip", "Ada Ng"),
        ("Lab5 Ng Ada.zip", "Ada Ng"),
        ("lab5_AdaNg_final.zip", "Ada Ng"),
        ("2023001-Wei-Zhang.zip", "Wei Zhang"),
        ("20239999_zhangwei_lab5.zip", "张伟"),
        ("实验五-张伟.zip", "张伟"),
    ],
)
def test_a_number_or_a_whole_name_inside_an_archives_name_says_whose_it_is(name: str, who: str) -> None:
    done = of(name)
    assert (done.archives[0].student.name, done.unlisted) == (who, ())
    assert not done.archives[0].student.guessed


@pytest.mark.parametrize(
    "name",
    [
        "submission.zip",
        "Maria Ada Ng.zip",
        "Ada.zip",
        "Wei Zhang.zip",
        "20231234_Maria_Lopez.zip",
        "20231234_Wei_Zhang.zip",
        "2023001_2023002.zip",
        "lab5_20251203.zip",
        "实验五张伟明.zip",
        "Wei Zhang_77_assignsubmission_file",
    ],
)
def test_a_submission_that_could_be_anothers_stays_as_it_is_and_is_told(name: str) -> None:
    done = of(name)
    assert [one.archive.name for one in done.unlisted] == [name]
    several = len(done.unlisted[0].rows) > 1 and not student_of(name).known
    assert done.archives[0].student == replace(student_of(name), guessed=student_of(name).guessed or several)


def test_a_name_that_two_have_on_the_roster_is_a_guess_so_that_neither_replaces_the_other_in_a_later_run() -> None:
    (first,), (second,) = of("Wei Zhang.zip").archives, of("Wei Zhang.zip").archives
    assert not first.student.is_certainly(second.student)


def test_two_of_one_name_are_told_apart_by_their_numbers_and_never_swapped() -> None:
    first, second = (one.student for one in of("lab5_2023002.zip", "2023001.zip").archives)
    assert (first.number, first.extra_days, second.number, second.extra_days) == ("2023002", 2.0, "2023001", 0.0)
    assert not first.is_certainly(second)


def test_a_student_gets_number_name_address_and_deadline_and_keeps_the_platforms_number() -> None:
    assert of("ngada_LATE_12345_67890_lab5.zip").archives[0].student == Student(
        "Ada Ng", "12345", "canvas", "ada@x.edu", late=True, number="20231234", due=ADA.due, own_due=True
    )
    assert of("ada_ng.zip").archives[0].student.identifier == "20231234"


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (("ada_ng.zip", "lab5_20231234.zip"), ["ada_ng.zip", "lab5_20231234.zip"]),
        (("lab5_20231234.zip", "ngada_12345_67890_lab5.zip"), ["lab5_20231234.zip"]),
        (("ngada_12345_67890_lab5.zip", "ngada_12345_67899_lab5-1.zip"), []),
    ],
    ids=["two names", "beside the platform's", "two attempts on a platform"],
)
def test_of_several_submissions_that_could_be_a_students_only_a_platforms_are_attempts(names, apart) -> None:
    done = of(*names)
    assert [one.archive.name for one in done.unlisted] == apart
    assert [one.name for one in done.archives if one.student == student_of(one.name)] == apart


TEAM = Roster(
    "groups.csv",
    (
        Enrolled(2, "Ada Ng", "12345", "1", group="Team 1", due="2026-03-01T23:59:00"),
        Enrolled(3, "Cleo Díaz", "333", "2", group="Team 1", due="2026-03-03T23:59:00", extra_days=1.0),
        Enrolled(4, "Ben Okafor", "222", "3", group="Team 2"),
    ),
    "canvas",
)


def test_a_group_is_one_student_with_all_its_members_and_the_latest_deadline() -> None:
    student = of("ngada_12345_67890_lab5.zip", "okaforben_222_67891_lab5.zip", roster=TEAM).archives[0].student
    assert student.members == (Member("Ada Ng", "12345", "", "1"), Member("Cleo Díaz", "333", "", "2"))
    assert (student.name, student.identifier) == ("Ada Ng, Cleo Díaz", "12345, 333")
    assert (student.due, student.own_due, student.extra_days) == ("2026-03-03T23:59:00", True, 1.0)
    assert [one.number for one in student.each] == ["1", "2"]


def test_where_two_members_handed_in_each_submission_is_its_own_members() -> None:
    done = of("ngada_12345_67890_lab5.zip", "diazcleo_333_67891_lab5.zip", roster=TEAM)
    assert [one.student.members for one in done.archives] == [(), ()]
    assert done.unclear == ("Team 1",)
    twice = of("ngada_12345_67890_lab5.zip", "ngada_12345_67899_lab5-1.zip", roster=TEAM)
    assert [len(one.student.members) for one in twice.archives] == [2, 2]
    assert twice.unclear == ()


def test_the_members_of_a_platforms_group_get_their_numbers() -> None:
    members = (Member("Ada Ng", "1", "ada@x.edu"), Member("Eve", "9", "eve@x.edu"))
    student = Student("Ada Ng, Eve", "1, 9", "gradescope", "ada@x.edu, eve@x.edu", members=members)
    done = enrol([Archive(Path("submission_1"), student)], TEAM)
    assert [one.number for one in done.archives[0].student.members] == ["1", ""]
    assert len(done.unlisted) == 1


# --- in a run -----------------------------------------------------------------------------------------------------


@pytest.fixture
def rubric(tmp_path: Path) -> Callable[[str], Rubric]:
    def late(zone: str) -> Rubric:
        path = tmp_path / "rubric.toml"
        text = f'[late]\ndeadline = "from the platform"\npoints_per_day = 5\n{zone}\n'
        path.write_text(f"{the_lab().rubric.read_text('utf-8')}\n{text}", "utf-8")
        return read_rubric(path, discover())

    return late


def test_a_deadline_without_a_time_zone_is_refused_where_the_rubric_has_none(tmp_path: Path, rubric) -> None:
    table = tmp_path / "students.csv"
    table.write_text("name,deadline\nAda Ng,2026-03-01 23:59\n", "utf-8")
    with pytest.raises(BadLab, match=r"students\.csv, line 2: the deadline 2026-03-01T23:59:00 has no time zone"):
        entries([], Source(table, None, tmp_path), rubric(""))
    done = entries([], Source(table, None, tmp_path), rubric('time_zone = "Asia/Shanghai"'))
    assert done.roster is not None
    table.write_text("name,deadline\nAda Ng,2026-03-01 23:59+08:00\n", "utf-8")
    assert entries([], Source(table, None, tmp_path), rubric("")).roster is not None


def test_a_run_without_a_roster_takes_the_stored_one(tmp_path: Path, rubric) -> None:
    archive = Archive(Path("lab5_20231234.zip"), student_of("lab5_20231234.zip"))
    none = Source(None, None, tmp_path)
    assert entries([archive], none, rubric("")).archives == (archive,)
    store_roster(tmp_path, CLASS)
    done = entries([archive, Archive(Path("eve.zip"), Student("eve"))], none, rubric(""))
    assert (done.archives[0].student.name, done.roster) == ("Ada Ng", None)
    assert [line.said.english().split(".")[0] for line in done.lines] == ["eve"]
