"""Rosters as people and platforms write them, and what is said of those that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.gradebook.roster.read import RosterFile, read_roster
from grader.records import Enrolled
from grader.records.errors import BadLab

ADA = "20231234"
CANVAS = f"""Student,ID,SIS User ID,SIS Login ID,Section,Lab 5 (77)
    Points Possible,,,,,100
"Ng, Ada",12345,{ADA},ang42,Lab,90
"Student, Test",999,,x1,Lab,
"""
CANVAS_GROUPS = f"""name,canvas_user_id,user_id,login_id,sections,group_name,canvas_group_id
Ada Ng,12345,{ADA},ang42,Lab,Team 1,7
"""
MOODLE = f"""Identifier,Full name,ID number,Email address,Status,Grade,Maximum grade,Feedback comments
Participant 12345,Ada Ng,{ADA},ada@x.edu,Submitted,,100.00,
"""
MOODLE_GERMAN = f"""ID,Vollständiger Name,ID-Nummer,E-Mail-Adresse,Status,Bewertung,Bestwertung
Teilnehmer/in12345,Ada Ng,{ADA},ada@x.edu,Abgegeben,,100
"""
MOODLE_PARTICIPANTS = f"""First name,Last name,ID number,Email address,Groups
Ada,Ng,{ADA},ada@x.edu,Thursday class
"""
GRADESCOPE = f"""First Name,Last Name,SID,Email,Role,Section
Ada,Ng,{ADA},ada@x.edu,Student,A
Grace,Hopper,7,grace@x.edu,Instructor,A
Ben,Okafor,8,ben@x.edu,TA,A
"""
CLASSROOM = """"identifier","github_username","github_id","name"
"ada@x.edu","adang","4711",""
"Ben Okafor","","",""
"20231235","cleo-d","4712","Cleo Díaz"
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., RosterFile]:
    def reading(text: str | bytes, encoding: str | None = None) -> RosterFile:
        path = tmp_path / "class.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_roster(path, encoding)

    return reading


@pytest.fixture
def refused(read: Callable[..., RosterFile]) -> Callable[[str], str]:
    def refusing(text: str) -> str:
        with pytest.raises(BadLab) as caught:
            read(text)
        return caught.value.message.english()

    return refusing


@pytest.mark.parametrize(
    ("text", "platform", "row"),
    [
        (CANVAS, "canvas", Enrolled(3, "Ada Ng", "12345", ADA, "ang42")),
        (CANVAS_GROUPS, "canvas", Enrolled(2, "Ada Ng", "12345", ADA, "ang42", group="Team 1")),
        (MOODLE, "moodle", Enrolled(2, "Ada Ng", "12345", ADA, email="ada@x.edu")),
        (MOODLE_GERMAN, "moodle", Enrolled(2, "Ada Ng", "12345", ADA, email="ada@x.edu")),
        (MOODLE_PARTICIPANTS, "", Enrolled(2, "Ada Ng", number=ADA, email="ada@x.edu")),
        (GRADESCOPE, "", Enrolled(2, "Ada Ng", number=ADA, email="ada@x.edu")),
        ("Nachname;Vorname;Matrikelnummer\nNg;Ada;0042\n", "", Enrolled(2, "Ada Ng", number="0042")),
        ("姓\t名\t学号\t小组\n张\t伟\t20231234\t一组\n", "", Enrolled(2, "张伟", number=ADA, group="一组")),
        ("number,email\n1,ada@x.edu\n", "", Enrolled(2, number="1", email="ada@x.edu")),
        ("ID,Name\nS1,Ada Ng\n", "", Enrolled(2, "Ada Ng", number="S1")),
        ("Identifier,Full name,Grade\nS2023001,Ada Ng,\n", "", Enrolled(2, "Ada Ng", number="S2023001")),
    ],
    ids=["Canvas", "Canvas's groups", "Moodle", "German Moodle", "Moodle's participants", "Gradescope", "German",
         "Chinese", "no names", "a number called ID", "no worksheet of Moodle"],
)  # fmt: skip
def test_a_roster_is_known_by_its_headings(read, text: str, platform: str, row: Enrolled) -> None:
    roster = read(text).roster
    assert (roster.platform, roster.students) == (platform, (row,))


def test_the_identifiers_of_github_classroom_are_whatever_the_instructor_put_there(read) -> None:
    assert read(CLASSROOM).roster.students == (
        Enrolled(2, "", login="adang", email="ada@x.edu"),
        Enrolled(3, "Ben Okafor"),
        Enrolled(4, "Cleo Díaz", number="20231235", login="cleo-d"),
    )


def test_a_chinese_roster_is_read_in_the_encoding_of_windows_and_says_so(read) -> None:
    done = read("姓名,学号\n吴雅达,1\n".encode("gb18030"))
    assert done.roster.students[0].name == "吴雅达"
    assert "class.csv was read as GB18030" in done.lines[0].said.english()
    assert read("name,number\nJürgen,1\n".encode("cp850"), "cp850").roster.students[0].name == "Jürgen"


def test_deadlines_and_extensions_are_a_time_or_days(read) -> None:
    text = (
        "name,deadline,extension\nAda,2026-03-01 23:59,\nBen,2026-03-01 23:59,3\nCleo,2026-03-01 23:59,2026-03-05\n"
        "Dan,,2 days\nEve,-,-\n"
    )
    assert [(row.due, row.extra_days) for row in read(text).roster.students] == [
        ("2026-03-01T23:59:00", 0.0),
        ("2026-03-01T23:59:00", 3.0),
        ("2026-03-05T23:59:59", 0.0),
        ("", 2.0),
        ("", 0.0),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,deadline\nAda,3/1/2026 23:59\n",
         'class.csv, line 2, column "deadline", "3/1/2026 23:59": a deadline is a date and a time, such as 2026-03-01'),
        ("name,extension\nAda,\nBen,next week\n",
         'class.csv, line 3, column "extension", "next week": an extension is a number of days, or a date'),
        ("name,deadline,extension\nAda,2026-03-05,2026-03-01\n", "the extension ends before the deadline"),
        ("name,number\nAda,2.02312E+11\n", 'line 2, column "number", "2.02312E+11": a spreadsheet has rounded'),
        ("name,number\nAda,1\nBen,1\n", 'class.csv, lines 2 and 3: Ada and Ben both have "1"'),
        ("name,email\nAda,a@x.edu\nBen,A@X.edu\n", 'lines 2 and 3: Ada and Ben both have "A@X.edu"'),
        ("section,points\nA,1\n", 'class.csv, line 1: a roster has a column of names, numbers, logins or addresses;'
                                  ' the columns are "section", "points"'),
        ("name,number,section\n,,Lab\n", "class.csv, line 2: this line names nobody"),
        ("name,number\n", "class.csv lists no students"),
        ('name,number\nAda,"1\n', "class.csv, line 2: a quotation mark is never closed"),
    ],
    ids=range(10),
)  # fmt: skip
def test_a_roster_that_cannot_be_used_says_where_and_what_to_do(refused, text: str, said: str) -> None:
    assert said in refused(text)


def test_a_student_who_is_listed_twice_is_taken_once_and_equal_names_are_told(read) -> None:
    done = read("name,number,section\nWei Zhang,1,A\nWei Zhang,2,A\nAda Ng,3,A\nAda Ng,3,B\n")
    assert [row.line for row in done.roster.students] == [2, 3, 4]
    assert [line.said.english().split(".")[1].strip(" csv,") for line in done.lines] == [
        "lines 4 and 5 are the same student, Ada Ng, who is listed once",
        "lines 2, 3: all are called Wei Zhang",
    ]


def test_moodles_number_is_read_with_and_without_its_word(read) -> None:
    for written in ("Participant 81214", "81214"):
        roster = read(f"Name,Moodle ID\nAda Ng,{written}\n").roster
        assert (roster.platform, roster.students[0].identifier) == ("moodle", "81214")
