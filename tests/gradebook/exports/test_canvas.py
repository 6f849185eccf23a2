"""Canvas: the instructor's export with one column filled in, and nobody silently lost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.gradebook.exports import Exported
from grader.gradebook.files import to_json
from grader.records import Grade, Member, Student
from grader.records.errors import BadLab

Run, Said, Store = Callable[..., Exported], Callable[[Exported], list[str]], Callable[..., Grade]

HEAD = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab 4 (70),Lab 5 (77),Lab 5 extra (78),Labs Final Score\r\n"
    ",,,,,,Manual Posting,,\r\n"
    "    Points Possible,,,,,10,100,5,(read only)\r\n"
)
ROWS = (
    '"Ng, Ada",12345,s1,ada@uni.example,Lab,9,,,90.1\r\n'
    '"Okafor, Ben",222,s2,ben,Lab,,,"",\r\n'
    '"Díaz, Cleo",333,s3,cleo,"Lab, evening",8, EX,1,=1+1\r\n'
    '"Student, Test",999,,,Lab,,,,\r\n'
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.csv"
    path.write_bytes((HEAD + ROWS).encode())
    return path


def column(path: Path, heading: str = "Lab 5 (77)") -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["Student"]: row[heading] for row in csv.DictReader(file)}


def test_one_column_is_filled_in_a_copy_and_nothing_else_changes(run: Run, stored: Store, book: Path) -> None:
    stored(Student("ngada", "12345", "canvas"), 0.5)
    before = book.read_bytes()
    done = run("canvas", into=book, column="Lab 5 (77)")
    assert book.read_bytes() == before
    assert (book.parent / "book.graded.csv").read_bytes() == before.replace(b"Lab,9,,,90.1", b"Lab,9,55,,90.1")
    assert not done.needs_human


def test_students_are_known_by_id_then_number_or_login_then_name(run: Run, stored: Store, book: Path) -> None:
    stored(Student("anybody", "12345", "canvas"), 0.1)
    stored(Student("B. Okafor", "S2", "gradescope", "b@mail.example"), 0.2)
    book.write_bytes((HEAD + ROWS.replace(" EX", "")).encode())
    stored(Student("cleo  dÍaz"), 0.3)
    run("canvas", into=book, column="Lab 5 (77)")
    filled = column(book.with_name("book.graded.csv"))
    assert [filled[name] for name in ("Ng, Ada", "Okafor, Ben", "Díaz, Cleo")] == ["19", "28", "37"]


def test_an_id_decides_against_a_name(run: Run, stored: Store, book: Path) -> None:
    stored(Student("Ben Okafor", "12345", "canvas"), 0.1)
    run("canvas", into=book, column="Lab 5 (77)")
    filled = column(book.with_name("book.graded.csv"))
    assert (filled["Ng, Ada"], filled["Okafor, Ben"]) == ("19", "")


def test_a_number_of_another_platform_is_not_canvass_id(run: Run, stored: Store, book: Path, said: Said) -> None:
    stored(Student("Dora", "12345", "gradescope"))
    stored(Student("Eli", "222", "moodle"))
    done = run("canvas", into=book, column="Lab 5 (77)")
    assert sum(line.startswith("No row for: ") for line in said(done)) == 2
    assert book.with_name("book.graded.csv").read_bytes() == book.read_bytes()


def test_a_group_of_gradescope_is_filled_for_each_member(run: Run, stored: Store, book: Path, said: Said) -> None:
    members = (Member("Ada Ng", "s1"), Member("Ben Okafor", email="ben"), Member("Gus Ro", "s9", "g@x.example"))
    stored(Student("Ada Ng, Ben Okafor, Gus Ro", "s1, s9", "gradescope", "ben, g@x.example", members=members), 1.0)
    done = run("canvas", into=book, column="Lab 5 (77)")
    filled = column(book.with_name("book.graded.csv"))
    assert (filled["Ng, Ada"], filled["Okafor, Ben"]) == ("100", "100")
    assert any(line.startswith("No row for: Gus Ro (s9), 100 points") for line in said(done))


CANVAS_GROUPS = (
    "name,canvas_user_id,user_id,login_id,sections,group_name,canvas_group_id,group_id\n"
    "Ada Ng,12345,s1,ada@uni.example,Lab,Team 1,7,\n"
    "Cleo Díaz,333,s3,cleo,Lab,Team 1,7,\n"
    "Ben Okafor,222,s2,ben,Lab,,,\n"
)


@pytest.fixture
def teams(tmp_path: Path) -> Path:
    path = tmp_path / "teams.csv"
    path.write_text(CANVAS_GROUPS, "utf-8")
    return path


@pytest.mark.parametrize(
    "student", [Student("ngada", "12345", "canvas"), Student("Ada Ng"), Student("A", "s1"), Student("A", email="cleo")]
)
def test_every_member_of_a_group_gets_the_grade_that_one_of_them_handed_in_for(
    run: Run, stored: Store, book: Path, said: Said, teams: Path, student: Student
) -> None:
    book.write_bytes((HEAD + ROWS.replace(" EX", "")).encode())
    stored(student, 0.5)
    stored(Student("okaforben", "222", "canvas"), 1.0)
    done = run("canvas", into=book, column="Lab 5 (77)", groups=teams)
    filled = column(book.with_name("book.graded.csv"))
    assert [filled[name] for name in ("Ng, Ada", "Díaz, Cleo", "Okafor, Ben")] == ["55", "55", "100"]
    assert f"Group: Team 1: {student.name}.zip counts for all 2 members." in said(done)
    assert not done.needs_human


def test_where_two_members_handed_in_nobody_else_gets_either_grade(
    run: Run, stored: Store, book: Path, said: Said, teams: Path
) -> None:
    teams.write_text(CANVAS_GROUPS.replace("Lab,,,", "Lab,Team 1,7,"), "utf-8")
    stored(Student("ngada", "12345", "canvas"), 0.5)
    stored(Student("okaforben", "222", "canvas"), 1.0)
    done = run("canvas", into=book, column="Lab 5 (77)", groups=teams)
    filled = column(book.with_name("book.graded.csv"))
    assert [filled[name] for name in ("Ng, Ada", "Okafor, Ben", "Díaz, Cleo")] == ["55", "100", " EX"]
    assert any("Team 1: ngada.zip, okaforben.zip are all of this group" in line for line in said(done))
    assert done.needs_human


def test_a_table_without_groups_is_refused(run: Run, stored: Store, book: Path, teams: Path) -> None:
    teams.write_text("name,section\nAda,Lab\n", encoding="utf-8")
    stored(Student("ngada", "12345", "canvas"))
    with pytest.raises(BadLab, match=r"teams\.csv, line 1: a table of groups has a column 'group'"):
        run("canvas", into=book, column="Lab 5 (77)", groups=teams)


def test_a_column_can_be_given_by_its_number(run: Run, stored: Store, book: Path) -> None:
    stored(Student("okaforben", "222", "canvas"), 1.0)
    run("canvas", into=book, column="8")
    assert column(book.with_name("book.graded.csv"), "Lab 5 extra (78)")["Okafor, Ben"] == "100"
    with pytest.raises(BadLab, match="no column to fill is named 1;"):
        run("canvas", into=book, column="1")


def test_students_on_one_side_only_are_listed(run: Run, stored: Store, book: Path, said: Said) -> None:
    stored(Student("Zoe Zander", "777", "canvas"), 0.5)
    done = run("canvas", into=book, column="Lab 5 (77)")
    lines = said(done)
    assert "No row for: Zoe Zander (777), 55 points (Zoe Zander.zip)" in "\n".join(lines)
    missing = [line for line in lines if line.startswith("No grade for")]
    assert [line.split(":")[1] for line in missing] == [f" book.csv, line {n}" for n in (4, 5, 6)]
    assert done.needs_human
    assert "Test" not in "".join(missing)  # Canvas's own test student hands nothing in


def test_an_excused_student_stays_excused_and_is_reported(run: Run, stored: Store, book: Path, said: Said) -> None:
    stored(Student("diazcleo", "333", "canvas"), 0.5)
    done = run("canvas", into=book, column="Lab 5 (77)")
    assert column(book.with_name("book.graded.csv"))["Díaz, Cleo"] == " EX"
    assert said(done)[0].endswith("rows filled: 0, from book.csv")
    assert "Excused: book.csv, line 6: diazcleo remains excused; the grade would be 55 points." in said(done)


def test_two_rows_of_one_name_are_left_and_both_lines_named(run: Run, stored: Store, book: Path, said: Said) -> None:
    book.write_bytes((HEAD + ROWS + '"Ng, Ada",555,s5,ada5,Lab,,,,\r\n').encode())
    stored(Student("Ada Ng"), 0.5)
    done = run("canvas", into=book, column="Lab 5 (77)")
    assert any("book.csv, lines 4, 8: each could be Ada Ng, 55 points" in line for line in said(done))
    assert done.needs_human
    assert book.with_name("book.graded.csv").read_bytes() == book.read_bytes()


def test_two_grades_for_one_row_leave_it_unchanged(run: Run, stored: Store, book: Path, said: Said) -> None:
    stored(Student("first", "12345", "canvas"), 0.5)
    stored(Student("Ada Ng"), 1.0)
    done = run("canvas", into=book, column="Lab 5 (77)")
    assert any("book.csv, line 4: first.zip (55), Ada Ng.zip (100) are all for this row" in line for line in said(done))
    assert not any(line.startswith("No grade for: book.csv, line 4") for line in said(done))
    assert column(book.with_name("book.graded.csv"))["Ng, Ada"] == ""


def test_what_is_not_final_is_left_blank_and_listed_or_exported_so_far(
    run: Run, stored: Store, book: Path, said: Said
) -> None:
    stored(Student("ngada", "12345", "canvas"), None)
    stored(Student("okaforben", "222", "canvas"), 1.0)
    done = run("canvas", into=book, column="Lab 5 (77)", so_far=True)
    assert "Not final: ngada: 10 of 100 points so far; 90 are not marked yet. The points so far were exported." in said(
        done
    )
    assert done.needs_human
    assert column(book.with_name("book.graded.csv"))["Ng, Ada"] == "10"
    done = run("canvas", into=book, column="Lab 5 (77)")
    filled = column(book.with_name("book.graded.csv"))
    assert (filled["Ng, Ada"], filled["Okafor, Ben"]) == ("", "100")
    assert any("The grade was left blank;" in line for line in said(done))


@pytest.mark.parametrize("so_far", [False, True])
def test_what_could_not_be_opened_is_no_zero_in_any_export_until_somebody_decides(
    run: Run, stored: Store, book: Path, grades: Path, tmp_path: Path, so_far: bool
) -> None:
    opened = stored(Student("okaforben", "222", "canvas"), 0.0)
    (grades / "000" / "grade.json").write_text(to_json(replace(opened, unusable=True)), encoding="utf-8")
    for zero, points in ((False, ""), (True, "10")):
        more = {"so_far": so_far, "zero": zero}
        run("canvas", into=book, column="Lab 5 (77)", **more)
        assert column(book.with_name("book.graded.csv"))["Okafor, Ben"] == points
        run("csv", out=tmp_path / "all.csv", **more)
        with (tmp_path / "all.csv").open(encoding="utf-8-sig", newline="") as file:
            assert [row["total"] for row in csv.DictReader(file)] == [points]
        run("gradescope", out=tmp_path / "results.json", **more)
        tests = json.loads((tmp_path / "results.json").read_text("utf-8"))["tests"]
        assert all(("score" in test) == zero for test in tests)


def test_an_id_that_is_not_in_the_gradebook_is_never_filled_by_its_name(
    run: Run, stored: Store, book: Path, said: Said
) -> None:
    stored(Student("Ada Ng", "77777", "canvas"), 0.1)  # of another section, whom the gradebook does not list
    done = run("canvas", into=book, column="Lab 5 (77)")
    assert column(book.with_name("book.graded.csv"))["Ng, Ada"] == ""
    assert any(line.startswith("No row for: Ada Ng (77777)") for line in said(done))


def test_an_earlier_mark_that_changes_is_reported(run: Run, stored: Store, book: Path, said: Said) -> None:
    stored(Student("ngada", "12345", "canvas"), 0.5)
    done = run("canvas", into=book, column="Lab 4")
    assert "Replaced: book.csv, line 4: 9 was replaced by 55." in said(done)


def test_another_maximum_is_reported(run: Run, stored: Store, book: Path, said: Said) -> None:
    stored(Student("ngada", "12345", "canvas"))
    assert any(
        "has a maximum of 10 points, the rubric 100" in line for line in said(run("canvas", into=book, column="Lab 4"))
    )
    assert not any("has a maximum of" in line for line in said(run("canvas", into=book, column="Lab 5")))


# --- the column -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            None,
            "--column is missing: give the assignment's column in book.csv."
            ' The columns are "Lab 4 (70)", "Lab 5 (77)"',
        ),
        ("Lab5", 'line 1: no column to fill is named Lab5; did you mean --column "Lab 5"?'),
        ("Essay", 'is named Essay; the columns are "Lab 4 (70)", "Lab 5 (77)", "Lab 5 extra (78)".'),
        ("Labs Final Score", "no column to fill is named Labs Final Score"),
        ("SIS User ID", "no column to fill is named SIS User ID"),
    ],
)
def test_the_column_is_the_instructors_to_name(
    run: Run, stored: Store, book: Path, name: str | None, sentence: str
) -> None:
    stored(Student("ngada", "12345", "canvas"))
    with pytest.raises(BadLab) as refused:
        run("canvas", into=book, column=name)
    assert sentence in str(refused.value)
    assert not book.with_name("book.graded.csv").exists()


def test_two_columns_of_one_name_are_refused(run: Run, stored: Store, book: Path) -> None:
    book.write_bytes((HEAD + ROWS).replace("Lab 5 extra (78)", "Lab 5 (79)").encode())
    stored(Student("ngada", "12345", "canvas"))
    with pytest.raises(BadLab, match=r"book\.csv, line 1: 2 columns are named Lab 5\."):
        run("canvas", into=book, column="Lab 5")


# --- the file ---------------------------------------------------------------------------------------------------


def test_the_original_is_never_written_over(run: Run, stored: Store, book: Path, tmp_path: Path) -> None:
    stored(Student("ngada", "12345", "canvas"))
    before = book.read_bytes()
    (tmp_path / "link.csv").symlink_to(book)
    (tmp_path / "hard.csv").hardlink_to(book)
    for out in (book, tmp_path / "link.csv", tmp_path / "hard.csv", tmp_path / "grades" / ".." / "book.csv"):
        with pytest.raises(BadLab, match="is an input and would be overwritten"):
            run("canvas", into=book, column="Lab 5 (77)", out=out)
    assert book.read_bytes() == before


def test_semicolons_bom_and_first_and_last_names_are_read(run: Run, stored: Store, book: Path) -> None:
    text = "LastName;FirstName;ID;Section;Lab 5 (77)\nNg;Ada;12345;Lab;\nDíaz;Cleo;333;Lab;\n"
    book.write_bytes(b"\xef\xbb\xbf" + text.encode())
    stored(Student("Cleo Díaz"), 0.25)
    run("canvas", into=book, column="Lab 5")
    assert book.with_name("book.graded.csv").read_bytes() == book.read_bytes().replace(b"333;Lab;", b"333;Lab;32.5")


def test_a_chinese_gradebook_of_windows_stays_in_its_encoding(run: Run, stored: Store, book: Path) -> None:
    book.write_bytes("Student,ID,Section,实验五 (77)\n吴雅达,1,甲班,\n".encode("gb18030"))
    stored(Student("吴雅达"))
    run("canvas", into=book, column="实验五")
    assert "吴雅达,1,甲班,55\n" in book.with_name("book.graded.csv").read_bytes().decode("gb18030")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Name,Mark\nAda,1\n", "book.csv, line 1: a Canvas gradebook begins with Student, ID and Section"),
        (
            "Student,ID,Section,Lab 5 (77)\nAda,1\n",
            'line 2: the row has only 2 cells and does not reach column "Lab 5 (77)"',
        ),
    ],
)
def test_a_file_that_is_not_a_gradebook_is_refused(
    run: Run, stored: Store, book: Path, text: str, sentence: str
) -> None:
    book.write_text(text, encoding="utf-8")
    stored(Student("Ada"))
    with pytest.raises(BadLab) as refused:
        run("canvas", into=book, column="Lab 5")
    assert sentence in str(refused.value)


def test_without_the_instructors_file_it_is_asked_for(run: Run, stored: Store) -> None:
    stored(Student("Ada"))
    with pytest.raises(BadLab, match="--into is missing: give the file that you exported from Canvas"):
        run("canvas")


@pytest.mark.parametrize("name", ["<b>Ada</b>", "\u202egnA", "x" * 300, "Ada 🎓", "=cmd()", "Zoe\nNg"])
def test_a_hostile_name_is_shown_as_text(run: Run, stored: Store, book: Path, said: Said, name: str) -> None:
    stored(Student(name))
    done = run("canvas", into=book, column="Lab 5 (77)")
    told = next(line for line in said(done) if line.startswith("No row for"))
    assert told.isprintable()
    assert len(told) < 400
    assert book.with_name("book.graded.csv").read_bytes() == book.read_bytes()


def test_the_copy_is_a_csv_for_another_reader_too(run: Run, stored: Store, book: Path) -> None:
    stored(Student("okaforben", "222", "canvas"))
    run("canvas", into=book, column="Lab 5 extra")
    text = book.with_name("book.graded.csv").read_bytes().decode()
    before, after = (list(csv.reader(io.StringIO(one, newline=""))) for one in (HEAD + ROWS, text))
    changed = [(r, c, after[r][c]) for r, row in enumerate(before) for c, cell in enumerate(row) if cell != after[r][c]]
    assert changed == [(4, 7, "55")]
