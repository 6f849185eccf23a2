"""Where images and weights are kept: also for a user without a home, or with one that cannot be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from grader.dataset import demo, usual_folders, usual_places
from grader.dataset.cache import default_cache, usual_cache, why_not_usual
from reports.text import words

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps caches elsewhere")


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """A temporary folder of its own; the cache in it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp" / f"cnn-lab-grader-{os.geteuid()}"


@pytest.fixture
def homeless(monkeypatch) -> None:
    import pwd

    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def unwritable(tmp_path, monkeypatch) -> Path:
    """A cache folder that nobody can make, root neither: a file is in its way."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    return tmp_path / "file"


def test_the_usual_cache_is_taken_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_cache() == usual_cache() == tmp_path / "cache" / "cnn-lab-grader"
    assert why_not_usual() is None
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("homeless")
def test_without_a_home_the_temporary_folder_keeps_the_cache_and_this_is_said(temporary):
    assert default_cache() == temporary
    assert temporary.stat().st_mode & 0o777 == 0o700
    said = words(why_not_usual())
    assert said.startswith("This user has no home folder.")
    assert str(temporary) in said and "set XDG_CACHE_HOME" in said
    assert demo(default_cache()).folder.is_relative_to(temporary)
    assert temporary / "weights" in usual_folders()
    assert usual_places() == (Path("data"), Path("datasets"))


def test_with_a_home_that_cannot_be_written_too(temporary, unwritable):
    assert default_cache() == temporary
    assert f"{unwritable}/cnn-lab-grader cannot be written." in words(why_not_usual())


def test_what_a_cache_that_can_only_be_read_holds_is_found(temporary, unwritable):
    assert unwritable / "cnn-lab-grader" in usual_places()
    assert unwritable / "cnn-lab-grader" / "weights" in usual_folders()


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_can_write_is_not_taken(temporary, unwritable, mode):
    temporary.mkdir()
    temporary.chmod(mode)
    assert default_cache() == unwritable / "cnn-lab-grader"
    assert "The temporary folder cannot be used either." in words(why_not_usual())


def test_a_link_is_not_taken(temporary, unwritable, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    temporary.symlink_to(tmp_path / "elsewhere")
    assert default_cache() == unwritable / "cnn-lab-grader"
