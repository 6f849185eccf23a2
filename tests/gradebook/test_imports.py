"""Drawing, adjusting, re-marking and exporting stored grades need nothing of what grades them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STORED = Path(__file__).parent / "grades_of_0_1"
GRADING = ("grader.collect", "grader.dataset", "grader.intake", "grader.probes", "grader.sandbox", "torch", "numpy")
RUN = f"""
import atexit, sys
from grader.cli.app import cli
atexit.register(lambda: print("loaded:", [name for name in {GRADING} if name in sys.modules]))
cli(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "command",
    [
        ["report", "GRADES"],
        ["adjust", "GRADES", "Ada Ng", "--points", "1", "--reason", "a good question", "--by", "Prof. Y"],
        ["regrade", "GRADES", "--yes"],
        ["export", "GRADES", "--to", "csv", "--out", "GRADES/grades.csv"],
    ],
    ids=lambda command: command[0],
)
def test_a_stored_grade_is_worked_on_without_what_graded_it(command: list[str], tmp_path: Path) -> None:
    shutil.copytree(STORED, tmp_path / "grades")
    words = [word.replace("GRADES", str(tmp_path / "grades")) for word in command]
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "loaded: []", done.stdout + done.stderr
