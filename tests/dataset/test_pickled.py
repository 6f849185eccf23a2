"""Batches of the Python version, hostile ones among them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from grader.dataset.edition import Unusable
from grader.dataset.pickled import read_pickled


def replaced(tiny, tmp_path, content: bytes):
    folder = tiny.pickled(tmp_path / "cifar-10-batches-py")
    (folder / "data_batch_1").write_bytes(content)
    return lambda: dict(read_pickled(folder, tiny.edition))


class Hostile:
    def __init__(self, marker) -> None:
        self.marker = marker

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.marker),)


def test_code_in_a_batch_is_refused_by_name_and_never_runs(tiny, tmp_path):
    read = replaced(tiny, tmp_path, pickle.dumps({"data": Hostile(tmp_path / "marker")}))
    with pytest.raises(Unusable, match=r"data_batch_1 is not a CIFAR-10 batch: it asks for \w+\.mkdir"):
        read()
    assert not (tmp_path / "marker").exists()


def test_the_hostile_batch_of_the_test_above_would_have_run(tmp_path):
    pickle.loads(pickle.dumps(Hostile(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("name", ["numpy.core.multiarray scalar", "numpy load", "builtins eval", "numpy ndarray.dump"])
def test_nothing_of_numpy_or_python_can_be_reached(name, tiny, tmp_path):
    module, attribute = name.split()
    with pytest.raises(Unusable, match="which no CIFAR-10 batch needs"):
        replaced(tiny, tmp_path, f"c{module}\n{attribute}\n.".encode())()


def test_the_test_batches_are_what_pythons_own_unpickler_reads(tiny, tmp_path):
    path = tiny.pickled(tmp_path) / "test_batch"
    batch = pickle.loads(path.read_bytes(), encoding="latin1")  # as torchvision does
    assert np.array_equal(batch["data"], tiny.batches["test_batch"][:, 1:])
    assert batch["labels"] == tiny.batches["test_batch"][:, 0].tolist()


@pytest.mark.parametrize("protocol", [3, 4])
def test_a_batch_repickled_by_python_3_is_read(protocol, tiny, tmp_path):
    rows = tiny.batches["data_batch_1"]
    batch = {"data": rows[:, 1:].copy(), "labels": rows[:, 0].tolist()}
    read = replaced(tiny, tmp_path, pickle.dumps(batch, protocol=protocol))
    assert np.array_equal(read()["data_batch_1"], rows)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html>",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": 1, "labels": 10**15}),
        pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": 10**15}, protocol=4),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]}, protocol=4),
        pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [1, 2, 300]}, protocol=4),
        pickle.dumps({"data": np.zeros((3, 3072), np.int64), "labels": [1, 2, 3]}, protocol=4)[:9000],
        b"(" * 9000,
        b"\x80\x02]r\xff\xff\xff\x7f.",
    ],
)
def test_a_file_that_is_not_a_batch_is_a_sentence(content, tiny, tmp_path):
    with pytest.raises(Unusable, match="data_batch_1 is not a CIFAR-10 batch"):
        replaced(tiny, tmp_path, content)()


def test_a_batch_that_is_far_too_long_is_not_read_whole(tiny, tmp_path):
    with pytest.raises(Unusable, match="data_batch_1 is longer than the"):
        replaced(tiny, tmp_path, bytes(100_000))()
