"""A call that gives nothing: what student code did is the student's to mend, what failed around it is ours."""

from __future__ import annotations

import re
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from grader.collect import Equipment
from grader.collect.code import open_caller
from grader.collect.code.caller import Caller
from grader.collect.looks import evaluation, every_look, function_fit, learning_rate
from grader.collect.subject import Subject
from grader.evidence import (
    Crashed,
    Malformed,
    OpenTask,
    OutOfMemory,
    PrintedTooMuch,
    Refused,
    Seen,
    TimedOut,
    Unavailable,
)
from grader.evidence.refusals import refusal
from grader.labs import the_lab
from grader.probes.code.inert import PACKAGES
from grader.records import Parts, Student, Submission, message
from grader.sandbox import Called, Reply, Roots
from grader.students.template import make_template

THEIRS = {
    "a crash": (Crashed("Fatal Python error: Segmentation fault"), "before it returned a result"),
    "time": (TimedOut(60.0), "did not finish within 60 seconds"),
    "memory": (OutOfMemory(3000), "used more than 3,000 MB"),
    "noise": (PrintedTooMuch(8_000_000), "printed more than 8,000,000 bytes"),
    "a forged answer": (Malformed("the answer is not JSON"), "interfered with the result"),
    "an exception": (Refused("code", message("test raised it")), "test raised it"),
}
OURS = {
    "a bug in a probe": Crashed('Traceback\n  File "/ours/probes/code/fit.py", line 3\nTypeError: oops'),
    "a sandbox that does not start": Unavailable(message("it did not start")),
    "a package that the grader should have": refusal(
        "code_package", {"doing": "importing", "package": "tqdm", "place": "exp2.py, line 1"}
    ),
}


def subject(caller):
    return Subject(Submission(Student("Ada"), "d", "a.zip", Path(), (), Parts()), None, caller)


class Answers:
    """A sandbox that imports everything and answers every call with the same."""

    def __init__(self, answer):
        self.answer = answer
        self.roots = Roots("/theirs", "/given", "/work", "/ours")

    def call(self, job):
        imported = job.probe == "code.importing.try_import"
        return Called(Reply({}, {}) if imported else self.answer, "" if imported else "epoch 1\nepoch 2")


@pytest.mark.parametrize("what", THEIRS)
def test_what_student_code_did_is_refused_with_its_own_sentence(submission, right, what):
    answer, said = THEIRS[what]
    found = evaluation.look(subject(Caller(submission(right), Answers(answer))))
    assert isinstance(found, Refused)
    assert said in found.message.english()
    assert found.details[-2:] == ("epoch 1", "epoch 2")


@pytest.mark.parametrize("what", OURS)
@pytest.mark.parametrize("look", [function_fit, evaluation, learning_rate])
def test_what_failed_around_it_is_no_refusal(submission, right, what, look):
    assert isinstance(look.look(subject(Caller(submission(right), Answers(OURS[what])))), Crashed | Unavailable)


def test_without_a_sandbox_for_code_nothing_is_run_and_the_doctor_is_named(submission, right):
    class Weak:
        name = "weak"
        isolated = False

        def run(self, job):
            raise AssertionError(f"asked for {job.probe}")

        def for_code(self, submission):
            return None

    equipment = Equipment(message("no images"), Weak())
    with open_caller(submission(right), equipment) as caller:
        seen = Subject(caller._submission, equipment, caller)
        found = [one.run(seen) for one in every_look() if one.calls_code]
    assert {type(outcome) for outcome in found} == {Unavailable}
    assert all("'grade doctor' says what to install" in outcome.message.english() for outcome in found)


def test_an_open_task_is_named_without_running_anything(submission):
    template = {name: data.decode() for name, data in make_template().items() if name in ("exp1.py", "exp2.py")}
    caller = Caller(submission(template), None)
    caller.note_open([OpenTask("2.1", "mean loss", "exp2.py", 30)])
    found = evaluation.look(subject(caller))
    assert isinstance(found, Refused)
    assert "task 2.1 is not done: mean loss (exp2.py, line 30)" in found.message.english()


def test_scripts_in_a_folder_of_any_name_are_found(trying, right):
    found = trying({f"第三次 实验/{name}": code for name, code in right.items() if name != "extract_features.py"})
    assert isinstance(found["learning_rate"], Seen)
    assert isinstance(found["function_fit"], Seen)


def test_every_package_of_the_lab_is_the_graders_own_or_has_a_stand_in():
    """So that the doctor need not look for any of them."""
    required = {re.match(r"[a-z-]+", line)[0] for line in requires("cnn-lab-grader") if "extra ==" not in line}
    installed = {name for name, owners in packages_distributions().items() if required & set(owners)}
    assert set(the_lab().packages) <= installed | PACKAGES
