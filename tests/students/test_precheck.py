"""`grade precheck`: a student's folder checked as the grader will, each line with its next step."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

from fixtures import DEMO_SUBMISSION, IMAGES
from grader.dataset import ImageSet
from grader.records import Checked
from grader.sandbox import Sandbox
from grader.students import precheck as module
from grader.students import public_tests
from grader.students.precheck import Precheck, precheck
from grader.students.public_tests import TaskResult, run_public_tests
from grader.students.template import make_template, write_template
from reports.text import words

RANKINGS = Path(__file__).parents[2] / "fixtures" / "stories" / "rankings_right" / "retrieval.json"  # small networks
PASSED = tuple(TaskResult(f"{task}.{part}", 3, 3) for task in (1, 2, 3, 4) for part in (1, 2))


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """The demo's folder, without its retrieval."""
    return Path(shutil.copytree(DEMO_SUBMISSION, tmp_path / "lab5"))


@pytest.fixture
def finished(lab: Path) -> Path:
    """A folder with everything that the lab asks for."""
    shutil.copytree(IMAGES, lab, dirs_exist_ok=True)
    shutil.copy(RANKINGS, lab / "retrieval.json")
    return lab


@pytest.fixture
def check_as_students_do(
    monkeypatch: pytest.MonkeyPatch, demo_images: ImageSet, lab_rubric: Any, tmp_path: Path
) -> Callable[..., Precheck]:
    """Pre-check a folder on some of the drawn images; the public tests are replaced by what they would say."""
    monkeypatch.setattr(module, "PART", 500)

    def look(folder: Path, tested: Any = PASSED, images: ImageSet | None = demo_images) -> Precheck:
        monkeypatch.setattr(module, "run_public_tests", lambda folder, language: tested)
        monkeypatch.setattr(module, "find_set", lambda lab, data, cache, places: images)
        images = module.find_images(folder, None, tmp_path / "cache")
        return precheck(folder, images, lab_rubric, lambda step: None)

    return look


@pytest.fixture
def check(
    check_as_students_do: Callable[..., Precheck], files_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Precheck]:
    """The same in the sandbox of all tests: in its own, each job costs a process with torch."""
    monkeypatch.setattr(module, "open_sandbox", lambda name: files_sandbox)
    return check_as_students_do


def line(found: Precheck, subject: str) -> Checked:
    (one,) = [line for line in (*found.tasks, *found.criteria) if subject in words(line.subject)]
    return one


def test_a_finished_folder_is_ready(check, finished):
    found = check(finished)
    assert found.ready, [words(line.said) for line in found.criteria]
    accuracy = line(found, "Test accuracy")
    assert words(accuracy.said).startswith("4")
    assert " of the first 500 test images are classified correctly: the full test set will give " in words(
        accuracy.said
    )
    assert len(found.tasks) == 8


def test_the_band_holds_what_all_images_give(check_as_students_do, lab):
    values = dict(line(check_as_students_do(lab), "Test accuracy").said.values)
    whole = json.loads((lab / "history.json").read_text("utf-8"))["epochs"][-1]["test_accuracy"] / 100
    assert values["low"] < whole < values["high"]
    assert values["low"] < values["correct"] / values["count"] < values["high"]


def test_without_images_the_accuracy_is_not_reported_and_not_ready(check, lab):
    found = check(lab, images=None)
    accuracy = line(found, "Test accuracy")
    assert (accuracy.state, found.ready) == ("worse", False)
    assert "give its folder with --data" in words(accuracy.said)


def test_weights_of_an_own_network_wait_for_the_grader_and_the_class_is_asked_for(check, lab):
    torch.save({"mine.weight": torch.zeros(10, 3), "mine.bias": torch.zeros(10)}, lab / "final.pth")
    (lab / "models.py").write_text("raise SystemExit", encoding="utf-8")  # what students have is not run for this
    accuracy = line(check(lab), "Test accuracy")
    assert (accuracy.state, words(accuracy.said)) == (
        "worse",
        "not measured here: the weights belong to your own network, which the grader builds from its class",
    )
    assert words(accuracy.steps[0]).endswith("so that it can be built without arguments, as in MyNet().")


def test_what_is_missing_has_its_next_step(check, lab):
    (lab / "final.pth").unlink()
    found = check(lab)
    assert not found.ready
    assert "final.pth is missing" in words(line(found, "Test accuracy").steps[0])
    assert "Add the folder queries/ with its images." in map(words, line(found, "Files").steps)


def test_a_complaint_of_a_public_test_is_its_tasks_next_step(check, lab):
    failed = (*PASSED[1:], TaskResult("1.1", 2, 3, "the loss does not fall: compare with {this}"))
    task = line(check(lab, failed), "Task 1.1")
    assert (task.state, words(task.said)) == ("bad", "2 of 3 public tests pass")
    assert words(task.steps[0]) == "the loss does not fall: compare with {this}"


def test_tests_that_broke_off_are_not_ready(check, lab):
    found = check(lab, "they took more than 80 seconds")
    assert (found.tasks[0].state, found.ready) == ("bad", False)
    assert "they took more than 80 seconds" in words(found.tasks[0].said)


def test_the_bare_template_has_every_task_open(check, tmp_path):
    write_template(make_template(), tmp_path / "bare", force=False)
    failed = tuple(TaskResult(one.task, 0, 3, f"NotImplementedError: {one.task}") for one in PASSED)
    found = check(tmp_path / "bare", failed)
    assert {(task.state, words(task.said)) for task in found.tasks} == {("bad", "not done yet")}
    first = words(line(found, "Task 2.1").steps[0])
    assert first.startswith("Mean loss and accuracy in percent")
    assert "exp2.py" in first
    assert words(line(found, "Task 3.1").steps[0]).startswith("The input of AlexNet's classifier")
    assert {line.state for line in found.criteria} == {"bad"}


def test_a_checkpoint_folder_of_any_size_is_no_hindrance(check, finished):
    (finished / "checkpoint").mkdir()
    with (finished / "checkpoint" / "ckpt_0_acc_41.00.pth").open("wb") as file:
        file.truncate(400_000_000)
    (finished / "retrieval.json").write_text("{}", encoding="utf-8")  # nothing to recompute
    assert line(check(finished), "Files").state == "good"


def write_sgd(script: Path) -> None:
    """Solve task 1.1 with an optimizer that falls short of full points."""
    solution = """\
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""
    stub = re.compile(r' *raise NotImplementedError\("1\.1: .*\n')
    script.write_text(stub.sub(lambda _: solution, script.read_text("utf-8")), encoding="utf-8")


@pytest.mark.slow
def test_the_public_tests_are_run_on_the_students_own_scripts(tmp_path):
    write_template(make_template(), tmp_path / "lab", force=False)
    script = tmp_path / "lab" / "extract_features.py"
    done = script.read_text("utf-8").replace(
        'raise NotImplementedError("3.2', 'return features  # NotImplementedError("3.2'
    )
    script.write_text(done, encoding="utf-8")
    write_sgd(tmp_path / "lab" / "exp1.py")
    tested = run_public_tests(tmp_path / "lab")
    assert [one.task for one in tested] == [one.task for one in PASSED]
    told = {one.task: one for one in tested}
    assert "2.1: mean loss" in told["2.1"].complaint
    assert "plain SGD and some other optimizers do not" in told["1.1"].complaint
    assert "NotImplementedError" not in told["3.2"].complaint
    assert told["3.2"].complaint
    assert not list((tmp_path / "lab").rglob("__pycache__")), "nothing is left in the student's folder"


def test_the_public_tests_complain_in_the_language_that_is_spoken(tmp_path, warm, monkeypatch):
    def run(command: list[str], *, cwd: Path, env: dict[str, str], **_: Any) -> CompletedProcess[str]:
        return warm.run(command[1:], cwd, env)

    monkeypatch.setattr(public_tests.subprocess, "run", run)
    write_template(make_template(), tmp_path / "lab", force=False)
    script = tmp_path / "lab" / "extract_features.py"
    script.write_text(
        script.read_text("utf-8").replace('raise NotImplementedError("3.2', 'return features  # ("3.2'),
        encoding="utf-8",
    )
    told = {one.task: one for one in run_public_tests(tmp_path / "lab", "zh")}
    assert [*told] == [one.task for one in PASSED]
    assert re.search("[\u4e00-\u9fff]", told["3.2"].complaint), told["3.2"].complaint
