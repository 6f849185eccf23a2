"""From an archive to its files, through the real sandbox: what a user of the command would see."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fixtures import DEMO_SUBMISSION
from grader.batch.one import grade_archive
from grader.batch.setup import Options, SetupSpec, open_setup
from grader.checks import load_rubric
from grader.dataset import ImageSet
from grader.intake import Archive
from grader.labs import the_lab
from grader.records import Student
from grader.sandbox import why_no_code
from reference.models import resnet20

pytestmark = pytest.mark.slow  # grades in a process of its own

REFERENCE_WEIGHTS = Path(__file__).parents[1] / "reference" / "final.pth"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    return torch.load(DEMO_SUBMISSION / "final.pth", map_location="cpu", weights_only=True)["net"]


@pytest.fixture
def grade(tmp_path: Path) -> Run:
    """The command, in a folder of its own, where it cannot find or fetch CIFAR-10."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from grader.cli.app import main; main()", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=250, check=False)

    return run


def without_code(folder: Path) -> Path:
    """The demo submission without its scripts: running them takes time."""
    return Path(shutil.copytree(DEMO_SUBMISSION, folder, ignore=shutil.ignore_patterns("*.py")))


def float32_confusion(net: nn.Module, images: ImageSet) -> np.ndarray:
    """What a plain loop over the test images names each class; channels_last only makes it faster."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (the_lab().mean, the_lab().std))
    net.eval().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        batches = torch.from_numpy(images.images("test").copy()).split(100)
        predicted = torch.cat([net((batch.float() / 255 - mean) / std).argmax(dim=1) for batch in batches])
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (images.labels("test"), predicted.numpy()), 1)
    return confusion


def test_the_demo_accuracy_is_that_of_a_plain_float32_loop_to_the_image(
    grade: Run, demo_images: ImageSet, weights: dict[str, Any], tmp_path: Path
) -> None:
    done = grade("demo", "--out", tmp_path / "out")
    assert done.returncode == (0 if why_no_code() is None else 1), done.stderr
    written = tmp_path / "out" / "Demo_Student"
    assert str(written / "report.html") in done.stdout.replace("\n", "")
    confusion = float32_confusion(network(weights), demo_images)
    evidence = dict(json.loads((written / "evidence.json").read_text("utf-8"))["observations"])
    assert evidence["measured_accuracy"]["value"]["confusion"] == confusion.tolist()
    assert json.loads((written / "grade.json").read_text("utf-8"))["accuracy"] == np.trace(confusion) / confusion.sum()


def network(weights: dict[str, Any]) -> nn.Module:
    net = resnet20()
    net.load_state_dict({key: value.float() for key, value in weights.items()})
    return net


def saved(form: str, weights: dict[str, Any], path: Path) -> None:
    full = OrderedDict((key, value.float() if value.is_floating_point() else value) for key, value in weights.items())
    shapes: dict[str, Any] = {
        "plain": full,
        "wrapped": {"model_state_dict": full, "epoch": np.int64(3), "best": np.float64(0.5)},
        "data parallel": {"net": OrderedDict((f"module.{key}", value) for key, value in full.items())},
        "half": OrderedDict((k, v.half() if v.is_floating_point() else v) for k, v in full.items()),
        "other spellings": OrderedDict((key.replace("linear", "fc"), value) for key, value in full.items()),
    }
    if form == "whole module":
        torch.save(network(weights), path)
    else:
        torch.save(shapes[form], path)


def test_the_same_weights_in_each_form_get_the_same_mark(
    part_of_the_demo: Callable[[int, int], ImageSet], weights: dict[str, Any], tmp_path: Path
) -> None:
    images = part_of_the_demo(400, 50)
    forms = ("plain", "wrapped", "data parallel", "half", "other spellings", "whole module")
    options = Options(None, tmp_path, "cpu", "auto", "staff", None, 300.0, 4000)
    grades = []
    with open_setup(SetupSpec(options, load_rubric(options.rubric), images)) as setup:
        for form in forms:
            folder = tmp_path / form
            folder.mkdir()
            saved(form, weights, folder / "final.pth")
            graded = grade_archive(Archive(folder, Student(form)), setup, lambda step: None)
            grades.append(graded.grade)
    confusion = float32_confusion(network(weights), images)
    assert [grade.accuracy for grade in grades] == [np.trace(confusion) / 400] * len(forms)
    assert len({grade.total for grade in grades}) == 1
    assert len({grade.made_by.logits_digest for grade in grades}) == 1


BAD_WEIGHTS: dict[str, tuple[bytes | None, str]] = {
    "nothing": (None, "final.pth is missing"),
    "a_web_page": (b"<!DOCTYPE html><html><body>Please log in</body></html>", "is a web page"),
}  # more of them, in the process of the tests: fixtures/stories and tests/probes


def test_weights_that_are_none_are_named_and_everything_else_is_graded(grade: Run, tmp_path: Path) -> None:
    for name, (content, _) in BAD_WEIGHTS.items():
        folder = without_code(tmp_path / name)
        (folder / "final.pth").unlink()
        if content is not None:
            (folder / "final.pth").write_bytes(content)
    done = grade(*(tmp_path / name for name in BAD_WEIGHTS), "--no-fetch")
    assert "Traceback" not in done.stdout + done.stderr
    for name, (_, sentence) in BAD_WEIGHTS.items():
        record = json.loads((tmp_path / "grades" / name / "grade.json").read_text("utf-8"))
        findings = {mark["criterion"]["check"]: mark["finding"] for mark in record["marks"]}
        assert findings["measured_accuracy"]["state"] == "blocked"
        page = (tmp_path / "grades" / name / "report.html").read_text("utf-8")
        assert sentence in re.sub("<[^>]*>", "", page)
        assert findings["submission_layout"]["state"] == findings["training_history"]["state"] == "judged"


def test_without_images_the_accuracy_is_left_to_staff_and_the_rest_is_graded(grade: Run, tmp_path: Path) -> None:
    shutil.copytree(DEMO_SUBMISSION, tmp_path / "ada")
    done = grade(tmp_path / "ada", "--no-fetch")
    record = json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))
    states = {mark["criterion"]["check"]: mark["finding"]["state"] for mark in record["marks"]}
    assert done.returncode == 1
    assert states.pop("measured_accuracy") == "unjudged"
    if why_no_code() is None:  # elsewhere no student code is run
        handed_in = {state for check, state in states.items() if not check.startswith("retrieval_")}
        assert handed_in == {"judged"}
    assert "grade data fetch" in done.stdout
    assert record["needs_human"] is True
    assert record["accuracy"] is None


def test_one_bad_archive_among_several_stops_nobody(grade: Run, tmp_path: Path) -> None:
    without_code(tmp_path / "ada")
    (tmp_path / "bob.zip").write_bytes(b"PK\x03\x04 cut off")
    with zipfile.ZipFile(tmp_path / "eve.zip", "w") as archive:
        archive.writestr("../outside.txt", "x")
        archive.writestr("final.pth", "x")
    done = grade(tmp_path / "bob.zip", tmp_path / "ada", tmp_path / "eve.zip", tmp_path / "nobody.zip", "--no-fetch")
    assert done.returncode == 2
    assert "nobody.zip" in done.stderr
    written = {
        path.parent.name: json.loads(path.read_text("utf-8")) for path in (tmp_path / "grades").glob("*/grade.json")
    }
    assert set(written) == {"ada", "bob", "eve"}
    assert written["bob"]["unusable"] and written["eve"]["unusable"] and not written["ada"]["unusable"]
    assert not (tmp_path / "outside.txt").exists()
    assert "Traceback" not in done.stdout + done.stderr


def test_a_misspelt_check_in_the_rubric_is_told_before_anything_is_graded(grade: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[test_acuracy]\npoints = 1\nknots = [[0.5, 1.0]]\n", encoding="utf-8")
    without_code(tmp_path / "ada")
    done = grade(tmp_path / "ada", "--rubric", tmp_path / "mine.toml")
    assert done.returncode == 2
    assert "did you mean 'measured_accuracy'?" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "grades").exists()


def test_help_loads_neither_torch_nor_numpy_nor_pydantic() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from grader.cli.app import cli;"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0;"
        "print(sorted({'torch', 'numpy', 'pydantic', 'rich', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.cifar10
def test_the_accuracy_on_the_real_images_is_that_of_a_plain_float32_loop_to_the_image(
    grade: Run, cifar10: ImageSet, tmp_path: Path
) -> None:
    net = worn(torch.load(REFERENCE_WEIGHTS, map_location="cpu", weights_only=True)["net"])
    (tmp_path / "ada").mkdir()
    torch.save(net.state_dict(), tmp_path / "ada" / "final.pth")
    done = grade(tmp_path / "ada", "--data", cifar10.folder, "--rubric", nothing_tried(tmp_path / "rubric.toml"))
    confusion = float32_confusion(net, cifar10)
    evidence = dict(json.loads((tmp_path / "grades" / "ada" / "evidence.json").read_text("utf-8"))["observations"])
    assert evidence["measured_accuracy"]["value"]["confusion"] == confusion.tolist(), done.stderr
    assert 2_500 < np.trace(confusion) < 5_000  # predictions are spread, margins are small


def worn(weights: dict[str, Any]) -> nn.Module:
    """The reference's weights with noise: of 2,000 images, bfloat16 alone would name 24 otherwise, as against 8."""
    net = network(weights)
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in (one for one in net.parameters() if one.dim() > 1):
            weight.add_(0.2 * weight.std() * torch.randn(weight.shape, generator=noise))
    return net


def nothing_tried(path: Path) -> Path:
    """The lab's rubric, under which no normalisation is tried on training images: there is no code to read it from."""
    rubric = the_lab().rubric.read_text("utf-8").replace("choose_preprocessing = true", "choose_preprocessing = false")
    path.write_text(rubric, encoding="utf-8")
    return path
