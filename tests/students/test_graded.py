"""The commands for students take the rubric of their course: points in the handout, the pre-check, files packed."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.cli.app import cli
from grader.labs import the_lab

OWN = """
[measured_accuracy]
points = 40
knots = [[0.4, 0.0], [0.8, 0.75], [0.9, 1.0]]

[evaluation]
points = 12
loss = 3.0
accuracy = 2.5
last_batch = 1.5
eval_mode = 1.5
unchanged = 0.5
mode_kept = 0.5
no_gradients = 0.5

[submission_layout]
points = 8
required = ["final.pth", "exp2.py", "notes.txt", "figures/", "report.md"]
megabytes = 100

[answers]
manual = true
title = { en = "The five answers", zh = "五道问答题" }
points = 30
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def grade(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments), "--lang", "en"])


def table(text: str) -> list[str]:
    return re.findall(r"^\| [^|\n]+ \| \d+ \| [^|\n]+ \|$", text, re.MULTILINE)


def test_the_handout_states_the_points_and_limits_of_the_rubric(own, tmp_path):
    done = grade("template", tmp_path / "lab", "--rubric", own)
    assert done.exit_code == 0, done.output
    assert table((tmp_path / "lab" / "README.md").read_text("utf-8")) == [
        "| files | 8 | as your instructor says |",
        "| `test` (2.1) | 12 | correct on other networks and data, without changing anything |",
        "| test accuracy | 40 | 90 %, measured with `final.pth` on the 10,000 test images (80 %: 30; 40 %: 0; linear in"
        " between) |",
        "| The five answers | 30 | marked by a person |",
    ]
    chinese = table((tmp_path / "lab" / "README.zh.md").read_text("utf-8"))
    assert [line.split(" | ")[1] for line in chinese] == ["8", "12", "40", "30"]
    assert "达到 90 %（80 % 得 30 分，40 % 得 0 分，中间按直线计算）" in chinese[2]
    assert chinese[3] == "| 五道问答题 | 30 | 由教师评分 |"


def test_with_the_labs_own_rubric_the_handout_is_the_one_that_is_written(tmp_path):
    for name, more in (("without", ()), ("with", ("--rubric", the_lab().rubric))):
        assert grade("template", tmp_path / name, *more).exit_code == 0
    for name in ("README.md", "README.zh.md"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()


def test_the_points_of_the_labs_own_rubric_make_the_row_of_the_accuracy_as_it_is_written(own, tmp_path):
    own.write_text(the_lab().rubric.read_text("utf-8").replace("knots = [[0.50,", "knots = [[0.40, 0.0], [0.50,", 1))
    grade("template", tmp_path / "lab", "--rubric", own)
    text = (tmp_path / "lab" / "README.md").read_text("utf-8")
    assert "(84.54 %: 27; 70 %: 18; 50 %: 0; 40 %: 0; linear in between)" in text


def test_what_the_rubric_asks_for_is_packed_and_what_it_lacks_is_named(own, tmp_path):
    lab = tmp_path / "lab"
    for name in ("exp2.py", "final.pth", "notes.txt", "figures/loss.csv", "other.txt"):
        (lab / name).parent.mkdir(parents=True, exist_ok=True)
        (lab / name).write_bytes(b"x")
    done = grade("pack", lab, "--rubric", own)
    assert done.exit_code == 1
    assert "Add report.md." in done.output and "history" not in done.output
    names = set(zipfile.ZipFile(lab / "submission.zip").namelist())
    assert names == {"exp2.py", "final.pth", "notes.txt", "figures/loss.csv"}


@pytest.mark.parametrize("command", ["precheck", "pack", "template"])
def test_a_mistake_in_the_rubric_is_told_before_anything_is_done(command, own, tmp_path):
    own.write_text("[evaluatoin]\npoints = 3\n", encoding="utf-8")
    done = grade(command, tmp_path / "lab", "--rubric", own)
    assert done.exit_code != 0
    assert "evaluatoin" in f"{done.output}{done.exception}"
    assert not (tmp_path / "lab").exists()
