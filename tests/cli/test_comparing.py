"""`grade compare`, and a run of a class: the same weights are found in whatever form they were handed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

NETWORK = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(192, 10))
"""


@pytest.fixture
def grade(in_process: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return in_process


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    """Four submissions: one network whole, as a state dict under other names, copied by its class, and another one."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(192, 10))
    other = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(192, 10))
    wrapped = {"epoch": 3, "net": {f"module.{name}": value for name, value in net.state_dict().items()}}
    folder = tmp_path / "handed-in"
    for name, weights in (("ada", net), ("bob", wrapped), ("cid", net.state_dict()), ("dee", other)):
        (folder / name).mkdir(parents=True)
        torch.save(weights, folder / name / "net.pth")
        (folder / name / "train.py").write_text(NETWORK, encoding="utf-8")
    return folder


def flags(tmp_path: Path, name: str) -> list[str]:
    stored = json.loads((tmp_path / "grades" / name / "grade.json").read_text("utf-8"))
    return [flag["kind"] for flag in stored["flags"] if flag["kind"] == "same weights"]


@pytest.mark.usefixtures("handed_in")
def test_a_class_is_compared_at_the_end_of_its_run_and_settled_by_a_person(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    done = grade("handed-in", "--lab", "mine")
    assert "with the same weights as another one: 3" in done.out, done
    assert [len(flags(tmp_path, name)) for name in ("ada", "bob", "cid", "dee")] == [1, 1, 1, 0]
    page = (tmp_path / "grades" / "index.html").read_text("utf-8")
    assert "3 submissions hold exactly the same weights." in page
    settled = grade("compare", "grades", "--settle", "ada", "--found", "agreed", "--reason", "a team", "--by", "kim")
    assert settled.status == 0, settled.err
    assert "agreed (a team)" in settled.out
    assert flags(tmp_path, "bob") == []
    assert "Submissions that are alike" not in (tmp_path / "grades" / "index.html").read_text("utf-8")
    again = grade("handed-in", "--lab", "mine")
    assert again.err == ""
    assert flags(tmp_path, "bob") == []
    assert grade("compare", "grades", "--lang", "zh").out.count("事先约定") == 1


def test_what_belongs_together_is_asked_for_together(grade, tmp_path):
    (tmp_path / "grades").mkdir()
    done = grade("compare", "grades", "--settle", "ada")
    assert done.status == 2
    assert "--settle STUDENT, --found and --reason belong together" in done.err
    assert "contains no grade.json" in grade("compare", "grades").err


@pytest.mark.usefixtures("handed_in")
def test_what_cannot_be_compared_takes_nothing_else_with_it(grade, tmp_path):
    grade("lab", "new", "mine", "--title", "My lab", "--weights", "net.pth", "--none", 10, "--full", 20)
    (tmp_path / "grades" / ".grade").mkdir(parents=True)
    (tmp_path / "grades" / ".grade" / "alike.json").write_text("[3]", encoding="utf-8")
    done = grade("handed-in", "--lab", "mine")
    assert "alike.json cannot be read by this version" in done.err
    assert (tmp_path / "grades" / "index.html").is_file()
    assert "The class: grades/index.html" in done.out
