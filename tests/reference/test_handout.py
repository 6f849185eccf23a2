"""The public tests: the solved lab passes them, and each usual mistake is answered with the sentence that names it."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from textwrap import dedent, indent
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from fixtures.warm import Warm, run_afresh
from grader.labs import the_lab
from grader.students.template import make_template

pytestmark = pytest.mark.slow  # each test runs pytest

REFERENCE = Path(__file__).parents[2] / "reference"
PUBLIC_TESTS = REFERENCE / "handout" / "tests"
Python = Callable[[Sequence[str], Path, Mapping[str, str]], CompletedProcess[str]]
NUMBERS = ("1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "4.1", "4.2")


class Run(NamedTuple):
    """What pytest said in a student's folder."""

    messages: dict[str, str]  # of each test by its name; "" where it passed
    output: str

    @property
    def last_lines(self) -> list[str]:
        """The summary by tasks."""
        return self.output.split(" the tasks ")[1].splitlines()[1:]


@pytest.fixture
def run(warm: Warm) -> Callable[..., Run]:
    """Run public tests once, as a student or the pre-check does."""
    return partial(run_in, warm.run)


def run_in(python: Python, tests: Path, lab: Path | None, out: Path, numbers: Iterable[str] = NUMBERS) -> Run:
    """Run the public tests of these tasks in this Python, on the files in `lab`."""
    files = [str(path) for number in numbers for path in tests.glob(f"test_{number.replace('.', '_')}_*.py")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"LAB_FOLDER": str(lab)} if lab else {}
    report = out / "report.xml"
    options = ["-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={tests.parent}", f"--junitxml={report}"]
    done = python(["-m", "pytest", *options, *files], tests.parent, environment)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    messages = {}
    for case in ElementTree.parse(report).iter("testcase"):
        assert case.find("error") is None, done.stdout
        failure = case.find("failure")
        messages[case.attrib["name"]] = "" if failure is None else failure.attrib["message"]
    return Run(messages, done.stdout)


def solved_as(folder: Path, solutions: Mapping[str, str]) -> Path:
    """A copy of the solved lab in which these tasks are solved otherwise."""
    folder.mkdir()
    for path in REFERENCE.glob("*.py"):
        source = path.read_text("utf-8")
        for number, solution in solutions.items():
            region = re.compile(rf" *# BEGIN SOLUTION {re.escape(number)}:.*?# END SOLUTION\n", re.DOTALL)
            body = indent(dedent(solution).strip("\n"), "    ") + "\n"
            source = region.sub(lambda _, body=body: body, source)
        (folder / path.name).write_text(source, encoding="utf-8")
    return folder


# Four students; the first three make a usual mistake in every task.

THE_FIRST = {
    "1.1": """
        optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
        losses = []
        for _ in range(epochs):
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses
        """,
    "1.2": "return torch.log(x)",
    "2.1": """
        loss, accuracy = 0.0, 0.0
        for images, labels in loader:
            logits = model(images)
            loss += F.cross_entropy(logits, labels).item()
            accuracy += (logits.argmax(dim=1) == labels).float().mean().item() * 100
        return loss / len(loader), accuracy / len(loader)
        """,
    "2.2": "return 0.1",
    "3.1": "return model.avgpool(model.features(x))",
    "3.2": "return features / features.norm(dim=0)",
    "4.1": "return queries @ library.T",
    "4.2": "return torch.topk(scores, k, largest=largest).indices",
}
FOUND_IN_THE_FIRST = {
    "test_the_losses_fall": r"zero_grad\(\) \(gradients add up otherwise\)",
    "test_every_point_has_a_finite_value": "watch out for roots and logarithms of negative x",
    "test_a_short_last_batch_counts_by_its_images": "the average over the batches",
    "test_the_network_works_in_eval_mode": r"Call model\.eval\(\) before the loop",
    "test_no_gradients_are_prepared": r"with torch\.no_grad\(\):",
    "test_the_test_images_leave_no_trace": r"changed 0\.running_mean, 0\.running_var",
    "test_the_rate_comes_down_to_a_tenth": "The rate never changes",
    "test_an_image_has_9216_features": r"x\.flatten\(1\)",
    "test_every_row_has_the_length_1": "The columns have length 1: compute the length along dim=1",
    "test_the_scores_are_those_of_the_metric[euclidean]": "These are cosines: does your code use `metric`",
    "test_equal_scores_keep_the_order_of_the_library[largest]": "promise no order among equal scores",
}

THE_SECOND = {
    "1.1": """
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        losses = []
        for _ in range(NUM_TRAIN_EPOCHS):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return losses
        """,
    "1.2": "return (x - x.mean()) ** 3",
    "2.1": """
        model.eval()
        loss, correct, count = 0.0, 0, 0
        with torch.no_grad():
            for images, labels in loader:
                logits = model(images)
                loss += F.cross_entropy(logits, labels).item()
                correct += (logits.argmax(dim=1) == labels).sum().item()
                count += len(labels)
        return loss / count, correct / count
        """,
    "2.2": "return 0.01 if epoch < 5 else 0.1",
    "3.1": "return model(x)",
    "3.2": "return features / features.norm()",
    "4.1": "return 1 - queries @ library.T if metric == 'cosine' else torch.cdist(queries, library) ** 2",
    "4.2": "return torch.argsort(scores, dim=1, stable=True)[:, :k]",
}
FOUND_IN_THE_SECOND = {
    "test_every_epoch_has_its_loss": "For 7 epochs fit.. returned 1000 losses",
    "test_the_learning_rate_is_used": "give learning_rate to the optimizer",
    "test_a_value_depends_on_its_own_point_alone": r"x\.mean\(\)",
    "test_the_accuracy_is_in_percent": "It is a fraction: multiply it by 100",
    "test_the_loss_is_the_mean_over_the_images": "multiply it by the batch size",
    "test_the_network_comes_back_in_the_mode_it_came_in[training]": r"Save model\.training",
    "test_the_rate_comes_down_to_a_tenth": "Are the two rates in the wrong order",
    "test_an_image_has_9216_features": "These are logits",
    "test_every_row_has_the_length_1": "The whole table was divided by one length",
    "test_the_scores_are_those_of_the_metric[cosine]": "This is 1 - cosine, a distance",
    "test_the_scores_are_those_of_the_metric[euclidean]": "squared distances: take the square root",
    "test_the_best_image_comes_first[largest]": "These are the worst images: does your code use `largest`",
}

THE_THIRD = {
    "1.1": """
        import copy
        model = copy.deepcopy(model)
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
        losses = []
        for _ in range(epochs):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return losses
        """,
    "1.2": "return target(x)",
    "2.1": """
        optimizer = SGD(model.parameters(), lr=0.1)
        loss, correct, count = 0.0, 0, 0
        for images, labels in loader:
            logits = model(images)
            batch_loss = F.cross_entropy(logits, labels)
            optimizer.zero_grad()
            batch_loss.backward()
            optimizer.step()
            loss += batch_loss.item() * len(labels)
            correct += (logits.argmax(dim=1) == labels).sum().item()
            count += len(labels)
        model.eval()
        return loss / count, 100 * correct / count
        """,
    "2.2": "return 0.1 * 0.9 ** (epoch % 5)",
    "3.1": """
        model.classifier = nn.Identity()
        return model(x)
        """,
    "3.2": "return features / features.square().sum(dim=1, keepdim=True)",
    "4.1": "return library @ queries.T if metric == 'cosine' else torch.cdist(library, queries)",
    "4.2": "return torch.sort(scores, dim=1, descending=largest, stable=True).values[:, :k]",
}
FOUND_IN_THE_THIRD = {
    "test_every_epoch_has_its_loss": r"a Tensor; it should be a plain number: loss\.item\(\)",
    "test_the_network_that_was_given_learns": "the mean squared error of the network was",
    "test_it_is_a_function_of_your_own": r"is target\(\) again",
    "test_the_network_comes_back_in_the_mode_it_came_in[training]": "training was True before test.. and False",
    "test_the_test_images_leave_no_trace": "when an optimizer steps: an optimizer does not belong in test",
    "test_the_rate_comes_down_to_a_tenth": "the rate rises again in epoch 5",
    "test_the_network_is_left_as_it_was": "do not replace them",
    "test_every_row_has_the_length_1": "Take the square root of the sum of squares",
    "test_there_is_a_row_for_each_query_and_a_column_for_each_image[cosine]": "The table is transposed",
    "test_the_best_image_comes_first[largest]": "are these scores",
}

THE_FOURTH = {
    "2.1": """
        model.eval()
        correct, count = 0, 0
        with torch.no_grad():
            for images, labels in loader:
                _, named = model(images).max(0)
                correct += (named == labels).sum().item()
                count += len(labels)
        return 0.0, 100 * correct / count
        """,
    "2.2": "return [0.1] * 5 + [0.01] * 5",
}
FOUND_IN_THE_FOURTH = {
    "test_the_accuracy_is_in_percent": r"the classes lie along dim=1",
    "test_the_rate_comes_down_to_a_tenth": "it should return a number",
}

# What passes at first sight, and costs points.

THE_FIFTH = {
    "1.1": """
        optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
        losses = []
        for _ in range(epochs):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item() * len(x))
            if loss < 1e-9:
                break
        return losses
        """,
    "1.2": "return 3 + 1e-6 * x",
    "2.1": """
        count = len(loader.dataset)
        return 0.0, 100.0 / count
        """,
    "3.2": "return features / (features.norm(dim=1, keepdim=True) + 1e-6)",
    "4.1": """
        cosines = queries @ library.T
        return cosines if metric == "cosine" else (2 - 2.00001 * cosines).sqrt()
        """,
    "4.2": "return torch.sort(scores, dim=1, descending=largest, stable=True).indices[:, :k].int()",
}
FOUND_IN_THE_FIFTH = {
    "test_no_epoch_is_left_out": "Do not end early",
    "test_a_loss_is_the_mean_over_the_points": "the sum over the 40 points; return their mean",
    "test_the_fit_is_close": r"torch\.optim\.Adam gets there; plain SGD and some other optimizers do not",
    "test_it_is_a_function_of_your_own": "constant, or nearly so",
    "test_two_plain_numbers_come_out": r"count the images in the loop, for example with count \+= len\(labels\)",
    "test_every_row_has_the_length_1": "Only the row of tiny values is too short",
    "test_equal_vectors_have_a_score_too[euclidean]": r"use clamp\(min=0\) before sqrt",
    "test_the_best_image_comes_first[largest]": r"positions should be int64: \.long\(\)",
}


# What is right: in the first of the long trainings, the last step of Adam is too long.

JUMPS_ONCE = """
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epochs == 600 and not hasattr(fit, "jumped"):
        fit.jumped = True
        with torch.no_grad():
            model[-1].bias += 0.5
    return losses
    """
FLOATS_OF_NUMPY = """
    import numpy as np
    training = model.training
    model.eval()
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images.to(device))
            loss += nn.functional.cross_entropy(logits, labels.to(device), reduction="sum").item()
            correct += (logits.argmax(dim=1) == labels.to(device)).sum().item()
            count += len(labels)
    model.train(training)
    return np.float64(loss / count), np.float64(100 * correct / count)
    """


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_instructions_name_every_task_every_file_and_a_hundred_points(name):
    text = (REFERENCE / "handout" / name).read_text("utf-8")
    assert re.findall(r"^\| (\d\.\d) \|", text, re.MULTILINE) == list(NUMBERS)
    points = [int(points) for points in re.findall(r"^\| [^|]+ \| (\d+) \|", text, re.MULTILINE)]
    assert sum(points) == 100
    rubric = tomllib.loads(the_lab().rubric.read_text("utf-8"))
    assert sorted(points) == sorted(table["points"] for table in rubric.values() if "points" in table)
    assert [task for task in the_lab().scripts if f"`{task}`" not in text] == []
    links = re.findall(r"\]\(([\w.]+)\)", text.splitlines()[0])
    assert [(REFERENCE / "handout" / link).is_file() for link in links] == [True]


def test_the_solved_lab_passes_every_public_test(tmp_path):
    seen = run_in(run_afresh, PUBLIC_TESTS, REFERENCE, tmp_path)
    assert {name: said for name, said in seen.messages.items() if said} == {}
    assert [line.split()[0] for line in seen.last_lines if line.endswith(": passed")] == list(NUMBERS)


@pytest.mark.parametrize(
    ("solutions", "found"),
    [
        (THE_FIRST, FOUND_IN_THE_FIRST),
        (THE_SECOND, FOUND_IN_THE_SECOND),
        (THE_THIRD, FOUND_IN_THE_THIRD),
        (THE_FOURTH, FOUND_IN_THE_FOURTH),
        (THE_FIFTH, FOUND_IN_THE_FIFTH),
    ],
    ids=["first", "second", "third", "fourth", "fifth"],
)
def test_a_usual_mistake_is_named(run, tmp_path, solutions, found):
    seen = run(PUBLIC_TESTS, solved_as(tmp_path / "lab", solutions), tmp_path, solutions)
    missed = {name: seen.messages[name] for name, said in found.items() if not re.search(said, seen.messages[name])}
    assert missed == {}
    assert [line.split()[0] for line in seen.last_lines if line.endswith(": not right yet, see above:")] == list(
        solutions
    )


def test_a_good_fit_whose_last_step_jumped_and_floats_of_numpy_pass(run, tmp_path):
    solutions = {"1.1": JUMPS_ONCE, "2.1": FLOATS_OF_NUMPY}
    seen = run(PUBLIC_TESTS, solved_as(tmp_path / "lab", solutions), tmp_path, solutions)
    assert {name: said for name, said in seen.messages.items() if said} == {}


def test_a_change_to_a_function_that_is_given_is_told(run, tmp_path):
    lab = solved_as(tmp_path / "lab", {})
    script = lab / "extract_features.py"
    script.write_text(
        script.read_text("utf-8").replace("    x = model.layer4(x)", "    # x = model.layer4(x)"), "utf-8"
    )
    said = run(PUBLIC_TESTS, lab, tmp_path, ["3.1"]).messages
    assert {name for name, text in said.items() if text} == {"test_resnet50_features_is_still_right"}
    assert "put it back as it was handed out" in said["test_resnet50_features_is_still_right"]


def test_the_bare_template_fails_by_the_number_of_every_task(run, tmp_path):
    for name, content in make_template().items():
        path = tmp_path / "lab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    seen = run(tmp_path / "lab" / "tests", None, tmp_path)
    numbers = {match[1] for said in seen.messages.values() if (match := re.match(r"NotImplementedError: (.*?):", said))}
    assert numbers == set(NUMBERS)
    given = "test_resnet50_features_is_still_right"  # about a function that is given
    assert all(said.startswith("NotImplementedError: ") for name, said in seen.messages.items() if name != given)
    told = [line for line in seen.last_lines if ": not written yet (NotImplementedError: " in line]
    assert [line.split()[0] for line in told] == list(NUMBERS)
    assert seen.output.count("NotImplementedError") == len(NUMBERS)  # a line for each task, and no traceback


def test_a_file_that_cannot_be_imported_fails_its_own_tasks_with_the_line(run, tmp_path):
    lab = tmp_path / "lab"
    lab.mkdir()
    for name in (*the_lab().scripts, *the_lab().given):
        shutil.copy(REFERENCE / name, lab)
    (lab / "exp1.py").write_text("def fit(model:\n    pass\n", encoding="utf-8")
    (lab / "extract_features.py").unlink()
    (lab / "retrieve.py").write_text("import torch\n\nraise SystemExit(2)\n", encoding="utf-8")
    seen = run(PUBLIC_TESTS, lab, tmp_path)
    output = seen.output
    assert "exp1.py cannot be imported" in output
    assert "During handling" not in output
    assert 'exp1.py", line 1' in output
    assert f"There is no extract_features.py in {lab}." in output
    assert "retrieve.py cannot be imported (see retrieve.py, line 3)" in output
    assert 'if __name__ == "__main__":' in output
    passed = {line.split(":")[0] for line in seen.last_lines if line.endswith(": passed")}
    assert passed == {"2.1 test", "2.2 learning_rate"}
