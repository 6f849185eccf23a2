"""What is kept comes back as it was, or not at all, and never takes more room than it may."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from grader.disk.kept import DIGEST, SHARDS, Kept


def _key(number: int, shard: str = "ab") -> str:
    return shard + hashlib.sha256(str(number).encode()).hexdigest()[2:]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "features", 10_000 * SHARDS)


def _file(kept: Kept, key: str) -> Path:
    return kept.folder / key[:2] / key


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 30])
def test_what_was_put_comes_back(kept: Kept, data: bytes) -> None:
    assert kept.get(_key(1)) is None
    kept.put(_key(1), data)
    assert kept.get(_key(1)) == data
    assert kept.get(_key(2)) is None


@pytest.mark.parametrize(
    "tear", [lambda data: data[:-1], lambda data: data[:5], lambda data: b"", lambda data: b"?" + data[1:]]
)
def test_a_torn_file_is_not_there_and_goes(kept: Kept, tear) -> None:
    kept.put(_key(1), b"numbers" * 100)
    file = _file(kept, _key(1))
    file.write_bytes(tear(file.read_bytes()))

    assert kept.get(_key(1)) is None
    assert not file.exists()
    kept.put(_key(1), b"again")
    assert kept.get(_key(1)) == b"again"


def test_what_was_used_longest_ago_goes_first(kept: Kept) -> None:
    for number in range(4):
        kept.put(_key(number), bytes(2_000))
        os.utime(_file(kept, _key(number)), (1_000 + number, 1_000 + number))
    kept.get(_key(0))  # used just now
    kept.put(_key(9), bytes(3_500))
    assert [kept.get(_key(number)) is not None for number in (0, 1, 2, 3, 9)] == [True, False, True, True, True]


def test_the_folder_never_grows_beyond_its_bound(kept: Kept) -> None:
    for number in range(60):
        kept.put(_key(number), bytes(1_000))
        assert sum(file.stat().st_size for file in kept.folder.rglob("*") if file.is_file()) <= 10_000


def test_what_is_larger_than_its_share_is_not_kept(kept: Kept) -> None:
    kept.put(_key(1), bytes(10_000 - DIGEST + 1))
    assert kept.get(_key(1)) is None
    kept.put(_key(1), bytes(10_000 - DIGEST))
    assert kept.get(_key(1)) is not None


def test_a_folder_that_cannot_be_made_keeps_nothing_and_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept = Kept(tmp_path / "file", 1 << 20)
    kept.put(_key(1), b"numbers")
    assert kept.get(_key(1)) is None
