"""`grade adjust` and `grade regrade`: what they print, what they ask, how they end."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path

import pytest

from grader.cli.app import main
from grader.records import Student

ADA, BOB = Student("Ada [red]Ng[/red] <b>", "101"), Student("Bob", "102")


@pytest.fixture
def group(taught):
    return taught(ADA, BOB)


@pytest.fixture
def grade(group, monkeypatch, capfd):
    """The command: its exit status, and what it printed."""

    def run(*arguments: object, answer: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grade", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def new_rubric(tmp_path: Path, lines: str) -> Path:
    path = tmp_path / "new.toml"
    path.write_text(lines.replace("30", "40"), "utf-8")
    return path


def test_points_are_deducted_with_a_reason_and_the_page_is_redrawn(grade, group):
    code, out, err = grade("adjust", group.folder, "Bob", "--points", "-5", "--reason", "two days late", "--by", "Li")
    assert (code, err) == (0, "")
    assert "Bob: 15 points before, 10 of 35 now" in out
    assert "two days late" in (group.folder / "Bob-102" / "report.html").read_text("utf-8")
    assert not (group.folder / "index.html").exists()


def test_a_table_in_another_encoding_is_applied_as_it_was_written(grade, group, tmp_path):
    table = tmp_path / "marks.csv"
    table.write_bytes("student,criterion,points,reason\nBob,,-5,spóźnione\n".encode("cp1250"))
    code, out, _ = grade("adjust", group.folder, "--from", table, "--encoding", "cp1250", "--by", "Li")
    assert (code, "was read as" in out) == (0, False)
    assert "spóźnione" in (group.folder / "Bob-102" / "report.html").read_text("utf-8")
    code, _, err = grade("adjust", group.folder, "Bob", "--points", "1", "--reason", "x", "--encoding", "cp1250")
    assert code == 2
    assert "--encoding names the encoding of --from FILE" in err


def test_the_class_page_is_redrawn_if_there_is_one(grade, group):
    grade("report", group.folder)
    before = (group.folder / "index.html").read_text("utf-8")
    grade("adjust", group.folder, "Bob", "--points", "-5", "--reason", "late")
    assert (group.folder / "index.html").read_text("utf-8") != before


def test_markup_in_a_name_is_printed_unchanged(grade, group):
    _, out, _ = grade("adjust", group.folder, "101", "--points", "1", "--reason", "x")
    assert "Ada [red]Ng[/red] <b>: 15 points" in out


def test_who_decided_is_the_login_name_unless_it_is_said(grade, group, monkeypatch):
    monkeypatch.setenv("LOGNAME", "li")
    grade("adjust", group.folder, "Bob", "--points", "1", "--reason", "x")
    assert group.grade("Bob-102").adjustments[0].by == "li"


def test_pages_for_students_stay_pages_for_students(grade, group):
    grade("adjust", group.folder, "Bob", "--points", "1", "--reason", "x", "--audience", "student")
    assert "The trend rises." not in (group.folder / "Bob-102" / "report.html").read_text("utf-8")


def test_a_template_is_written_filled_in_and_read_back(grade, group, tmp_path):
    table = tmp_path / "marks.csv"
    code, out, err = grade("adjust", group.folder, "--template", table)
    assert (code, err) == (0, "")
    assert "criteria that need a person: 2." in out
    text = table.read_text("utf-8-sig").replace(",report_trend,,,", ",report_trend,4,no unit,")
    table.write_text(text, "utf-8")
    code, out, err = grade("adjust", group.folder, "--from", table, "--by", "Li")
    assert (code, err) == (0, "")
    assert "Bob: 15 points before, 19 of 35 now" in out
    assert not group.grade("Bob-102").needs_human
    assert "no table was written" in grade("adjust", group.folder, "--template", tmp_path / "again.csv")[1]


def test_a_disk_too_full_for_the_page_says_that_the_decision_is_stored(grade, group, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("grader.gradebook.drawing.write_whole", full)
    code, _, err = grade("adjust", group.folder, "Bob", "--points", "-5", "--reason", "late", "--by", "Li")
    assert code == 2
    assert "No space left on device. The grades themselves are stored." in err and "run 'grade report'" in err
    assert group.grade("Bob-102").total == 10.0


def test_a_template_comes_without_a_decision(grade, group, tmp_path):
    code, _, err = grade("adjust", group.folder, "Bob", "--template", tmp_path / "marks.csv")
    assert code == 2 and "only writes a table" in err
    assert not (tmp_path / "marks.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Bob", "--points", "5"), "give STUDENT, --points and --reason"),
        (("Bob", "--points", "five", "--reason", "x"), "is not a valid float"),
        (("Bob", "--points", "nan", "--reason", "x"), "Points must be between"),
        (("Bob", "--from", "marks.csv"), "leave them out here"),
        (("Bob", "--points", "5", "--reason", "x", "--lateness", "--criterion", "x"), "leave --criterion out"),
        (("--from", "nowhere.csv"), "nowhere.csv cannot be read"),
    ],
)  # fmt: skip
def test_a_command_that_says_too_little_or_too_much_changes_nothing(grade, group, arguments, said):
    before = group.files()
    code, _, err = grade("adjust", group.folder, *arguments)
    assert code == 2
    assert said in " ".join(err.split())
    assert group.files() == before


def test_a_table_with_a_row_that_is_not_taken_ends_in_2(grade, group, tmp_path):
    table = tmp_path / "marks.csv"
    table.write_text("student,criterion,points,reason\nBob,report_trend,4,x\nEve,report_trend,4,x\n", encoding="utf-8")
    code, out, _ = grade("adjust", group.folder, "--from", table)
    assert code == 2
    assert "marks.csv, line 3: There is no grade for Eve" in out
    assert group.grade("Bob-102").marks[1].points == 4.0


def test_a_dry_run_shows_and_writes_nothing(grade, group, new_rubric):
    before = group.files()
    code, out, err = grade("regrade", group.folder, "--rubric", new_rubric, "--dry-run", answer="y\n")
    assert (code, err) == (0, "")
    assert ["Bob", "15", "20", "+5", "measured_accuracy", "+5"] in [line.split() for line in out.splitlines()]
    assert "Ada [red]Ng[/red] <b>" in out
    assert "Nothing was written." in out
    assert group.files() == before


@pytest.mark.parametrize("answer", ["", "n\n", "\n"])
def test_without_a_yes_nothing_is_written(grade, group, new_rubric, answer):
    before = group.files()
    code, out, _ = grade("regrade", group.folder, "--rubric", new_rubric, answer=answer)
    assert code == 0
    assert "Write these grades (2)?" in out and "Nothing was written." in out
    assert group.files() == before


@pytest.mark.parametrize(("options", "answer"), [((), "y\n"), (("--yes",), "")])
def test_with_a_yes_grades_and_pages_are_written(grade, group, new_rubric, options, answer):
    code, out, _ = grade("regrade", group.folder, "--rubric", new_rubric, *options, answer=answer)
    assert code == 0
    assert "Pages drawn: 2" in out
    assert group.grade("Bob-102").total == 20.0
    assert grade("regrade", group.folder, "--rubric", new_rubric, "--yes")[1].endswith("Nothing would change.\n")


def test_a_bad_rubric_is_reported_before_anything_is_read(grade, group, tmp_path):
    (tmp_path / "bad.toml").write_text("[measured_acuracy]\npoints = 1\n", encoding="utf-8")
    code, _, err = grade("regrade", group.folder, "--rubric", tmp_path / "bad.toml", "--yes")
    assert code == 2
    assert "did you mean 'measured_accuracy'?" in " ".join(err.split())
