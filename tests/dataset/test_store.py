"""The cache: whole or not at all, and looked at again each time it is opened."""

from __future__ import annotations

import numpy as np
import pytest

from grader.dataset.edition import Unusable
from grader.dataset.store import kept_or_put, locked, put, stored


@pytest.fixture
def kept(tiny, cache):
    cache.mkdir()
    return put(cache, tiny.edition, tiny.batches.items())


def test_what_was_put_is_opened(tiny, cache, kept):
    assert tiny.is_in(kept)
    assert tiny.is_in(stored(cache, tiny.edition))
    assert kept.digest == tiny.edition.test.digest


def test_batches_may_come_in_any_order(tiny, cache):
    cache.mkdir()
    assert tiny.is_in(put(cache, tiny.edition, reversed(tiny.batches.items())))


def test_the_file_for_the_sandbox_holds_images_and_no_labels(tiny, kept):
    images = np.load(kept.images_file("test"), mmap_mode="r")
    assert images.shape == (4, 3, 32, 32)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert images.nbytes + 128 == kept.images_file("test").stat().st_size  # .npy header, pixels, nothing else


def test_images_and_labels_cannot_be_written(kept):
    with pytest.raises(ValueError, match="read-only"):
        kept.images("test")[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        kept.labels("train")[0] = 0


@pytest.mark.parametrize("file", ["test_images.npy", "test_labels.npy"])
def test_one_altered_byte_of_the_test_split_is_noticed(file, tiny, cache, kept):
    path = kept.folder / file
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    with pytest.raises(Unusable, match="test_batch has been altered"):
        stored(cache, tiny.edition)


@pytest.mark.parametrize("file", ["test_images.npy", "test_labels.npy", "train_images.npy", "train_labels.npy"])
@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", "cut"])
def test_a_missing_or_shortened_file_is_noticed(file, content, tiny, cache, kept):
    path = kept.folder / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if content == "cut" else content)
    with pytest.raises(Unusable, match=f"{file} is missing or incomplete"):
        stored(cache, tiny.edition)


@pytest.mark.parametrize("array", [np.zeros((6, 3, 32, 32), np.int8), np.zeros((5, 3, 32, 32), np.uint8)])
def test_an_array_of_another_kind_is_noticed(array, tiny, cache, kept):
    np.save(kept.folder / "train_images.npy", array)
    with pytest.raises(Unusable, match=r"train_images.npy holds u?int8 .*expected uint8 \(6, 3, 32, 32\)"):
        stored(cache, tiny.edition)


def test_an_interrupted_write_leaves_nothing_and_keeps_what_was_there(tiny, cache, kept, visible):
    def interrupted():
        yield "test_batch", tiny.batches["test_batch"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(cache, tiny.edition, interrupted())
    assert visible(cache) == {"tiny"}
    assert tiny.is_in(stored(cache, tiny.edition))


@pytest.mark.parametrize("wrong", ["missing", "twice", "altered", "short"])
def test_wrong_batches_are_refused_by_name_and_leave_nothing(wrong, tiny, cache, visible):
    cache.mkdir()
    batches = list(tiny.batches.items())
    name, rows = batches.pop()
    extra = {"missing": [], "twice": [(name, rows)] * 2, "altered": [(name, rows ^ 1)], "short": [(name, rows[:1])]}
    with pytest.raises(Unusable, match=name):
        put(cache, tiny.edition, batches + extra[wrong])
    assert visible(cache) == set()


def test_what_a_killed_process_left_is_swept_away(tiny, cache, visible):
    (cache / ".tiny.123.partial").mkdir(parents=True)
    (cache / ".tiny.123.partial" / "test_images.npy").write_bytes(b"half")
    with locked(cache, tiny.edition):
        assert visible(cache) == set()


def test_a_damaged_set_is_put_again(tiny, cache, kept):
    kept.images_file("test").unlink()
    assert tiny.is_in(kept_or_put(cache, tiny.edition, tiny.batches.items))
