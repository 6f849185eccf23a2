"""Weights of a textbook's network: the class says what they are, else measuring does, else the student is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from grader.collect import Equipment, collect
from grader.collect.normalisations import template
from grader.collect.textbook import _winner
from grader.dataset import ImageSet
from grader.evidence import Accuracy, Checkpoint, Evidence, OwnNetwork, Refused
from grader.evidence.wording import english
from grader.intake import Archive, open_submission
from grader.records import Student

pytestmark = pytest.mark.slow  # each measures six networks on 5,000 images
STEPS, BATCH = 150, 64


def _lenet(activation: type[nn.Module], pooling: type[nn.Module]) -> nn.Module:
    """LeNet as d2l numbers it."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), activation(), pooling(2, 2), nn.Conv2d(6, 16, 5), activation(), pooling(2, 2),
        nn.Flatten(), nn.Linear(400, 120), activation(), nn.Linear(120, 84), activation(), nn.Linear(84, 10),
    )  # fmt: skip


def _inputs(images: ImageSet, split: str) -> torch.Tensor:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (template().mean, template().std))
    return (torch.from_numpy(np.array(images.images(split))).float() / 255 - mean) / std


@pytest.fixture(scope="module")
def trained(demo_images: ImageSet) -> nn.Module:
    """A LeNet with ReLU and maximum pooling, trained for seconds."""
    torch.manual_seed(0)
    net = _lenet(nn.ReLU, nn.MaxPool2d)
    x, y = _inputs(demo_images, "train")[:600], torch.from_numpy(np.array(demo_images.labels("train")[:600])).long()
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(STEPS):
        index = torch.randint(len(x), (BATCH,))
        loss = nn.functional.cross_entropy(net(x[index]), y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


@pytest.fixture
def look(demo_images: ImageSet, files_sandbox: Any, tmp_path: Path) -> Callable[..., Evidence]:
    def at(found: Any, images: ImageSet = demo_images, **scripts: str) -> Evidence:
        folder = tmp_path / "handed-in"
        folder.mkdir()
        torch.save(found, folder / "final.pth")
        for name, content in scripts.items():
            (folder / f"{name}.py").write_text(content, encoding="utf-8")
        submission = open_submission(Archive(folder, Student("Ada Ng")), tmp_path / "unpacked")
        return collect(submission, Equipment(images, files_sandbox, "cpu", 1), lambda step: None)

    return at


def test_the_variant_that_wins_on_training_images_is_measured(
    look: Callable[..., Evidence], trained: nn.Module, demo_images: ImageSet
) -> None:
    found = look(trained.state_dict())

    with torch.no_grad():
        right = trained(_inputs(demo_images, "test")).argmax(1).numpy() == demo_images.labels("test")
    assert found.seen(Accuracy).correct == right.sum()
    checkpoint = found.seen(Checkpoint)
    assert checkpoint.network == "LeNet of d2l (ReLU, max pooling)"
    assert english(checkpoint.renamed[-1]) == ("ReLU, max pooling, the best of 6 variants on 5,000 training images")
    assert found.seen(OwnNetwork) is None


def test_where_no_variant_is_better_than_guessing_the_class_is_asked_for(
    look: Callable[..., Evidence], part_of_the_demo: Callable[[int, int], ImageSet]
) -> None:
    torch.manual_seed(1)

    outcome = look(_lenet(nn.Sigmoid, nn.AvgPool2d).state_dict(), part_of_the_demo(100, 500)).observation(Accuracy)

    assert isinstance(outcome, Refused)
    assert outcome.code == "variants"
    assert "LeNet of d2l" in outcome.message.english()
    assert "hand in the class" in outcome.message.english()


def test_a_claim_above_the_best_variant_leaves_it_open(look: Callable[..., Evidence], trained: nn.Module) -> None:
    """Perhaps it is yet another variant; a figure that may be of training images (`acc`) leaves nothing open."""
    outcome = look({"net": trained.state_dict(), "test_acc": 99.9}).observation(Accuracy)

    assert isinstance(outcome, Refused)
    assert outcome.code == "variants"


def _right(*shares: float) -> dict[str, Any]:
    draws = np.random.default_rng(0).permuted(np.tile(np.arange(2000) / 2000, (len(shares), 1)), axis=1)
    return {f"{share:g}": row < share for share, row in zip(shares, draws, strict=True)}


def test_the_winner_is_beyond_chance_of_every_other_and_of_guessing() -> None:
    assert _winner(_right(0.5, 0.3, 0.1)) == "0.5"
    assert _winner(_right(0.5, 0.49, 0.1)) == ""
    assert _winner(_right(0.6)) == "0.6"
    assert _winner(_right(0.11)) == ""
    assert _winner({}) == ""
    same = _right(0.5)["0.5"]
    assert _winner({"one": same, "other": same.copy()}) == ""
