"""A lab on a public set from the command line: found, graded, drawn, missing, and what students start from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fixtures.drawn_sets import write_drawn
from fixtures.published_sets import Published, publish
from grader.batch.cluster import sets
from grader.batch.doctor import _images
from grader.dataset import PUBLIC_SETS, fetch_command, find_set
from grader.dataset.child import Reader
from grader.labs import find_lab, using_lab
from grader.labs.datasets import DATA_SETS
from grader.labs.new import NORMALISATIONS
from grader.students import precheck
from reports.text import words

START = Path(__file__).parents[2] / "grader" / "labs" / "fashion-mnist" / "start" / "train.py"
UNREACHABLE = "http://127.0.0.1:9"

OWN = """
import torch
from torch import nn
from torchvision import transforms

how = transforms.Normalize({mean}, {std})

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 8, 5, stride=4)
        self.fc = nn.Linear(8 * {side} * {side}, {classes})

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).flatten(1))
"""


@pytest.fixture
def grade(in_process: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, in a folder of its own with a cache of its own; torchvision reads sets in this process."""
    from grader.dataset.with_torchvision import read

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(Reader, "read", lambda self, root, out: read(self._request(root, out)))
    return in_process


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Published]:
    """A small set in ./data is the published one."""

    def make(key: str) -> Published:
        small = publish(key, tmp_path / "data", test=100, train=100)
        monkeypatch.setitem(PUBLIC_SETS, key, small.wanted)
        return small

    return make


def figures(key: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation, (C, 1, 1)."""
    mean, std = (np.array([float(one) for one in row.split(",")]) for row in NORMALISATIONS[key])
    return mean[:, None, None], std[:, None, None]


def confusion(net: nn.Module, small: Published) -> list[list[int]]:
    """What a plain float32 loop finds."""
    key, (images, labels) = small.wanted.key, small.splits["test"]
    mean, std = figures(key)
    with torch.no_grad():
        x = torch.from_numpy((images / 255 - mean) / std).float()
        answers = net.eval()(x).argmax(1).numpy()
    found = np.zeros((small.wanted.classes,) * 2, dtype=int)
    np.add.at(found, (labels.astype(int), answers), 1)
    return found.tolist()


def measured(place: Path) -> list[list[int]]:
    observed = dict(json.loads((place / "evidence.json").read_text("utf-8"))["observations"])
    return observed["measured_accuracy"]["value"]["confusion"]


def own_network(folder: Path, key: str) -> nn.Module:
    """A submission with a class of its own, for the shape of a set."""
    channels, height, _ = DATA_SETS[key].shape
    mean, std = (f"({', '.join(row.split(', '))},)" for row in NORMALISATIONS[key])
    code = OWN.format(channels=channels, side=(height - 5) // 4 + 1, classes=DATA_SETS[key].classes, mean=mean, std=std)
    names: dict[str, Any] = {}
    exec(code, names)
    torch.manual_seed(5)
    net: nn.Module = names["Net"]()
    folder.mkdir()
    (folder / "train.py").write_text(code, encoding="utf-8")
    torch.save(net.state_dict(), folder / "final.pth")
    return net


@pytest.mark.parametrize("key", ["mnist", "fashion-mnist", "cifar100"])
def test_a_lab_on_a_public_set_is_graded_to_the_image(grade, published, tmp_path, key):
    small, net = published(key), own_network(tmp_path / "ada", key)
    made = grade("lab", "new", "mine", "--title", "x", "--weights", "final.pth", "--none", 0, "--full", 100,
                 "--dataset", key)  # fmt: skip
    assert made.status == 0
    done = grade("ada", "--lab", "mine", "--no-fetch")
    place = tmp_path / "grades" / "ada"
    assert measured(place) == confusion(net, small), done
    assert json.loads((place / "grade.json").read_text("utf-8"))["made_by"]["dataset"] == DATA_SETS[key].name
    assert f"images: {DATA_SETS[key].name}" in (place / "report.html").read_text("utf-8")
    assert "of 100 test images are classified correctly" in done.out


def test_a_hundred_outputs_for_ten_classes_are_a_sentence(grade, published, tmp_path):
    published("fashion-mnist")
    (tmp_path / "ada").mkdir()
    net = nn.Sequential(nn.Conv2d(1, 4, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(324, 100))
    torch.save(net, tmp_path / "ada" / "fashion.pth")
    done = grade("ada", "--lab", "fashion-mnist", "--no-fetch")
    assert "answers with values of shape (100,) for each image, not with 10 numbers" in done.out


def test_a_missing_set_names_the_command_that_fetches_it(grade, tmp_path):
    own_network(tmp_path / "ada", "fashion-mnist")
    done = grade("ada", "--lab", "fashion-mnist", "--no-fetch")
    assert done.status == 1
    assert "Fashion-MNIST was not found (looked in" in done.out
    assert "Fashion-MNIST is not on this machine. Run 'grade data fetch --lab fashion-mnist', then grade again." in (
        done.out
    )
    grade(
        "lab", "new", "my digits", "--title", "x", "--weights", "a.pth", "--none", 0, "--full", 9, "--dataset", "mnist"
    )
    where = grade("data", "where", "--lab", "my digits")
    assert (where.status, "run `grade data fetch --lab 'my digits'`, or give" in where.err) == (2, True)
    assert fetch_command(find_lab("homework-2")) == "grade data fetch"


def test_a_students_own_copy_is_found_before_handing_in(grade, tmp_path, monkeypatch):
    small = publish("fashion-mnist", tmp_path / "ada" / "data")
    monkeypatch.setitem(PUBLIC_SETS, "fashion-mnist", small.wanted)
    with using_lab(find_lab("fashion-mnist")):
        nothing = precheck.find_images(tmp_path / "bob", None, tmp_path / "other")
        assert "not measured: Fashion-MNIST is neither in" in words(nothing)
        assert small.is_in(precheck.find_images(tmp_path / "ada", None, tmp_path / "other"))


def test_where_a_set_is_and_that_it_is_fetched_already(grade, published, tmp_path):
    published("fashion-mnist")
    said = f"Fashion-MNIST is in {tmp_path}/cache/cnn-lab-grader/fashion-mnist, verified"
    assert said in grade("data", "where", "--lab", "fashion-mnist").out
    assert said in grade("data", "fetch", "--lab", "fashion-mnist").out


@pytest.mark.slow
def test_a_fetch_without_a_network_is_a_sentence(in_process, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, UNREACHABLE)
    done = in_process("data", "fetch", "--lab", "fashion-mnist")
    assert done.status == 2
    assert "Fashion-MNIST could not be fetched: - torchvision: it failed: Error downloading" in done.err
    assert "Run `grade data fetch --lab fashion-mnist` when the network is back" in done.err


def test_a_drawn_set_is_named_everywhere(grade, tmp_path):
    own_network(tmp_path / "ada", "fashion-mnist")
    write_drawn("fashion-mnist", tmp_path / "data", {"t10k": 50, "train": 50})
    assert "Fashion-MNIST was not found" in grade("ada", "--lab", "fashion-mnist", "--no-fetch", "--out", "first").out
    done = grade("ada", "--lab", "fashion-mnist", "--data", "data")
    assert "The grades are about drawn images in place of Fashion-MNIST." in done.out
    place = tmp_path / "grades" / "ada"
    assert json.loads((place / "grade.json").read_text("utf-8"))["made_by"]["dataset"] == "Fashion-MNIST (drawn)"
    assert "images: Fashion-MNIST (drawn)" in (place / "report.html").read_text("utf-8")
    where = grade("data", "where", "--lab", "fashion-mnist", "--data", "data")
    assert "Fashion-MNIST (drawn) is in" in where.out
    assert "drawn images, not the published ones" in where.out


def test_images_of_a_labs_own_are_said_to_be_there(grade, tmp_path):
    (tmp_path / "mine").mkdir()
    np.savez(tmp_path / "mine" / "x.npz", test_images=np.zeros((4, 8, 8), np.uint8), test_labels=np.arange(4))
    (tmp_path / "mine" / "lab.toml").write_text(
        'title = "x"\ndataset = "x.npz"\nweights = ["a.pth"]\ntraining_script = "a.py"\n'
        "normalisation = { mean = [0.5], std = [0.5] }\n", encoding="utf-8",
    )  # fmt: skip
    for command in ("where", "fetch"):
        done = grade("data", command, "--lab", "mine")
        assert (done.status, "The images of this lab are its own, and in mine/x.npz." in done.out) == (0, True)


def test_the_doctor_looks_for_the_images_of_the_lab(grade, published, tmp_path):
    with using_lab(find_lab("fashion-mnist")):
        missing = _images(None, tmp_path / "cache")
        assert (missing.state, words(missing.said)) == (
            "worse", "not on this machine: run 'grade data fetch --lab fashion-mnist'",
        )  # fmt: skip
        published("fashion-mnist")
        there = _images(None, tmp_path / "cache")
        assert (there.state, words(there.subject)) == ("good", "Fashion-MNIST")
        assert words(there.said) == f"{tmp_path}/cache/fashion-mnist, verified"
        write_drawn("fashion-mnist", tmp_path / "drawn", {"t10k": 10, "train": 10})
        assert _images(tmp_path / "drawn", tmp_path / "cache").state == "worse"


def test_a_worker_finds_a_public_set_in_its_own_cache(grade, published, tmp_path, monkeypatch):
    published("fashion-mnist")
    found = find_set(find_lab("fashion-mnist"), None, tmp_path / "cache")
    monkeypatch.setattr(sets, "default_cache", lambda: tmp_path / "worker")
    wanted = sets.described(found)
    monkeypatch.setattr(sets, "_places", lambda wanted, places=sets._places: places(wanted)[2:])
    assert sets.found(wanted) is None
    (tmp_path / "worker").mkdir()
    found.folder.rename(tmp_path / "worker" / "fashion-mnist")
    assert sets.found(wanted).folder == tmp_path / "worker" / "fashion-mnist"


# --- what students start from ----------------------------------------------------------------------------------


def test_a_labs_start_is_what_students_get_and_nobodys_work_is_lost(grade, tmp_path):
    done = grade("template", "mine", "--lab", "fashion-mnist")
    assert (done.status, done.out) == (0, "Written into mine: train.py.")
    assert (tmp_path / "mine" / "train.py").read_bytes() == START.read_bytes()
    (tmp_path / "mine" / "train.py").write_text("my work", encoding="utf-8")
    refused = grade("template", "mine", "--lab", "fashion-mnist")
    assert (refused.status, "train.py already exists in mine and differs" in refused.err) == (2, True)


def test_a_lab_of_ones_own_may_have_a_start_too(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "x", "--weights", "a.pth", "--none", 0, "--full", 9)
    refused = grade("template", "out", "--lab", "mine")
    assert (refused.status, (tmp_path / "out").exists()) == (2, False)
    assert "The lab 'mine' has neither scripts with open tasks nor a folder start/ with files in it" in refused.err
    for name in ("train.py", "notes/first.md", "__pycache__/train.pyc", "data/MNIST/raw/t10k-labels-idx1-ubyte"):
        path = tmp_path / "mine" / "start" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    assert grade("template", "out", "--lab", "mine").out == "Written into out: notes/first.md, train.py."
    written = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert written == {"train.py", "notes/first.md"}


@pytest.mark.slow
def test_the_whole_walk_of_a_newcomer_on_a_drawn_set(grade, tmp_path):
    assert grade("template", "mine", "--lab", "fashion-mnist").status == 0
    write_drawn("fashion-mnist", tmp_path / "mine" / "data", {"t10k": 500, "train": 500})
    trained = subprocess.run(
        [sys.executable, "train.py", "--epochs", "1"], cwd=tmp_path / "mine", capture_output=True, text=True, check=True
    )
    done = grade("mine", "--lab", "fashion-mnist", "--data", "mine/data")
    found = json.loads((tmp_path / "grades" / "mine" / "grade.json").read_text("utf-8"))
    assert f"test accuracy: {found['accuracy']:.2%}" in trained.stdout, done
    assert [mark["finding"]["state"] for mark in found["marks"]] == ["judged", "judged"]
    assert found["marks"][0]["finding"]["verdict"]["credit"] == 1.0


# --- a new lab -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", DATA_SETS)
def test_a_new_lab_says_how_its_set_is_normalised(grade, tmp_path, key):
    done = grade("lab", "new", "mine", "--title", "x", "--weights", "a.pth", "--none", 0, "--full", 9, "--dataset", key)
    assert done.status == 0
    lab = find_lab(str(tmp_path / "mine"))
    mean, std = figures(key)
    assert (lab.public, lab.dataset, lab.classes, lab.image_shape) == (key, *DATA_SETS[key][:3])
    assert len(mean) == lab.image_shape[0]
    assert (lab.mean[: len(mean)], lab.std[: len(std)]) == (tuple(mean.ravel()), tuple(std.ravel()))


def test_a_new_lab_asks_for_its_images_where_somebody_can_answer(grade, tmp_path, monkeypatch):
    arguments = ("--title", "x", "--weights", "a.pth", "--none", 0, "--full", 9)
    assert grade("lab", "new", "first", *arguments).status == 0
    assert find_lab(str(tmp_path / "first")).public == "cifar10"

    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return "kmnist\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda said: "kmnist")
    assert grade("lab", "new", "second", *arguments).status == 0
    assert find_lab(str(tmp_path / "second")).public == "kmnist"
