"""exp2.py is where images are augmented and normalised: what stands there is trained on, and the grader reads it."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from grader.labs import the_lab
from grader.probes.documents.normalisation import read_preprocessing
from grader.students.template import make_template

REFERENCE = Path(__file__).parents[2] / "reference"
NAMES = ("exp2", "training", "fast", "models", "lab")  # as students import them: modules of one flat folder
HALF = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
CHANGED_NUMBERS = {
    "MEAN = (0.4914, 0.4822, 0.4465)": "MEAN = (0.5, 0.5, 0.5)",
    "STD = (0.2470, 0.2435, 0.2616)": "STD = (0.25, 0.25, 0.25)",
}
CROP = "        transforms.RandomCrop(32, padding=4),  # He et al. 2016, section 4.2\n"
FLIP = "        transforms.RandomHorizontalFlip(),\n"
NORMALIZE = "        transforms.Normalize(MEAN, STD),\n"
WITHOUT_AUGMENTATION = {CROP: "", FLIP: ""}

Change = dict[str, str]


def changed(code: str, change: Change) -> str:
    for before, after in change.items():
        assert before in code, before
        code = code.replace(before, after, 1)  # the student's own lines come before those of the reference
    return code


def read(files: dict[str, bytes]) -> tuple[Any, Any]:
    """The normalisation that the grader reads from these files."""
    with ExitStack() as stack:
        descriptors = {}
        for name, content in files.items():
            if name.endswith(".py"):
                file = stack.enter_context(tempfile.TemporaryFile())
                file.write(content)
                file.flush()
                descriptors[name] = file.fileno()
        value, _ = read_preprocessing(
            {"names": list(descriptors), "beside": the_lab().scripts_beside_training}, descriptors
        )
    assert value["source"] == "exp2.py"
    return value["mean"], value["std"]


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Change], ModuleType]]:
    """exp2.py of a student who solved the tasks and changed the script."""

    def imported(change: Change) -> ModuleType:
        for path in REFERENCE.glob("*.py"):
            (tmp_path / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
        (tmp_path / "exp2.py").write_text(changed((REFERENCE / "exp2.py").read_text("utf-8"), change), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        for name in NAMES:  # those that another test imported come back afterwards
            monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module("exp2")

    yield imported
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    draw = np.random.default_rng(5)
    for split in ("train", "test"):
        np.save(folder / f"{split}_images.npy", draw.integers(0, 256, (12, 3, 32, 32), np.uint8))
        np.save(folder / f"{split}_labels.npy", np.arange(12) % 10)
    return folder


def trained_on(exp2: ModuleType, data: Path, *more: str) -> torch.Tensor:
    """The images that train() and test() get in a run of one epoch, training images first: (24, 3, 32, 32)."""
    seen: list[torch.Tensor] = []

    def look(model: object, loader: Any, *_: object) -> tuple[float, float]:
        batches = list(loader)
        images = torch.cat([images for images, _ in batches])
        labels = torch.cat([labels for _, labels in batches])
        assert labels.sort().values.tolist() == sorted(number % 10 for number in range(12))
        seen.append(images)
        return 1.0, 10.0

    exp2.train = exp2.test = look
    arguments = ["--data", str(data), "--out", str(data), "--device", "cpu", "--model", "mlp", "--seed", "3"]
    exp2.main([*arguments, "--epochs", "1", *more])
    return torch.cat(seen)


def pixels(data: Path) -> torch.Tensor:
    """What lies in the files, from 0 to 1: (24, 3, 32, 32)."""
    halves = [np.load(data / f"{split}_images.npy") for split in ("train", "test")]
    return torch.from_numpy(np.concatenate(halves)).float() / 255


def in_any_order(images: torch.Tensor) -> torch.Tensor:
    """The training images and the test images, each sorted by their sums."""
    return torch.cat([half[half.sum(dim=(1, 2, 3)).argsort()] for half in images.split(12)])


def normalised(images: torch.Tensor, mean: Any, std: Any) -> torch.Tensor:
    return (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def test_the_grader_reads_the_templates_own_normalisation_from_exp2():
    assert read(make_template()) == (the_lab().mean, the_lab().std)


def test_the_grader_reads_the_numbers_that_a_student_wrote_there():
    files = make_template()
    files["exp2.py"] = changed(files["exp2.py"].decode(), CHANGED_NUMBERS).encode()
    assert read(files) == HALF


def test_the_grader_reads_a_normalize_that_a_student_took_out():
    files = make_template()
    test_transform = "transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])"
    change = {NORMALIZE: "", test_transform: "transforms.ToTensor()", "MEAN =": "OLD_MEAN =", "STD =": "OLD_STD ="}
    files["exp2.py"] = changed(files["exp2.py"].decode(), change).encode()
    assert read(files) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("more", [(), ("--plain",)], ids=["fast", "plain"])
def test_numbers_that_a_student_changes_are_trained_with(student, data, more):
    exp2 = student({**CHANGED_NUMBERS, **WITHOUT_AUGMENTATION, ", num_workers=WORKERS": ""})
    seen = in_any_order(trained_on(exp2, data, *more))
    torch.testing.assert_close(seen, in_any_order(normalised(pixels(data), *HALF)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("more", [(), ("--plain",)], ids=["fast", "plain"])
def test_a_normalize_that_a_student_takes_out_is_not_done(student, data, more):
    exp2 = student({**WITHOUT_AUGMENTATION, NORMALIZE: ""})
    train, test = trained_on(exp2, data, *more).split(12)
    right = torch.cat([pixels(data)[:12], normalised(pixels(data)[12:], the_lab().mean, the_lab().std)])
    torch.testing.assert_close(in_any_order(torch.cat([train, test])), in_any_order(right), rtol=1e-4, atol=1e-4)


def test_a_transform_that_a_student_adds_is_done_and_the_fast_path_says_that_it_stands_back(student, data, capsys):
    exp2 = student({CROP: "        transforms.Grayscale(3),\n", FLIP: ""})
    train = trained_on(exp2, data)[:12]
    assert "fast.py does not know Grayscale" in capsys.readouterr().out
    grey = train * torch.tensor(the_lab().std)[:, None, None] + torch.tensor(the_lab().mean)[:, None, None]
    torch.testing.assert_close(grey[:, 0], grey[:, 1], rtol=1e-4, atol=1e-4)


def test_padding_that_a_student_changes_is_cropped_from(student, data):
    exp2 = student({CROP: "        transforms.RandomCrop(32, padding=16),\n", FLIP: ""})
    train = trained_on(exp2, data)[:12]
    black = normalised(torch.zeros(3, 1, 1), the_lab().mean, the_lab().std)
    empty = torch.isclose(train, black, atol=1e-4).all(dim=1).float().mean(dim=(1, 2))  # share of each image
    assert empty.max() > 0.3  # with 4 pixels it would be 0.23 at most
