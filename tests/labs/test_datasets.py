"""Images of a course's own: every usual layout is read, and what is wrong is told by array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.dataset import own_images
from grader.labs.datasets import own_set
from grader.records.errors import BadLab

CHANCE = np.random.default_rng(4)
RIGHT: dict[str, Any] = {
    "test_images": CHANCE.integers(0, 256, (6, 28, 28), dtype=np.uint8),
    "test_labels": np.array([0, 1, 2, 0, 1, 2]),
    "train_images": CHANCE.integers(0, 256, (9, 28, 28), dtype=np.uint8),
    "train_labels": np.arange(9) % 3,
}


def written(folder: Path, **arrays: Any) -> Path:
    path = folder / "letters.npz"
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.mark.parametrize(
    ("shape", "stored"),
    [
        ((6, 28, 28), (6, 1, 28, 28)),
        ((6, 28, 28, 1), (6, 1, 28, 28)),
        ((6, 32, 32, 3), (6, 3, 32, 32)),
        ((6, 3, 32, 32), (6, 3, 32, 32)),
        ((6, 3, 16, 16), (6, 3, 16, 16)),
    ],
)
def test_images_are_kept_by_channel_whatever_their_layout(
    tmp_path: Path, shape: tuple[int, ...], stored: tuple[int, ...]
) -> None:
    images = CHANCE.integers(0, 256, shape, dtype=np.uint8)
    path = written(tmp_path, test_images=images, test_labels=RIGHT["test_labels"])
    found = own_images(path, tmp_path / "cache")
    assert found.images("test").shape == stored
    by_channel = images.reshape(6, 1, *shape[1:3]) if stored[1] == 1 else images
    by_channel = by_channel.transpose(0, 3, 1, 2) if shape[-1] == 3 else by_channel
    assert np.array_equal(found.images("test"), by_channel)
    assert (own_set(path).name, own_set(path).shape, own_set(path).calibrated) == ("letters", stored[1:], False)


def test_labels_and_names_of_classes_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, **RIGHT, class_names=np.array(["α", "b", "c", "d"]))
    found = own_images(path, tmp_path / "cache")
    assert found.classes == ("α", "b", "c", "d")
    assert found.labels("test").tolist() == RIGHT["test_labels"].tolist()
    assert found.labels("train").tolist() == RIGHT["train_labels"].tolist()
    assert own_set(written(tmp_path, **RIGHT)).classes == 3


def test_a_set_may_have_a_thousand_classes_and_no_training_images(tmp_path: Path) -> None:
    labels = np.arange(1000, dtype=np.int64)
    path = written(tmp_path, test_images=np.zeros((1000, 8, 8), np.uint8), test_labels=labels)
    found = own_images(path, tmp_path / "cache")
    assert len(found.classes) == 1000
    assert found.labels("test").tolist() == labels.tolist()
    assert len(found.labels("train")) == len(found.images("train")) == 0


def test_another_file_is_another_set_in_the_cache(tmp_path: Path) -> None:
    first = own_images(written(tmp_path, **RIGHT), tmp_path / "cache")
    changed = {**RIGHT, "test_labels": RIGHT["test_labels"][::-1]}
    second = own_images(written(tmp_path, **changed), tmp_path / "cache")
    assert first.digest != second.digest
    assert first.labels("test").tolist() == second.labels("test").tolist()[::-1]
    assert {path.name for path in (tmp_path / "cache" / "own").iterdir()} == {first.folder.name, second.folder.name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_labels": None}, "has no array test_labels. Write it with numpy.savez_compressed('letters.npz'"),
        ({"train_labels": None}, "train_labels is missing; it must be 9 whole numbers"),
        ({"train_images": None}, "train_images is missing; it must be uint8"),
        ({"test_images": np.zeros((6, 28, 28))}, "test_images is float64 of shape (6, 28, 28); it must be uint8"),
        ({"test_images": np.zeros((6, 28, 30), np.uint8)}, "test_images is uint8 of shape"),
        ({"test_images": np.zeros((6, 4, 28, 28), np.uint8)}, "test_images is uint8 of shape"),
        ({"test_images": np.zeros((0, 28, 28), np.uint8)}, "test_images is uint8 of shape (0, 28, 28)"),
        ({"test_images": np.zeros((6, 4, 4), np.uint8)}, "H from 8 to 512"),
        ({"train_images": np.zeros((9, 32, 32), np.uint8)}, "it must be the shape of test_images"),
        ({"test_labels": np.arange(5)}, "it must be 6 whole numbers from 0 to 999, one for each image"),
        ({"test_labels": np.arange(6) - 1}, "from 0 to 999"),
        ({"test_labels": np.full(6, 70_000)}, "from 0 to 999"),
        (
            {"test_labels": RIGHT["test_labels"] + 1, "train_labels": RIGHT["train_labels"] + 1},
            "test_labels is numbers from 1 on; it must be class numbers from 0 on; or name them in class_names",
        ),
        ({"class_names": np.array("abc")}, "class_names is"),
        ({"class_names": np.array([b"a", b"b", b"c"])}, "it must be a row of texts"),
        ({"test_labels": np.zeros(6)}, "test_labels is float64"),
        ({"class_names": np.array(["a", "b"])}, "class_names is 2 classes, labels up to 2"),
        ({"test_labels": np.zeros(6, int), "train_labels": np.zeros(9, int)}, "is 1 classes, labels up to 0"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_by_array(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadLab) as refused:
        own_set(written(tmp_path, **{**RIGHT, **change}))
    assert said in refused.value.message.english()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x80\x04].", b"\x93NUMPY\x01\x00"])
def test_what_is_no_npz_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letters.npz"
    path.write_bytes(content)
    with pytest.raises(BadLab, match=r"cannot be read as \.npz"):
        own_set(path)


def test_a_pickle_inside_is_not_loaded(tmp_path: Path) -> None:
    path = written(tmp_path, **{**RIGHT, "test_labels": np.array([object()] * 6, dtype=object)})
    with pytest.raises(BadLab, match=r"cannot be read as \.npz"):
        own_set(path)
