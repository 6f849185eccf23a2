"""Two networks in one submission, from the command line: two accuracies, each with its own points and doubts."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.dataset import ImageSet
from grader.labs import find_lab

CNN, RESNET = "cnn_cifar_net.pth", "rescnn_cifar_lr_net.pth"
NORMALISED = "transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))"


def nets() -> dict[str, nn.Module]:
    """A weak network and a better one."""
    torch.manual_seed(5)
    weak = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, 10))
    strong = nn.Sequential(nn.Conv2d(3, 32, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1568, 10))
    return {CNN: weak, RESNET: strong}


def prepared(images: ImageSet, split: Any) -> tuple[torch.Tensor, torch.Tensor]:
    x = (torch.from_numpy(np.array(images.images(split))).float() / 255 - 0.5) / 0.5
    return x, torch.from_numpy(images.labels(split).astype(np.int64))


def right(net: nn.Module, images: ImageSet) -> int:
    """How many a plain float32 loop names correctly."""
    x, y = prepared(images, "test")
    with torch.no_grad():
        return int((net.eval()(x).argmax(1) == y).sum())


@pytest.fixture
def grade(in_process: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return in_process


def notebook(folder: Path, *printed: str) -> None:
    """A notebook that says how images are normalised, and what its cells printed."""
    sources = (
        "from torchvision import datasets, transforms\n"
        f"how = transforms.Compose([transforms.ToTensor(), {NORMALISED}])\n"
        "test_set = datasets.CIFAR10('.', train=False, transform=how)",
        *(f"print(results[{number}])" for number in range(len(printed))),
    )
    outputs = ("", *printed)
    cells = [
        {
            "cell_type": "code", "metadata": {}, "execution_count": 1, "source": source,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": text}] if text else [],
        }
        for source, text in zip(sources, outputs, strict=True)
    ]  # fmt: skip
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "lab9.ipynb").write_text(json.dumps(whole), encoding="utf-8")


@pytest.fixture
def lab9(tmp_path: Path, few_images: ImageSet) -> dict[str, nn.Module]:
    """Lab 9 as its author had it: a notebook, and two networks beside it."""
    folder = tmp_path / "li"
    folder.mkdir()
    made = nets()
    x, y = prepared(few_images, "train")
    for name, net in made.items():
        optimizer = torch.optim.Adam(net.parameters(), 0.003)
        for _ in range(40):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
        torch.save(net, folder / name)
    notebook(folder)
    return made


def graded(tmp_path: Path, name: str = "li") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "grades" / name / "grade.json").read_text("utf-8"))
    return found


def findings(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return {mark["criterion"]["check"]: mark["finding"] for mark in graded(tmp_path)["marks"]}


def counted(finding: dict[str, Any]) -> tuple[int, int]:
    values = dict(finding["verdict"]["message"]["values"])
    return values["correct"], values["count"]


def test_each_network_has_its_accuracy_and_its_points(grade, lab9, few_images, tmp_path):
    done = grade("li", "--lab", "lab-9")
    assert (done.status, done.err) == (0, "")
    assert "without a part in grading" not in done.out
    found = findings(tmp_path)
    assert list(found) == ["submission_layout", "measured_accuracy.cnn", "measured_accuracy.resnet"]
    count = len(few_images.labels("test"))
    assert counted(found["measured_accuracy.cnn"]) == (right(lab9[CNN], few_images), count)
    assert counted(found["measured_accuracy.resnet"]) == (right(lab9[RESNET], few_images), count)
    assert graded(tmp_path)["accuracy"] == right(lab9[CNN], few_images) / count
    page = (tmp_path / "grades" / "li" / "report.html").read_text("utf-8")
    assert "Test accuracy (cnn)" in page
    assert "Test accuracy (resnet)" in page
    assert grade("report", "grades", "--lang", "zh").status == 0
    assert "(resnet)" in (tmp_path / "grades" / "li" / "report.html").read_text("utf-8")


@pytest.mark.usefixtures("lab9")
def test_a_claim_of_the_better_network_is_not_held_against_the_other(grade, few_images, tmp_path):
    net = torch.load(tmp_path / "li" / RESNET, weights_only=False)
    better = right(net, few_images) / len(few_images.labels("test"))
    notebook(tmp_path / "li", f"test accuracy: {better:.4f}\n")
    assert grade("li", "--lab", "lab-9").status == 0
    assert [flag["kind"] for flag in graded(tmp_path)["flags"]] == []


@pytest.mark.usefixtures("lab9")
def test_a_claim_above_both_is_told_once(grade, tmp_path):
    notebook(tmp_path / "li", "test accuracy: 0.9990\n")
    assert grade("li", "--lab", "lab-9").status == 0
    flags = graded(tmp_path)["flags"]
    assert len(flags) == 1
    assert flags[0]["kind"].startswith("claim ")
    assert dict(flags[0]["message"]["values"])["network"] in ("cnn", "resnet"), "whose it was held against is told"


@pytest.mark.usefixtures("lab9")
def test_one_missing_network_costs_its_own_points(grade, tmp_path):
    (tmp_path / "li" / CNN).unlink()
    grade("li", "--lab", "lab-9")
    found = findings(tmp_path)
    assert found["measured_accuracy.cnn"]["state"] == "blocked"
    assert "cnn_cifar_net.pth" in json.dumps(found["measured_accuracy.cnn"])
    assert found["measured_accuracy.resnet"]["state"] == "judged"


@pytest.mark.usefixtures("lab9")
def test_weights_whose_network_nobody_can_tell_are_left_to_staff(grade, tmp_path):
    (tmp_path / "li" / CNN).rename(tmp_path / "li" / "first.pth")
    (tmp_path / "li" / RESNET).rename(tmp_path / "li" / "second.pth")
    assert grade("li", "--lab", "lab-9").status == 1
    found = findings(tmp_path)
    assert {found[f"measured_accuracy.{name}"]["state"] for name in ("cnn", "resnet")} == {"unjudged"}


@pytest.mark.usefixtures("lab9")
def test_points_are_given_and_marked_again_by_network(grade, tmp_path):
    assert grade("li", "--lab", "lab-9").status == 0
    given = ("--criterion", "measured_accuracy.resnet", "--points", 50, "--reason", "seen")
    done = grade("adjust", "grades", "li", *given)
    assert done.status == 0, done.err
    marks = {mark["criterion"]["check"]: mark for mark in graded(tmp_path)["marks"]}
    assert marks["measured_accuracy.resnet"]["given"]["points"] == 50.0
    rubric = find_lab("lab-9").rubric
    assert grade("regrade", "grades", "--rubric", rubric, "--yes").status == 0
    marks = {mark["criterion"]["check"]: mark for mark in graded(tmp_path)["marks"]}
    assert marks["measured_accuracy.resnet"]["given"]["points"] == 50.0
    table = grade("export", "grades", "--to", "csv")
    assert "measured_accuracy.cnn" in table.out + "".join(one.read_text("utf-8") for one in tmp_path.glob("**/*.csv"))


@pytest.mark.usefixtures("lab9")
def test_students_check_and_pack_both_networks(grade, tmp_path):
    done = grade("pack", "li", "--lab", "lab-9", "--out", tmp_path / "li.zip")
    assert done.status == 0
    for name in ("lab9.ipynb", CNN, RESNET):
        assert name in done.out
    checked = grade("precheck", "li", "--lab", "lab-9")
    assert "Test accuracy (cnn)" in checked.out
    assert "Test accuracy (resnet)" in checked.out


@pytest.mark.usefixtures("lab9")
def test_weights_of_both_are_packed_from_where_they_lie(grade, tmp_path):
    (tmp_path / "li" / "out").mkdir()
    (tmp_path / "li" / RESNET).rename(tmp_path / "li" / "out" / "resnet.pth")
    (tmp_path / "li" / "optimizer.pth").write_bytes(b"state")
    rubric = tmp_path / "rubric.toml"
    rubric.write_text("[measured_accuracy.resnet]\npoints = 10\nknots = [[0.5, 0.0], [0.9, 1.0]]\n", encoding="utf-8")
    done = grade("pack", "li", "--lab", "lab-9", "--rubric", rubric, "--out", tmp_path / "li.zip")
    assert set(zipfile.ZipFile(tmp_path / "li.zip").namelist()) == {"lab9.ipynb", CNN, "out/resnet.pth"}
    assert f"only {CNN}, {RESNET} counts" in done.out


@pytest.mark.usefixtures("lab9")
def test_a_claim_that_may_be_of_a_missing_network_is_held_against_none(grade, tmp_path):
    (tmp_path / "li" / RESNET).unlink()
    notebook(tmp_path / "li", "test accuracy: 0.8700\n")
    assert grade("li", "--lab", "lab-9").status == 0
    assert [flag["kind"] for flag in graded(tmp_path)["flags"]] == []


@pytest.mark.usefixtures("lab9")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_uncertain_about_one_network_is_not_about_the_other(grade, tmp_path):
    (tmp_path / "li" / CNN).rename(tmp_path / "li" / "my_cnn.pth")
    with zipfile.ZipFile(tmp_path / "wu.zip", "w") as archive:
        for file in (tmp_path / "li").iterdir():
            archive.write(file, file.name)
        archive.writestr(RESNET, b"another file of this name")
    grade("wu.zip", "--lab", "lab-9")
    marks = {mark["criterion"]["network"]: mark["finding"]["state"] for mark in graded(tmp_path, "wu")["marks"]}
    assert (marks["cnn"], marks["resnet"]) == ("judged", "unjudged")


def test_the_lab_shows_both(grade):
    shown = grade("lab", "show", "lab-9")
    assert f"Weights of cnn: {CNN}" in shown.out
    assert f"Weights of resnet: {RESNET}" in shown.out
    assert "Test accuracy (resnet) (measured_accuracy.resnet)" in shown.out
