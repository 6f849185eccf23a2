"""The template made from the solved lab: what students get, and nothing of what they are asked to write."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from grader.labs import the_lab
from grader.records.errors import BadLab
from grader.students.template import make_template, strip, write_template

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference"
NUMBERS = ("1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "4.1", "4.2")

SOLVED = """def double(x):
    # BEGIN SOLUTION 1.1: twice the number
    return 2 * x  # by multiplication
    # END SOLUTION


# BEGIN REFERENCE: students need no triple
def triple(x):
    return 3 * x


# END REFERENCE


def main():
    print(double(2))
"""


def test_a_solution_becomes_its_task_and_a_reference_region_is_gone():
    assert strip(SOLVED, "exp9.py") == (
        "def double(x):\n"
        '    raise NotImplementedError("1.1: twice the number")\n'
        "\n\n"
        "def main():\n"
        "    print(double(2))\n"
    )


def test_a_task_may_hold_quotes_and_backslashes():
    source = '# BEGIN SOLUTION 1.1: print "a\\n"\nprint("a")\n# END SOLUTION\n'
    stripped = strip(source, "exp9.py")
    with pytest.raises(NotImplementedError, match=r'^1\.1: print "a\\n"$'):
        exec(stripped)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("    # END SOLUTION\n", ""), r"line 6: a region begins inside the one from line 2. Write END SOLUTION first"),
        (("# END REFERENCE\n", ""), r"line 7: the region that begins here has no END REFERENCE"),
        (("    # BEGIN SOLUTION 1.1: twice the number\n", ""), r"line 3: END SOLUTION matches no open region"),
        (("# END REFERENCE", "# END SOLUTION"), r"line 12: END SOLUTION matches no open region"),
        (("1.1: twice the number", "twice"), r"line 2: write '# BEGIN SOLUTION 2.1: what to do'"),
        (("1.1: twice the number", "1.1:"), r"line 2: write '# BEGIN SOLUTION 2.1: what to do'"),
        (("students need", "students need\n# BEGIN REFERENCE: again"), r"line 8: a region begins inside"),
        (("by multiplication", "by\n    # a SOLUTION of"), None),
        (("    print(", "    # see the SOLUTION\n    print("), r"'# see the SOLUTION' is left in the template"),
        (("def main():\n    print(double(2))\n", "def main():\n"), r"is not valid Python without its solutions"),
    ],
)
def test_a_region_that_is_not_right_is_named_with_its_line(change, sentence):
    source = SOLVED.replace(*change, 1)
    assert source != SOLVED
    if sentence is None:
        assert "SOLUTION" not in strip(source, "exp9.py")
        return
    with pytest.raises(BadLab, match=sentence):
        strip(source, "exp9.py")


def test_a_number_is_given_once():
    with pytest.raises(BadLab, match=r"line 5: .* a number that no other task has"):
        strip(SOLVED.partition("\n\n\n")[0] + "\n" + SOLVED.partition("\n")[2], "exp9.py")


def test_every_task_of_the_lab_is_asked_for_once():
    files = make_template()
    scripts = b"".join(files[name] for name in the_lab().scripts).decode()
    asked = re.findall(r'raise NotImplementedError\("(\d\.\d): ', scripts)
    assert tuple(asked) == NUMBERS


def test_the_committed_template_is_the_stripped_reference_byte_for_byte():
    committed = ROOT / "student_template"
    there = {
        path.relative_to(committed).as_posix(): path.read_bytes()
        for path in committed.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    made = make_template(REFERENCE)
    assert sorted(there) == sorted(made)
    assert [name for name in made if made[name] != there[name]] == [], "run: grade template student_template --force"


@pytest.mark.parametrize("name", the_lab().scripts)
def test_no_line_of_a_solution_survives(name):
    source = (REFERENCE / name).read_text("utf-8")
    solved, everywhere = Counter(_lines_in_regions(source)), Counter(_lines(source))
    assert sum(solved.values()) >= 2
    left = Counter(_lines(make_template(REFERENCE)[name].decode()))
    assert [line for line in solved if left[line] > everywhere[line] - solved[line]] == []


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _lines_in_regions(text: str) -> list[str]:
    regions = re.findall(r"# BEGIN (?:SOLUTION|REFERENCE).*\n((?:.*\n)*?) *# END", text)
    return [line for region in regions for line in _lines(region)]


def test_the_template_is_what_a_wheel_carries_too():
    assert make_template() == make_template(REFERENCE)


def test_writing_touches_nobodys_work(tmp_path):
    files = {"exp1.py": b"new\n", "tests/test_1.py": b"test\n"}
    write_template(files, tmp_path / "lab", force=False)
    write_template(files, tmp_path / "lab", force=False)  # the same again is no loss
    assert (tmp_path / "lab" / "tests" / "test_1.py").read_bytes() == b"test\n"
    (tmp_path / "lab" / "exp1.py").write_bytes(b"my work\n")
    with pytest.raises(BadLab, match=r"exp1\.py already exists in .* may be somebody's work"):
        write_template({**files, "another.py": b"x"}, tmp_path / "lab", force=False)
    assert not (tmp_path / "lab" / "another.py").exists()
    assert (tmp_path / "lab" / "exp1.py").read_bytes() == b"my work\n"
    write_template(files, tmp_path / "lab", force=True)
    assert (tmp_path / "lab" / "exp1.py").read_bytes() == b"new\n"
