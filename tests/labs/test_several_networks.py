"""A lab that asks for several networks: which file is whose, what its lab.toml and its rubric may say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.checks import load_rubric
from grader.collect import networks
from grader.collect.choosing import Inputs
from grader.collect.looks.layout import look
from grader.collect.subject import Subject
from grader.collect.weights import without
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claim,
    Claims,
    Evidence,
    GivenWeights,
    Layout,
    OpenTask,
    Refused,
    Seen,
    Unavailable,
    kind_of,
)
from grader.intake.parts import sort_parts
from grader.labs import Lab, find_lab, read_lab, using_lab
from grader.records import Student, Submission, SubmittedFile, message
from grader.records.errors import BadLab

CNN, RESNET = "cnn_cifar_net.pth", "rescnn_cifar_lr_net.pth"
LEAST = """\
title = "Two networks"
dataset = "cifar10"
normalisation = { mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }
training_script = "train.py"
[weights.small]
files = ["small.pth", "*small*.pth"]
[weights.large]
files = ["large.pth"]
"""


def written(folder: Path, text: str) -> Lab:
    (folder / "lab.toml").write_text(text, encoding="utf-8")
    return read_lab(folder)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(BadLab) as refused:
        act()
    return refused.value.message.english()


@pytest.mark.parametrize(
    ("files", "cnn", "resnet", "others"),
    [
        ([CNN, RESNET], [CNN], [RESNET], []),
        (["my_CNN.pth", "RescnnFinal.pth"], ["my_CNN.pth"], ["RescnnFinal.pth"], []),
        (["out/cnn.pth", "res.pt"], ["out/cnn.pth"], ["res.pt"], []),
        ([RESNET], [], [RESNET], []),
        (["cnn1.pth", "cnn2.pth", "resnet.pth"], ["cnn1.pth", "cnn2.pth"], ["resnet.pth"], []),
        (["a.pth", "b.pth"], [], [], ["a.pth", "b.pth"]),
        ([RESNET, "rescnn_cifar_net.pth"], [], [RESNET], ["rescnn_cifar_net.pth"]),
    ],
    ids=["as-asked", "patterns", "folders", "one-missing", "two-of-one", "neither", "older-one-of-the-other"],
)
def test_each_file_is_the_weights_of_one_network(
    files: list[str], cnn: list[str], resnet: list[str], others: list[str]
) -> None:
    with using_lab(find_lab("lab-9")):
        parts, _ = sort_parts(files, ())
    found = {name: list(paths) for name, paths in parts.by_network}
    assert (found, list(parts.other_weights)) == ({"cnn": cnn, "resnet": resnet}, others)
    assert list(parts.checkpoints) == cnn


def test_names_that_differ_in_case_are_noted_of_each_network() -> None:
    with using_lab(find_lab("lab-9")):
        _, notes = sort_parts([CNN.upper(), RESNET.upper()], ())
    assert [note.english() for note in notes] == [
        f"{name.upper()} was read as {name}: the names differ only in case." for name in (CNN, RESNET)
    ]


def test_a_file_that_two_networks_want_alike_is_nobodys_for_certain(tmp_path: Path) -> None:
    text = LEAST.replace('"large.pth"', '"large.pth", "*large*.pth"')
    with using_lab(written(tmp_path, text)):
        parts, _ = sort_parts(["large_or_small.pth"], ())
    assert dict(parts.by_network) == {"small": ("large_or_small.pth",), "large": ("large_or_small.pth",)}


def test_weights_of_any_network_are_work_beside_open_tasks(tmp_path: Path) -> None:
    unused: Any = None
    files = ("exp.py", "large.pth")
    with using_lab(written(tmp_path, LEAST.replace("[weights.small]", 'scripts = ["exp.py"]\n[weights.small]'))):
        parts, _ = sort_parts(files, ())
        submission = Submission(
            Student("Ada Ng"), "d" * 64, "ada.zip", tmp_path, tuple(SubmittedFile(name, 1) for name in files), parts
        )
        task = OpenTask("1.1", "train", "exp.py", 3)
        found = look(Subject(submission, unused, unused, (task,)))
    assert isinstance(found, Layout)


def test_the_lab_knows_its_networks(tmp_path: Path) -> None:
    lab = written(tmp_path, LEAST)
    assert [(one.name, one.weights) for one in lab.networks] == [
        ("small", ("small.pth", "*small*.pth")),
        ("large", ("large.pth",)),
    ]
    assert lab.checkpoint == "small.pth"
    assert lab.of("large").checkpoint == "large.pth"
    assert {"small.pth", "large.pth"} <= lab.work


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[weights.small]", '[weights."Small one"]', "line 5: 'Small one' is not a name for a network"),
        ('files = ["large.pth"]', 'file = ["large.pth"]', "'weights.large.files' is missing"),
        ('files = ["large.pth"]', 'files = "large.pth"', "line 5: weights.large.files: "),
        ('["large.pth"]', '["*.pth"]', "line 5: weights begin with the name of a file"),
        ('["large.pth"]', '["Small.pth"]', "line 5: two networks have the same file"),
        ('["large.pth"]', '["large.pth"]\nknown = ["cnn"]', "line 9: weights.large has files alone, not known"),
        ('["large.pth"]', '["large.pth"]\npackages = ["pandas"]', "keys of the lab stand above these tables"),
        ('files = ["large.pth"]', 'name = "big"\nfiles = ["large.pth"]', "weights.large has files alone, not name"),
        ('files = ["large.pth"]', 'weights = ["large.pth"]', "'weights.large.files' is missing"),
    ],
)
def test_what_is_wrong_with_a_network_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in refusal(lambda: written(tmp_path, LEAST.replace(old, new)))


@pytest.mark.parametrize(
    "weights",
    [
        "[weights]",
        "[weights]\nsmall = 3",
        "[weights]\nsmall = []",
        '[weights]\nfiles = ["small.pth"]',
        '[weights]\nsmall = ["small.pth"]\nlarge = ["small.pth"]',
        '[weights]\nsmall = []\n[weights.large]\nfiles = "large.pth"',
    ],
)
def test_weights_that_are_neither_a_list_nor_tables_are_told(tmp_path: Path, weights: str) -> None:
    text = LEAST[: LEAST.index("[weights.small]")] + weights + "\n"
    said = refusal(lambda: written(tmp_path, text))
    assert "line 5: weights are a list of files, or a table for each network: [weights.NAME]" in said


def test_a_criterion_names_its_network(tmp_path: Path) -> None:
    both = "".join(
        f"[measured_accuracy.{name}]\npoints = {points}\nknots = [[0.5, 0.0], [0.9, 1.0]]\n"
        for name, points in (("small", 10), ("large", 20))
    )
    (tmp_path / "rubric.toml").write_text(both, encoding="utf-8")
    with using_lab(written(tmp_path, LEAST)):
        lines = load_rubric().lines
    assert [(line.criterion.check, line.criterion.network, line.criterion.points) for line in lines] == [
        ("measured_accuracy.small", "small", 10.0),
        ("measured_accuracy.large", "large", 20.0),
    ]
    assert {line.criterion.kind for line in lines} == {"measured_accuracy"}


@pytest.mark.parametrize(
    "criterion",
    [
        "[measured_accuracy]\npoints = 10\nknots = [[0.5, 0.0], [0.9, 1.0]]\n",
        "[measured_accuracy.smal]\npoints = 10\nknots = [[0.5, 0.0], [0.9, 1.0]]\n",
        "[measured_accuracy]\n[submission_layout]\npoints = 10\nrequired = []\nmegabytes = 1\n",
    ],
    ids=["none", "misspelt", "empty"],
)
def test_a_criterion_of_no_network_is_told(tmp_path: Path, criterion: str) -> None:
    (tmp_path / "rubric.toml").write_text(criterion, encoding="utf-8")
    with using_lab(written(tmp_path, LEAST)):
        told = refusal(load_rubric)
    assert "write [measured_accuracy.small]; the networks of the lab are small, large" in told


def test_one_normalisation_cannot_be_chosen_for_one_network_alone(tmp_path: Path) -> None:
    both = "".join(
        f"[measured_accuracy.{name}]\npoints = 10\nknots = [[0.5, 0.0], [0.9, 1.0]]\nchoose_preprocessing = {may}\n"
        for name, may in (("small", "true"), ("large", "false"))
    )
    (tmp_path / "rubric.toml").write_text(both, encoding="utf-8")
    with using_lab(written(tmp_path, LEAST)):
        assert "choose_preprocessing must be the same for all networks" in refusal(load_rubric)


def test_a_lab_with_one_network_has_no_criteria_of_several(tmp_path: Path) -> None:
    (tmp_path / "rubric.toml").write_text("[measured_accuracy.small]\npoints = 10\n", encoding="utf-8")
    with using_lab(find_lab("homework-2")):
        assert "'measured_accuracy': small: there is no such limit" in refusal(
            lambda: load_rubric(tmp_path / "rubric.toml")
        )


def test_evidence_of_a_network_holds_nothing_of_another_ones() -> None:
    missing = Refused("missing", message("cnn.pth is missing."))
    claims = Seen(Claims(()))
    evidence = Evidence(
        Student("Ada Ng"), "d" * 64, "ada.zip",
        ((kind_of(Accuracy), missing), (kind_of(Claims), claims), (kind_of(GivenWeights), Seen(GivenWeights("", ())))),
        network="cnn", networks=(("resnet", ((kind_of(Accuracy), Unavailable(message("no images"))),)),),
    )  # fmt: skip
    assert evidence.of("cnn") is evidence.of("") is evidence
    assert evidence.of("resnet").observation(Accuracy) == Unavailable(message("no images"))
    assert evidence.of("resnet").seen(Claims) is None
    assert evidence.of("resnet").seen(GivenWeights) is None
    assert "not looked at" in str(evidence.of("another").observation(Checkpoint))
    assert [one.network for one in evidence.by_network] == ["cnn", "resnet"]
    assert replace(evidence, networks=()).by_network == (replace(evidence, networks=()),)


def test_a_claim_that_may_be_of_another_network_does_not_decide_which_variant_this_one_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[object] = []
    monkeypatch.setattr(networks, "own_network", lambda *_: None)
    monkeypatch.setattr(networks, "best_variant", lambda _, __, claims: compared.append(claims))
    unused: Any = None
    several = without(Refused("variants", message("It exists in several variants.")))
    claims = Claims((Claim(0.87, "lab9.ipynb, cell 2", 0, "test accuracy: 0.87"),))
    for name in ("cnn", ""):
        networks.with_own_network(unused, networks.Measured(name, Inputs(unused), None, several, claims))
    assert compared == [Claims(()), claims], "in a lab with one network it can be about no other"
