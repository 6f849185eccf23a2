"""The path of a first-time student in CONTRIBUTING.md: each word that is told is followed, and the points come."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fixtures.first_student import Try, points, rank, rounds, tries, write
from fixtures.warm import Warm
from grader.batch.one import Setup, grade_archive
from grader.collect import Equipment
from grader.intake import Archive
from grader.labs import the_lab
from grader.marking.rubric import Rubric
from grader.records import MadeBy, Student, message
from grader.sandbox import Sandbox
from grader.students.pack import pack

ROUNDS = rounds()
ANOTHER_MACHINE = 0.05  # points: training ends elsewhere in the last digits


def told(warm: Warm, folder: Path, numbers: Iterable[str]) -> dict[str, str]:
    """What the public tests of these tasks say to a student's folder, by task."""
    names = [f"tests/test_{number.replace('.', '_')}_*.py" for number in numbers]
    files = [str(path) for name in names for path in folder.glob(name)]
    report = folder / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}", f"--junitxml={report}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    warm.run(["-m", "pytest", *options, *files], folder, environment)
    said = dict.fromkeys(numbers, "")
    for case in ElementTree.parse(report).iter("testcase"):
        number = ".".join(case.attrib["classname"].rpartition(".")[2].split("_")[1:3])
        said[number] += "".join(failure.attrib["message"] + "\n" for failure in case.iter("failure"))
    report.unlink()
    return said


def unsaid(solutions: Mapping[str, Try], said: Mapping[str, str]) -> dict[str, str]:
    """The tasks to which something else was said than the path has."""
    return {
        number: text
        for number, text in said.items()
        if bool(text) != bool(solutions[number].told) or any(words not in text for words in solutions[number].told)
    }


def earned(folder: Path, rubric: Rubric, sandbox: Sandbox) -> dict[str, float]:
    """The points that `grade` gives for what `grade pack` packs."""
    equipment = Equipment(message("there is no CIFAR-10 here"), sandbox)
    setup = Setup(equipment, rubric, MadeBy("0", "3"))
    grade = grade_archive(Archive(pack(folder).path, Student("Ada")), setup, lambda step: None).grade
    return {mark.criterion.check: round(mark.points or 0.0, 2) for mark in grade.marks}


def test_the_path_leads_through_every_task_to_every_point(lab_rubric):
    assert list(tries()) == [task.number for task in the_lab().tasks]
    assert all(some[-1].told == () and all(one.told for one in some[:-1]) for some in tries().values())
    offered = {line.criterion.check: line.criterion.points for line in lab_rubric.lines}
    assert {name: row[-1] for name, row in points().items()} == {name: offered[name] for name in points()}
    assert {len(row) for row in points().values()} == {len(ROUNDS)}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_following_what_is_told_earns_the_points_round_by_round(number, tmp_path, lab_rubric, shared_sandbox, warm):
    if not shared_sandbox.isolated:
        pytest.skip("student code is not run on this machine")
    solutions = ROUNDS[number]
    folder = write(solutions, tmp_path / "lab")
    assert unsaid(solutions, told(warm, folder, solutions)) == {}
    if not any(one.told for one in solutions.values()):  # every public test passes
        rank(folder, warm)
    grade = earned(folder, lab_rubric, shared_sandbox)
    assert {name: grade[name] for name in points()} == pytest.approx(
        {name: row[number] for name, row in points().items()}, abs=ANOTHER_MACHINE
    )
