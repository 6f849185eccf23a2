"""Two commands at once: neither loses what the other has stored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.gradebook import lock
from grader.gradebook.adjust import Decision, adjust
from grader.gradebook.files import Graded
from grader.gradebook.lock import LOCK, held, only_run
from grader.gradebook.marks_table import adjust_from
from grader.gradebook.pages import draw_class, draw_pages, draw_some
from grader.gradebook.publish import Publisher
from grader.gradebook.regrade import regrade, write
from grader.gradebook.tables.sheets import read_export
from grader.records import Student
from grader.records.errors import BadLab

ADA, BOB = Student("Ada Ng", "101"), Student("Bob", "102")
TIMES = 5
ADJUSTS = """
import sys
from pathlib import Path
from grader.gradebook.adjust import Decision, adjust
folder, who, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(times):
    adjust(folder, "Ada Ng", Decision(1.0, f"{who} {number}", who, "2026-03-05"), lambda error: None)
"""


def never(error: BadLab) -> None:
    raise AssertionError(error)


def ruling(reason: str) -> Decision:
    return Decision(-1.0, reason, "Dr Li", "2026-03-05")


def test_of_two_processes_that_adjust_one_grade_every_decision_survives(taught):
    folder = taught(ADA).folder
    people = [
        subprocess.Popen(
            [sys.executable, "-c", ADJUSTS, str(folder), who, str(TIMES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for who in ("li", "wu")
    ]
    for one in people:
        assert one.stdout.readline() == "ready\n"
    for one in people:  # both have imported everything: from here on they run into each other
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in people:
        one.communicate()
    assert [one.returncode for one in people] == [0, 0]
    (grade,) = folder.rglob("grade.json")
    said = grade.read_text("utf-8")
    missing = [f"{who} {number}" for who in ("li", "wu") for number in range(TIMES) if f'"{who} {number}"' not in said]
    assert missing == []


def test_a_command_waits_for_another_that_changes_grades_and_then_says_so(taught, rubric, tmp_path, monkeypatch):
    group = taught(ADA, BOB)
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    table = tmp_path / "marks.csv"
    table.write_text("student,criterion,points,reason\nAda Ng,,1,neat\n", encoding="utf-8")
    done = regrade(group.folder, rubric("[report_trend]\nmanual = true\ntitle = 'Trend'\npoints = 8\n"))
    grade = next(group.folder.rglob("grade.json"))
    before = {path: path.read_bytes() for path in group.folder.rglob("*.*") if path.name != LOCK}
    changes = {
        "adjust": lambda: adjust(group.folder, "Ada Ng", ruling("late"), never),
        "adjust --from": lambda: adjust_from(group.folder, read_export(table), "Dr Li", "2026-03-05"),
        "regrade": lambda: write(group.folder, done),
        "run": lambda: group.publish(ADA),
        "report": lambda: draw_pages(group.folder, "staff", pseudonyms=False),
        "a page": lambda: draw_some(group.folder, [grade], "staff", pseudonyms=False),
        "the class's page": lambda: draw_class(group.folder, "staff", pseudonyms=False),
    }
    with held(group.folder):
        for change in changes.values():
            with pytest.raises(BadLab) as caught:
                change()
            said = caught.value.message.english()
            assert "Another grade command has been changing" in said
            assert "Nothing was written" in said
        assert {path: path.read_bytes() for path in before} == before
    adjust(group.folder, "Ada Ng", ruling("late"), never)


def test_a_grade_that_was_adjusted_while_a_person_looked_at_a_regrade_is_not_written_over(taught, rubric):
    group = taught(ADA)
    done = regrade(group.folder, rubric("[report_trend]\nmanual = true\ntitle = 'Trend'\npoints = 8\n"))
    adjust(group.folder, "Ada Ng", ruling("late"), never)
    with pytest.raises(BadLab) as caught:
        write(group.folder, done)
    assert "was changed by another command in the meantime" in caught.value.message.english()
    assert [one.reason for one in group.grade("Ada_Ng-101").adjustments] == ["late"]


def test_nothing_of_the_lock_is_left_and_one_that_was_left_is_no_grade_and_no_obstacle(taught):
    group = taught(ADA, BOB)
    assert list(group.folder.rglob(f"*{LOCK}*")) == []
    (group.folder / LOCK).touch()  # as by a command that was killed
    draw_pages(group.folder, "staff", pseudonyms=False)
    adjust(group.folder, "Ada Ng", ruling("late"), never)
    assert list(group.folder.rglob(f"*{LOCK}*")) == []


def test_a_first_result_that_cannot_be_drawn_leaves_neither_folder_nor_lock(tmp_path, marked):
    out = tmp_path / "class" / "grades"
    with pytest.raises(ZeroDivisionError):
        Publisher(out, lambda grade: str(1 / 0))(Graded(marked(ADA), None))
    assert not out.parent.exists()


def test_what_fails_in_a_run_is_not_told_as_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(BrokenPipeError), only_run(tmp_path / "new" / "grades"):
        raise BrokenPipeError
    assert list(tmp_path.iterdir()) == []


def test_a_run_into_a_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadLab, match="cannot be written"), only_run(tmp_path / "file" / "grades"):
        pass


HOLDS = """
import sys
from pathlib import Path
from grader.gradebook.lock import only_run
with only_run(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_a_second_run_into_one_folder_is_refused_and_names_the_first(tmp_path):
    out = tmp_path / "grades"
    command = [sys.executable, "-c", HOLDS, str(out)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as first:
        assert first.stdout.readline() == "ready\n"
        with pytest.raises(BadLab, match=f"process {first.pid} on .*Nothing was graded") as caught, only_run(out):
            pass
        assert str(out) in str(caught.value)
        first.kill()  # it cannot clean up
    with only_run(out):
        pass
    assert not out.exists() or list(out.iterdir()) == []
