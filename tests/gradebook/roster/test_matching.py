"""Which row a submission belongs to: only where that is certain, and never that of a namesake."""

from __future__ import annotations

import pytest

from grader.gradebook.roster.matching import Finder, attendance
from grader.records import Enrolled, Member, Roster, Student

ADA = Enrolled(2, "Ada Ng", "12345", "2023001", "ang42", "ada@x.edu")
WEI = Enrolled(3, "Wei Zhang", "222", "2023002", email="wei@x.edu")
OTHER_WEI = Enrolled(4, "Wei Zhang", "333", "2023003")
NGA = Enrolled(5, "Zoë Müller", "444", "2023004", "555")
LI = Enrolled(6, "李 娜", number="2023005")
ROWS = (ADA, WEI, OTHER_WEI, NGA, LI)
CANVAS = Roster("class.csv", ROWS, "canvas")
OWN = Roster("class.csv", tuple(Enrolled(r.line, r.name, "", r.number, r.login, r.email) for r in ROWS))


def lines(student: Student, roster: Roster = CANVAS) -> list[int]:
    return [row.line for row in Finder(roster).find(student)]


@pytest.mark.parametrize(
    ("student", "line"),
    [
        (Student("somebody", "12345", "canvas"), 2),
        (Student("weizhang", "333", "canvas"), 4),
        (Student("zhangwei", "222", "canvas"), 3),
        (Student("", "2023001", "gradescope"), 2),
        (Student("ang42", "ANG42", ""), 2),
        (Student("ada", "12345", ""), 2),
        (Student("A. N.", email="Ada@X.edu"), 2),
        (Student("ngada"), 2),
        (Student("ada ng"), 2),
        (Student("Ng, Ada"), 2),
        (Student("mullerzoe"), 5),
        (Student("李娜"), 6),
        (Student("Ada Ng", "ang42", "blackboard"), 2),
        (Student("2023004", "2023004", "blackboard"), 5),
        (Student("Ng Ada", "ang42", "ilias"), 2),
        (Student("Ada Ng", "13394", "brightspace"), 2),
        (Student("ang42", "ang42", "github"), 2),
    ],
    ids=lambda value: value.name if isinstance(value, Student) else "",
)
def test_a_number_decides_then_an_address_then_a_name(student: Student, line: int) -> None:
    assert lines(student) == [line]


def test_a_name_that_two_have_could_be_either_and_a_number_tells_them_apart() -> None:
    assert lines(Student("Wei Zhang")) == [3, 4]
    assert lines(Student("Wei Zhang", "2023003", "gradescope")) == [4]
    assert lines(Student("Wei Zhang", "99", "gradescope")) == [3, 4]


def test_a_namesake_with_another_number_or_address_is_somebody_else() -> None:
    assert lines(Student("Ada Ng", "777", "canvas")) == []
    assert lines(Student("Ada Ng", "2029999", "gradescope")) == []
    assert lines(Student("Ada Ng", email="another.ada@y.edu")) == []


def test_where_number_and_name_are_two_students_neither_is_taken() -> None:
    assert lines(Student("Ada Ng", "222", "canvas")) == [3, 2]
    assert lines(Student("", "2023001", "gradescope", "wei@x.edu")) == [2, 3]


def test_a_number_of_one_platform_is_not_one_of_another() -> None:
    assert lines(Student("", "2023001", "canvas")) == []
    assert lines(Student("", "12345", "moodle")) == []
    assert lines(Student("", "12345", "gradescope")) == []
    assert lines(Student("ngada", "2023003", "canvas"), OWN) == [2]  # 2023003 is Canvas's, not the university's


def test_a_login_that_is_a_number_counts_where_the_platform_gives_no_name() -> None:
    assert lines(Student("2023004", "2023004", "moodle")) == [5]
    assert lines(Student("Zoe Muller", "2023004", "moodle")) == [5]
    assert lines(Student("Eve", "2023004", "moodle")) == []


def test_a_guess_matches_nobody() -> None:
    assert lines(Student("Ada Ng", guessed=True)) == []


def test_the_roster_says_who_is_absent_and_whose_submission_is_nobodys() -> None:
    team = Student("Ada Ng, Zoë", members=(Member("Ada Ng", email="ada@x.edu"), Member("Zoë Müller", "2023004")))
    found = attendance(OWN, [team, Student("Wei Zhang", number="2023002"), Student("Wei Zhang"), Student("Eve")])
    assert [one.row.line for one in found.absent] == [6]
    assert [one.number for one in found.unclear] == ["2023003"]  # the second Wei Zhang may be this one
    assert [one.name for one in found.unlisted] == ["Wei Zhang", "Eve"]
    assert found.enrolled == 5


def test_of_several_with_one_name_nobody_is_called_absent_who_may_have_handed_in() -> None:
    rows = tuple(Enrolled(n, name, f"10{n}") for n, name in ((2, "Wei Zhang"), (3, "Wei Zhang"), (4, "Ada Ng")))
    roster = Roster("class.csv", rows, "canvas")
    one, other = (Student("Wei Zhang", number, "brightspace") for number in ("771", "772"))
    found = attendance(roster, [one])
    assert [one.row.line for one in found.absent] == [4]
    assert [one.identifier for one in found.unclear] == ["102", "103"]
    found = attendance(roster, [one, other])
    assert ([one.row.line for one in found.absent], found.unclear) == ([4], ())


def test_an_absentee_whose_group_handed_in_is_told_apart() -> None:
    rows = tuple(
        Enrolled(n, name, group=group) for n, name, group in ((2, "A B", "1"), (3, "C D", "1"), (4, "E F", "2"))
    )
    absent = attendance(Roster("class.csv", rows), [Student("A B")]).absent
    assert [(one.row.name, one.group_handed_in) for one in absent] == [("C D", True), ("E F", False)]
