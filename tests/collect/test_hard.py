"""The test images that the reference network gets wrong: what is counted on them, and that the file is right."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.collect.generalisation import OnTest, counted, draw
from grader.collect.hard import hard_images, on_hard
from grader.collect.scoring import score
from grader.dataset import CIFAR10, ImageSet
from grader.measures.generalisation import errs_unlike_networks, far_better
from grader.probes.weights.checkpoint import load_network

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The command that makes the file."""
    if not (ROOT / "reference" / "final.pth").is_file():
        pytest.skip("the reference's weights are in the checkout alone")
    spec = importlib.util.spec_from_file_location("hard_images", ROOT / "benchmarks" / "hard_images.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def black(tmp_path) -> ImageSet:
    """As many images as CIFAR-10 has for testing, under its digest: black, with their numbers as labels modulo ten."""
    for split, count in (("test", 10_000), ("train", 5_000)):
        np.save(tmp_path / f"{split}_images.npy", np.zeros((count, 3, 32, 32), dtype=np.uint8))
        np.save(tmp_path / f"{split}_labels.npy", (np.arange(count) % 10).astype(np.uint8))
    return ImageSet("CIFAR-10", CIFAR10.classes, CIFAR10.test.digest, tmp_path)


def one_hot(labels: Any) -> Any:
    return np.eye(10, dtype=np.float32)[labels]


def test_each_hard_image_is_one_of_the_test_images_and_there_once():
    hard = hard_images()
    assert (np.diff(hard) > 0).all()
    assert (hard[0] >= 0, hard[-1] < CIFAR10.test.rows, 500 < len(hard) < 1_000) == (True, True, True)


def test_hard_images_classified_correctly_are_counted(black):
    answers = black.labels("test").copy()
    answers[hard_images()[:100]] = (answers[hard_images()[:100]] + 1) % 10
    assert on_hard(one_hot(answers), black) == (len(hard_images()), len(hard_images()) - 100)


@pytest.mark.parametrize(("count", "digest"), [(9_999, CIFAR10.test.digest), (10_000, "0" * 64)])
def test_nothing_is_counted_on_a_part_or_on_other_images(black, count, digest):
    assert on_hard(one_hot(black.labels("test")[:count]), replace(black, digest=digest)) == (0, 0)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.4])
def test_a_table_of_all_images_with_false_labels_anywhere_is_told_by_them_alone(black, share):
    """Mirrored copies and training images are in it as well, so that it is as good on them."""
    rng, drawn = np.random.default_rng(4), draw(black, 10_000, 3)
    labels = {split: black.labels(split).copy() for split in ("test", "train")}
    for known in labels.values():
        false = rng.random(len(known)) < share
        known[false] = (known[false] + 1) % 10
    test, part = one_hot(labels["test"]), drawn.first
    beside = one_hot(np.concatenate([labels["test"][part.copied], labels["train"][part.trained]]))
    scores = score(test, black.labels("test"), black.name, black.classes)
    found = counted(drawn, beside, OnTest(test, scores, black), lambda part: None)
    assert not far_better(found, scores)
    assert errs_unlike_networks(found, scores)


def test_the_rest_of_the_images_beside_does_not_change_what_is_counted(black):
    drawn = draw(black, 10_000, 3)
    test = one_hot(black.labels("test"))
    scores = score(test, black.labels("test"), black.name, black.classes)
    wrong = np.zeros((10_000, 10), dtype=np.float32)
    found = counted(
        drawn, wrong[: len(drawn.first.pixels)], OnTest(test, scores, black), lambda part: wrong[: len(part.pixels)]
    )
    assert (found.moved, found.hard, found.correct_hard) == (1_000, len(hard_images()), len(hard_images()))


@pytest.mark.cifar10
def test_the_file_is_the_one_that_the_references_weights_give(cifar10, script):
    kept = "\n".join(map(str, hard_images()))
    assert script.text_of(cifar10).split() == kept.split(), "run: python benchmarks/hard_images.py"


@pytest.mark.cifar10
def test_an_honest_network_of_66_percent_is_not_flagged_for_its_errors(cifar10, script):
    with (ROOT / "reference" / "handout" / "pretrain_model.pth").open("rb") as file:
        logits = script.logits_of(load_network(file.fileno(), file.name), cifar10.images("test"))
    scores = score(logits, cifar10.labels("test"), cifar10.name, cifar10.classes)
    drawn = draw(cifar10, 10_000, 3)
    found = counted(drawn, logits[: len(drawn.first.pixels)], OnTest(logits, scores, cifar10), lambda part: None)
    assert (found.hard, scores.correct > 6_000) == (len(hard_images()), True)
    assert not errs_unlike_networks(found, scores)
