"""The drawn set: the same bytes everywhere, balanced, and repaired when damaged."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest

from grader.dataset import demo
from grader.dataset.demo_set import DEMO, SEEDS
from grader.dataset.drawing import draw
from grader.dataset.shapes import COSINES
from grader.records.errors import MissingData


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("demo"))


def test_the_bytes_are_the_recorded_ones():
    # On every platform and numpy: the accuracies that the tests of the demo submission expect rest on them.
    assert hashlib.sha256(draw(2_000, SEEDS["demo_test"])).hexdigest() == DEMO.test.digest


def test_drawing_twice_gives_the_same_and_another_seed_gives_others():
    assert np.array_equal(draw(20, 5), draw(20, 5))
    assert not np.array_equal(draw(20, 5), draw(20, 6))


def test_it_has_the_shape_of_cifar10(drawn):
    assert drawn.name == "demo"
    assert drawn.images("test").shape == (2_000, 3, 32, 32)
    assert drawn.images("train").shape == (5_000, 3, 32, 32)
    assert drawn.images("test").dtype == drawn.labels("test").dtype == np.uint8
    assert len(drawn.classes) == 10


def test_every_class_is_as_frequent_and_the_order_is_mixed(drawn):
    assert np.bincount(drawn.labels("test")).tolist() == [200] * 10
    assert np.bincount(drawn.labels("train")).tolist() == [500] * 10
    assert len(set(drawn.labels("test")[:40].tolist())) == 10


def test_no_test_image_is_a_training_image(drawn):
    test, train = ({image.tobytes() for image in drawn.images(split)} for split in ("test", "train"))
    assert not test & train
    assert len(test) == 2_000


def test_a_class_cannot_be_told_from_mean_colours(drawn):
    means = drawn.images("train").mean((2, 3))
    labels = drawn.labels("train")
    centres = np.stack([means[labels == label].mean(0) for label in range(10)])
    nearest = np.linalg.norm(means[:, None] - centres, axis=2).argmin(1)
    assert (nearest == labels).mean() < 0.2  # chance is 0.1


def test_it_is_drawn_once(tmp_path, monkeypatch):
    demo(tmp_path)
    monkeypatch.setattr("grader.dataset.demo_set.draw", lambda *_: pytest.fail("drawn again"))
    demo(tmp_path)


def test_a_damaged_copy_is_redrawn(tmp_path):
    path = demo(tmp_path).images_file("test")
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x00")
    path.write_bytes(path.read_bytes()[:-2])
    assert demo(tmp_path).images("test").shape == (2_000, 3, 32, 32)


def test_a_platform_that_draws_differently_is_asked_to_report_it(tmp_path, monkeypatch):
    other = dataclasses.replace(DEMO, test=dataclasses.replace(DEMO.test, digest="0" * 64))
    monkeypatch.setattr("grader.dataset.demo_set.DEMO", other)
    with pytest.raises(MissingData, match=r"demo_test has been altered.*please report it"):
        demo(tmp_path)


def test_no_cosine_lies_near_a_rounding_edge():
    exact = 4096 * np.cos(2 * np.pi * np.arange(256) / 256)
    assert np.abs(exact % 1 - 0.5).min() > 1e-4
    assert np.array_equal(np.rint(exact), COSINES)
