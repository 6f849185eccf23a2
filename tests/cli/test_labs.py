"""`--lab` and `grade lab`: another lab's submission from the command line, with what it asks for and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.dataset import ImageSet

NOTEBOOK = (
    "from torchvision import datasets, transforms",
    "test_set = datasets.CIFAR10('data', train=False, transform=transforms.ToTensor())",
    "net = torch.load('models/HW2_CNN.pth', weights_only=False)",
)


@pytest.fixture
def grade(in_process: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return in_process


def right(net: nn.Module, images: ImageSet) -> float:
    """The share that a plain float32 loop names correctly."""
    with torch.no_grad():
        x = torch.from_numpy(np.array(images.images("test"))).float() / 255
        return float((net.eval()(x).argmax(1).numpy() == images.labels("test")).mean())


@pytest.fixture
def homework(tmp_path: Path, few_images: ImageSet) -> nn.Module:
    """A notebook, and a whole nn.Sequential beside it in models/, trained for a moment."""
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 7, stride=2, padding=3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1024, 10)
    )
    x = torch.from_numpy(np.array(few_images.images("train"))).float() / 255
    y = torch.from_numpy(few_images.labels("train").astype(np.int64))
    optimizer = torch.optim.Adam(net.parameters(), 0.003)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    (tmp_path / "ada" / "models").mkdir(parents=True)
    torch.save(net, tmp_path / "ada" / "models" / "HW2_CNN.pth")
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in NOTEBOOK]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "ada" / "homework2.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return net


def test_homework_is_graded_as_its_author_had_it(grade, homework, few_images, tmp_path):
    done = grade("ada", "--lab", "homework-2")
    found = json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))
    assert (done.status, done.err) == (0, "")
    assert found["accuracy"] == right(homework, few_images)
    assert [mark["criterion"]["check"] for mark in found["marks"]] == ["submission_layout", "measured_accuracy"]
    assert [mark["finding"]["state"] for mark in found["marks"]] == ["judged", "judged"]
    assert found["marks"][0]["finding"]["verdict"]["credit"] == 1.0
    assert found["made_by"]["lab"] == "A small AlexNet on CIFAR-10"
    assert found["made_by"]["command"] == "grade ada --lab homework-2"
    for another in ("retrieve", "retrieval", "exp2.py", "history.json", "learning_rate"):
        assert another not in done.out
    observed = json.loads((tmp_path / "grades" / "ada" / "evidence.json").read_text("utf-8"))["observations"]
    assert {"retrieval_report", "function_fit", "evaluation"}.isdisjoint(kind for kind, _ in observed)


@pytest.mark.usefixtures("homework")
def test_a_folder_of_grades_is_about_one_lab_which_later_commands_know(grade, tmp_path):
    assert grade("ada", "--lab", "homework-2").status == 0
    refused = grade("ada")
    assert refused.status == 2
    assert "grades holds grades of the lab 'homework-2', not of 'resnet-and-retrieval'" in refused.err
    assert "Give --lab homework-2, or another --out." in refused.err
    page = tmp_path / "grades" / "ada" / "report.html"
    assert grade("report", "grades", "--lang", "zh").status == 0
    assert "用小型 AlexNet 识别 CIFAR-10" in page.read_text("utf-8")


@pytest.mark.usefixtures("homework")
def test_what_several_files_may_be_is_left_to_staff(grade, tmp_path):
    weights = tmp_path / "ada" / "models" / "HW2_CNN.pth"
    weights.rename(tmp_path / "ada" / "models" / "a.pth")
    (tmp_path / "ada" / "models" / "b.pth").write_bytes((tmp_path / "ada" / "models" / "a.pth").read_bytes() + b" ")
    done = grade("ada", "--lab", "homework-2")
    assert done.status == 1
    assert "models/a.pth, models/b.pth" in done.out


@pytest.mark.usefixtures("homework")
def test_students_pack_what_the_lab_asks_for(grade, tmp_path):
    (tmp_path / "ada" / "notes.docx").write_bytes(b"x")
    done = grade("pack", "ada", "--lab", "homework-2", "--out", tmp_path / "ada.zip")
    assert done.status == 0
    assert "Included: homework2.ipynb, models/ (1)" in done.out
    assert "Left out: notes.docx" in done.out


def test_a_lab_without_open_tasks_has_no_template(grade, tmp_path):
    done = grade("template", "start", "--lab", "homework-2")
    assert (done.status, (tmp_path / "start").exists()) == (2, False)
    assert "The lab 'homework-2' has neither scripts with open tasks nor a folder start/" in done.err


def test_labs_are_listed_and_shown(grade):
    listed, shown = grade("lab", "list"), grade("lab", "show", "homework-2", "--lang", "zh")
    assert "homework-2: A small AlexNet on CIFAR-10" in listed.out
    assert "resnet-and-retrieval: PyTorch, ResNet20 on CIFAR-10, and image retrieval (graded where" in listed.out
    assert "HW2_CNN.pth, *.pth, *.pt" in shown.out
    assert "用小型 AlexNet 识别 CIFAR-10" in shown.out


@pytest.mark.usefixtures("homework")
def test_a_new_lab_can_grade_at_once(grade, tmp_path):
    made = grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    assert made.status == 0
    assert "grade --lab mine SUBMISSION" in made.out
    assert grade("lab", "check", "mine").status == 0
    assert grade("ada", "--lab", "mine").status == 0
    assert json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))["made_by"]["lab"] == "My lab"


def test_what_is_wrong_with_a_lab_is_told_before_anything_is_graded(grade, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lab.toml").write_text('titel = "x"\n', encoding="utf-8")
    for arguments in (("lab", "check", "mine"), ("ada", "--lab", "mine")):
        done = grade(*arguments)
        assert done.status == 2
        assert "line 1: there is no key 'titel'; did you mean 'title'?" in done.err
    assert not (tmp_path / "grades").exists()


def test_a_rubric_with_a_mistake_is_told_by_the_check_of_its_lab(grade, tmp_path):
    assert grade("lab", "new", "mine", "--title", "x", "--weights", "n.pth", "--none", 1, "--full", 2).status == 0
    rubric = tmp_path / "mine" / "rubric.toml"
    rubric.write_text(rubric.read_text("utf-8").replace("measured_accuracy", "measured_acuracy"), encoding="utf-8")
    done = grade("lab", "check", "mine")
    assert done.status == 2
    assert "did you mean 'measured_accuracy'?" in done.err


GREY = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 49, num_classes)

    def forward(self, x):
        x = torch.relu(nn.functional.max_pool2d(self.conv(x), 4))
        return self.fc(x.flatten(1))
"""


def own_lab(folder: Path, few: ImageSet, classes: int, grey: bool, training: bool = True) -> dict[str, np.ndarray]:
    """A lab whose images are drawn ones: grey and 28 pixels wide, or as they are; labels modulo `classes`."""
    arrays: dict[str, np.ndarray] = {}
    for split in ("test", "train") if training else ("test",):
        pixels = np.array(few.images(split))
        arrays[f"{split}_images"] = pixels.mean(axis=1).round().astype(np.uint8)[:, 2:30, 2:30] if grey else pixels
        arrays[f"{split}_labels"] = np.arange(len(pixels)) % classes if classes > 10 else few.labels(split) % classes
    folder.mkdir()
    np.savez(folder / "shapes.npz", **arrays)
    (folder / "lab.toml").write_text(
        f'title = "Shapes"\ndataset = "shapes.npz"\nweights = ["final.pth"]\ntraining_script = "train.py"\n'
        f"normalisation = {{ mean = [{0.286 if grey else '0.5, 0.5, 0.5'}],"
        f" std = [{0.353 if grey else '0.5, 0.5, 0.5'}] }}\n",
        encoding="utf-8",
    )
    (folder / "rubric.toml").write_text("[measured_accuracy]\npoints = 10\nknots = [[0.0, 0.0], [1.0, 1.0]]\n", "utf-8")
    return arrays


def confusion(net: nn.Module, x: torch.Tensor, labels: np.ndarray, classes: int) -> list[list[int]]:
    """What a plain float32 loop finds."""
    with torch.no_grad():
        answers = net.eval()(x).argmax(1).numpy()
    found = np.zeros((classes, classes), dtype=int)
    np.add.at(found, (labels.astype(int), answers), 1)
    return found.tolist()


def measured(place: Path) -> list[list[int]]:
    observed = dict(json.loads((place / "evidence.json").read_text("utf-8"))["observations"])
    return observed["measured_accuracy"]["value"]["confusion"]


def test_grey_images_of_another_size_are_measured_with_the_students_own_class(grade, few_images, tmp_path):
    arrays = own_lab(tmp_path / "lab", few_images, classes=4, grey=True)
    names: dict[str, type[nn.Module]] = {}
    exec(GREY, names)
    torch.manual_seed(8)
    net = names["Net"]()
    (tmp_path / "ada").mkdir()
    torch.save(net.state_dict(), tmp_path / "ada" / "final.pth")
    (tmp_path / "ada" / "train.py").write_text(
        f"{GREY}\nfrom torchvision import transforms\nhow = transforms.Normalize((0.286,), (0.353,))\n",
        encoding="utf-8",
    )
    done = grade("ada", "--lab", "lab")
    x = (torch.from_numpy(arrays["test_images"]).float().unsqueeze(1) / 255 - 0.286) / 0.353
    assert measured(tmp_path / "grades" / "ada") == confusion(net, x, arrays["test_labels"], 4), done
    assert "of 200 test images are classified correctly" in done.out
    page = (tmp_path / "grades" / "ada" / "report.html").read_text("utf-8")
    assert "images: shapes" in page


def test_a_hundred_classes_and_a_test_set_that_no_student_has_seen(grade, few_images, tmp_path):
    arrays = own_lab(tmp_path / "lab", few_images, classes=100, grey=False, training=False)
    torch.manual_seed(9)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(1800, 100))
    (tmp_path / "ada").mkdir()
    torch.save(net, tmp_path / "ada" / "final.pth")
    done = grade("ada", "--lab", "lab")
    x = (torch.from_numpy(arrays["test_images"]).float() / 255 - 0.5) / 0.5
    assert measured(tmp_path / "grades" / "ada") == confusion(net, x, arrays["test_labels"], 100), done


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (nn.Linear(1800, 100), "answers with values of shape (100,) for each image, not with 4 numbers"),
        (nn.Linear(900, 4), "cannot process a 3 x 32 x 32 image"),
    ],
    ids=["outputs", "sizes"],
)
def test_a_network_that_does_not_fit_the_images_is_told_what_to_change(grade, few_images, tmp_path, last, said):
    own_lab(tmp_path / "lab", few_images, classes=4, grey=False)
    (tmp_path / "ada").mkdir()
    torch.save(
        nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), last), tmp_path / "ada" / "final.pth"
    )
    assert said in grade("ada", "--lab", "lab").out


def test_weights_of_no_known_network_ask_for_its_class(grade, few_images, tmp_path):
    own_lab(tmp_path / "lab", few_images, classes=4, grey=True)
    (tmp_path / "ada").mkdir()
    torch.save(
        {"conv.weight": torch.zeros(8, 1, 3, 3), "fc.weight": torch.zeros(4, 392)}, tmp_path / "ada" / "final.pth"
    )
    done = grade("ada", "--lab", "lab")
    assert "fit none of the networks that the grader knows for these images" in done.out
    assert "in models.py or train.py" in done.out


def test_a_missing_data_set_is_the_teachers_and_no_zero(grade, few_images, tmp_path):
    own_lab(tmp_path / "lab", few_images, classes=4, grey=True)
    (tmp_path / "lab" / "shapes.npz").unlink()
    (tmp_path / "ada").mkdir()
    done = grade("ada", "--lab", "lab")
    assert done.status == 2
    assert "line 2: " in done.err
    assert "shapes.npz cannot be read as .npz" in done.err
    assert not (tmp_path / "grades").exists()


SMALL = '''
"""A check of the course's own."""

from dataclasses import dataclass

from grader.evidence import Checkpoint
from grader.marking.check import Case, check
from grader.records import Verdict, message


@dataclass(frozen=True)
class Limits:
    """The most parameters that a network may have."""

    most: int


@check(reads=Checkpoint, limits=Limits)
def small_network(case: Case[Checkpoint, Limits]) -> Verdict:
    """Size of the network."""
    count = case.seen.parameters
    said = message("The network has {count:,} parameters; at most {most:,}.", count=count, most=case.limits.most)
    return Verdict(1.0 if count <= case.limits.most else 0.5, said, faulty=count > case.limits.most)
'''


def with_a_check(lab: Path, most: int, source: str = SMALL) -> None:
    """Add a check of the course's own to a lab."""
    (lab / "small_network.py").write_text(source, encoding="utf-8")
    with (lab / "lab.toml").open("a", encoding="utf-8") as file:
        file.write('checks = ["small_network.py"]\n')
    with (lab / "rubric.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[small_network]\npoints = 5\nmost = {most}\n")


@pytest.mark.usefixtures("homework")
def test_a_check_of_the_courses_own_is_one_file_and_one_line(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with_a_check(tmp_path / "mine", most=1_000)
    assert grade("lab", "check", "mine").status == 0
    done = grade("ada", "--lab", "mine", "--lang", "zh")
    assert done.status == 0
    marks = json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))["marks"]
    (own,) = (mark for mark in marks if mark["criterion"]["check"] == "small_network")
    assert own["finding"]["verdict"]["credit"] == 0.5
    assert "The network has 12,618 parameters; at most 1,000." in done.out
    rubric = tmp_path / "new.toml"
    rubric.write_text(
        (tmp_path / "mine" / "rubric.toml").read_text("utf-8").replace("most = 1000", "most = 20000"), "utf-8"
    )
    assert grade("regrade", "grades", "--lab", "mine", "--rubric", rubric, "--yes").status == 0
    marks = json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))["marks"]
    assert {
        mark["finding"]["verdict"]["credit"] for mark in marks if mark["criterion"]["check"] == "small_network"
    } == {1.0}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\nimport nowhere_to_be_found\n", "small_network.py: cannot be imported, line 2: ModuleNotFoundError"),
        ("def small_network(:\n", "small_network.py: cannot be imported, line 1: SyntaxError"),
        ("x = 1\n", "small_network.py: must define a function small_network, decorated with @check"),
    ],
)
def test_what_is_wrong_with_a_check_is_told_with_its_line(grade, tmp_path, source, said):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with_a_check(tmp_path / "mine", 1_000, source)
    done = grade("lab", "check", "mine")
    assert done.status == 2
    assert said in done.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../small_network.py", "is not the name of a Python file in the lab's folder"),
        ("evaluation.py", "choose another one"),
    ],
)
def test_a_check_has_a_plain_name_of_its_own(grade, tmp_path, name, said):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with (tmp_path / "mine" / "lab.toml").open("a", encoding="utf-8") as file:
        file.write(f'checks = ["{name}"]\n')
    (tmp_path / "mine" / "evaluation.py").write_text("", encoding="utf-8")
    done = grade("lab", "check", "mine")
    assert (done.status, said in done.err) == (2, True), done.err


@pytest.mark.usefixtures("homework")
def test_a_check_that_fails_costs_nobody_a_point(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with_a_check(tmp_path / "mine", 1_000, SMALL.replace("count = case.seen.parameters", "count = 1 / 0"))
    assert grade("ada", "--lab", "mine").status == 1
    marks = json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))["marks"]
    assert [mark["finding"]["state"] for mark in marks] == ["judged", "judged", "unjudged"]


@pytest.mark.usefixtures("homework")
def test_pages_of_a_lab_with_images_of_its_own_are_drawn_without_them(grade, few_images, tmp_path):
    own_lab(tmp_path / "lab", few_images, classes=4, grey=False)
    assert grade("ada", "--lab", "lab").status in (0, 1)
    (tmp_path / "lab" / "shapes.npz").unlink()
    assert grade("regrade", "grades", "--rubric", tmp_path / "lab" / "rubric.toml", "--yes").status == 0
    assert grade("report", "grades").status == 0


def test_a_whole_network_sees_images_at_their_own_size(grade, few_images, tmp_path):
    arrays = own_lab(tmp_path / "lab", few_images, classes=4, grey=True)
    torch.manual_seed(10)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 196, 4))
    (tmp_path / "ada").mkdir()
    torch.save(net, tmp_path / "ada" / "final.pth")
    (tmp_path / "ada" / "train.py").write_text(
        "from torchvision import transforms\nhow = transforms.Normalize((0.286,), (0.353,))\n", encoding="utf-8"
    )
    done = grade("ada", "--lab", "lab")
    x = (torch.from_numpy(arrays["test_images"]).float().unsqueeze(1) / 255 - 0.286) / 0.353
    assert measured(tmp_path / "grades" / "ada") == confusion(net, x, arrays["test_labels"], 4), done


def test_a_normalisation_that_cannot_be_tried_is_left_to_staff(grade, few_images, tmp_path):
    own_lab(tmp_path / "lab", few_images, classes=4, grey=False, training=False)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(1800, 4))
    (tmp_path / "ada").mkdir()
    torch.save(net, tmp_path / "ada" / "final.pth")
    done = grade("ada", "--lab", "lab")
    assert done.status == 1
    assert "has no training images on which that could be tried" in done.out


@pytest.mark.usefixtures("homework")
def test_code_in_a_folder_of_grades_is_not_run(grade, tmp_path):
    assert grade("ada", "--lab", "homework-2").status == 0
    kept = tmp_path / "grades" / ".grade" / "lab" / "homework-2"
    (kept / "boo.py").write_text(f"open({str(tmp_path / 'reached')!r}, 'w')\n", encoding="utf-8")
    with (kept / "lab.toml").open("a", encoding="utf-8") as file:
        file.write('checks = ["boo.py"]\n')
    grade("regrade", "grades", "--rubric", kept / "rubric.toml", "--yes")
    grade("report", "grades")
    assert not (tmp_path / "reached").exists()


@pytest.mark.usefixtures("homework")
def test_a_lab_without_a_rubric_of_its_own_is_graded_with_another(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    (tmp_path / "mine" / "rubric.toml").rename(tmp_path / "other.toml")
    assert "rubric.toml cannot be read" in grade("lab", "check", "mine").err
    assert grade("ada", "--lab", "mine", "--rubric", "other.toml").status == 0


@pytest.mark.usefixtures("homework")
def test_a_lab_that_asks_for_no_report_looks_for_none(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with (tmp_path / "mine" / "lab.toml").open("a", encoding="utf-8") as file:
        file.write("reports = []\n")
    assert grade("ada", "--lab", "mine").status == 0


@pytest.mark.usefixtures("homework")
@pytest.mark.parametrize(
    "answer", ["None", '"fine"', 'Verdict(0.5, "fine")', 'Verdict(0.5, message("fine"), message("no"))']
)
def test_a_check_that_returns_no_verdict_costs_nobody_a_point(grade, tmp_path, answer):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with_a_check(
        tmp_path / "mine", 1_000, SMALL.replace("    return Verdict", f"    return {answer}\n    return Verdict")
    )
    assert grade("ada", "--lab", "mine").status == 1
    marks = json.loads((tmp_path / "grades" / "ada" / "grade.json").read_text("utf-8"))["marks"]
    assert [mark["finding"]["state"] for mark in marks] == ["judged", "judged", "unjudged"]


def test_a_check_that_ends_the_program_is_told(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    with_a_check(tmp_path / "mine", 1_000, "import sys\nsys.exit(3)\n")
    done = grade("lab", "check", "mine")
    assert (done.status, "cannot be imported, line 2: SystemExit" in done.err) == (2, True)


def test_an_old_checkpoint_in_a_folder_is_not_packed_where_the_lab_names_the_file(grade, tmp_path):
    (tmp_path / "ada" / "old").mkdir(parents=True)
    (tmp_path / "ada" / "old" / "final.pth").write_bytes(b"x")
    (tmp_path / "ada" / "exp2.py").write_text("x = 1\n", encoding="utf-8")
    assert "Left out: old/" in grade("pack", "ada", "--out", tmp_path / "ada.zip").out
