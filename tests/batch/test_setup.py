"""A run as data: it travels to another process, which opens its own equipment and grades the same."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

import grader.batch.setup
from fixtures import whole_demo
from grader.batch.one import grade_archive
from grader.batch.setup import Options, SetupSpec, find_archives, open_setup
from grader.checks import discover, load_rubric
from grader.dataset import ImageSet
from grader.evidence import Measurement, Seen
from grader.gradebook.files import Graded
from grader.intake import Archive
from grader.records import Student
from grader.sandbox import Sandbox

SPAWNED = """
import pickle, sys
from grader.batch.one import grade_archive
from grader.batch.setup import open_setup
spec, archive = pickle.load(sys.stdin.buffer)
with open_setup(spec) as setup:
    graded = grade_archive(archive, setup, lambda step: None)
sys.stdout.buffer.write(pickle.dumps(graded))
"""


@pytest.fixture
def spec(few_images: ImageSet, tmp_path: Path) -> SetupSpec:
    options = Options(None, tmp_path / "grades", "cpu", "auto", "staff", None, time_limit=600.0, memory=4000)
    return SetupSpec(options, load_rubric(options.rubric), few_images)


def without_times(graded: Graded) -> Graded:
    assert graded.evidence is not None
    untimed = tuple(
        (kind, Seen(replace(one.value, seconds=0.0)))
        if isinstance(one, Seen) and isinstance(one.value, Measurement)
        else (kind, one)
        for kind, one in graded.evidence.observations
    )
    made_by = replace(graded.grade.made_by, graded_at="")
    return Graded(replace(graded.grade, made_by=made_by), replace(graded.evidence, observations=untimed))


def test_a_check_travels_by_its_name_and_arrives_as_the_very_same():
    checks = discover()
    assert checks
    assert all(pickle.loads(pickle.dumps(check)) is check for check in checks.values())


def test_a_rubric_travels_with_its_limits():
    rubric = load_rubric()
    assert pickle.loads(pickle.dumps(rubric)) == rubric


def test_another_process_grades_the_demo_as_this_one_does(
    spec: SetupSpec, tmp_path: Path, shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    archive = Archive(whole_demo(tmp_path / "demo"), Student("Demo Student"))
    done = subprocess.run(
        [sys.executable, "-c", SPAWNED],
        input=pickle.dumps((spec, archive)), capture_output=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    back = pickle.loads(done.stdout)

    monkeypatch.setattr(grader.batch.setup, "open_sandbox", lambda choice, gpu: nullcontext(shared_sandbox))
    with open_setup(spec) as setup:
        here = grade_archive(archive, setup, lambda step: None)
    assert without_times(back) == without_times(here)


def test_several_submissions_of_one_name_do_not_say_whose_they_are(tmp_path):
    for path in ("a/ada.zip", "b/ada.zip", "b/bob.zip", "b/Cy Wu_12345_assignsubmission_file/x.zip"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"PK\x03\x04")
    archives, refusals = find_archives([tmp_path / "a" / "ada.zip", tmp_path / "b"])
    assert refusals == ()
    assert {(one.student.name, one.student.guessed) for one in archives} == {
        ("ada", True),
        ("bob", False),
        ("Cy Wu", False),
    }


def test_several_archives_in_a_folder_named_after_the_student_are_certainly_the_students(tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / "class" / "ada").mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / "ada" / name).write_bytes(b"PK\x03\x04")
    (tmp_path / "class" / "bob.zip").write_bytes(b"PK\x03\x04")
    archives, _ = find_archives([tmp_path / "class"])
    assert [(one.student.name, one.student.guessed) for one in archives] == [("ada", False)] * 2 + [("bob", False)]


def test_a_pattern_of_the_instructors_own_is_used(tmp_path):
    (tmp_path / "20231234_Ada Ng_lab5.zip").write_bytes(b"PK\x03\x04")
    archives, _ = find_archives([tmp_path], "{id}_{name}_{rest}")
    assert [(one.student.name, one.student.identifier) for one in archives] == [("Ada Ng", "20231234")]
