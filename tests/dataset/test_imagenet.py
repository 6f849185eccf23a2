"""ImageNet weights: whole and verified, or not taken."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from grader.dataset import fetch_weights, find_weights, usual_folders
from grader.dataset.imagenet import weights_folder
from grader.records.errors import MissingData

CONTENT = b"weights of a network"
NAME = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)


def quiet(*ignored: object) -> None:
    pass


def test_what_is_fetched_is_kept_and_not_fetched_again(tmp_path):
    source = tmp_path / "source.pth"
    source.write_bytes(CONTENT)
    kept = fetch_weights(source.as_uri(), NAME, quiet)
    assert kept == weights_folder() / NAME
    assert kept.read_bytes() == CONTENT
    source.unlink()
    assert fetch_weights(source.as_uri(), NAME, quiet) == kept


@pytest.mark.parametrize("sent", [CONTENT[:-1], b"<html>404</html>", b""])
def test_another_content_than_the_name_says_is_not_kept(tmp_path, sent):
    source = tmp_path / "source.pth"
    source.write_bytes(sent)
    with pytest.raises(MissingData, match="does not match the digest in its name"):
        fetch_weights(source.as_uri(), NAME, quiet)
    assert list(weights_folder().iterdir()) == []


def test_an_address_that_answers_nothing_is_named_with_what_to_do(tmp_path):
    with pytest.raises(MissingData, match="--weights-dir"):
        fetch_weights((tmp_path / "nowhere.pth").as_uri(), NAME, quiet)


def test_weights_are_found_in_the_named_folder_and_in_torchs_own_cache(tmp_path):
    cache = tmp_path / "cache" / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(CONTENT)
    assert find_weights(NAME, usual_folders()) == cache / NAME
    (tmp_path / NAME).write_bytes(CONTENT)
    assert find_weights(NAME, usual_folders(tmp_path)) == tmp_path / NAME


def test_a_damaged_file_and_one_without_a_digest_in_its_name_are_not_used(tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT + b"!")
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert find_weights(NAME, (tmp_path,)) is None
    assert find_weights("net.pth", (tmp_path,)) is None
