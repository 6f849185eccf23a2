"""Temporary folders end with their run, and what a killed run left is removed by the next one."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.disk import scratch as module
from grader.disk.scratch import MARK, remove_leftovers, scratch
from grader.records.errors import BadLab

pytestmark = pytest.mark.skipif(os.name == "nt", reason="nothing is locked on Windows")
HOLD = """
import sys
from grader.disk.scratch import scratch
with scratch("call") as folder:
    (folder / "closed").mkdir()
    (folder / "closed" / "work.py").write_text("a student's")
    (folder / "closed").chmod(0)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    remove_leftovers.cache_clear()
    return tmp_path


@pytest.fixture
def held():
    """Another run, in the middle of its work: its process and its folder."""
    run = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    yield run, Path(run.stdout.readline().strip()).parent
    run.kill()
    run.communicate()


def test_a_folder_is_empty_and_gone_at_the_end(temporary):
    with scratch("images") as folder:
        assert list(folder.iterdir()) == []
        assert folder.parent.name.startswith("grade-images-")
        (folder / "file").write_text("x", encoding="utf-8")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(temporary, held):
    run, place = held
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert place.is_dir()
    with scratch() as folder:
        assert [path.name for path in temporary.iterdir()] == [folder.parent.name]


def test_an_empty_folder_of_a_run_that_was_killed_before_it_marked_it_is_removed(temporary):
    for name, mode in (("grade-x_1abcde", 0o700), ("grade-open-abcdefgh", 0o700), ("grade-homework", 0o755)):
        (temporary / name).mkdir(mode)
    remove_leftovers(str(temporary))
    assert [path.name for path in temporary.iterdir()] == ["grade-homework"]


def test_a_folder_that_was_removed_before_it_was_marked_is_made_anew(temporary, monkeypatch):
    real, removed = os.open, []

    def late(path, *arguments, **keywords):
        if str(path).endswith(MARK) and not removed:
            removed.append(Path(path).parent)
            removed[0].rmdir()
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(module.os, "open", late)
    with scratch() as folder:
        assert folder.is_dir() and folder.parent != removed[0]


def test_the_mark_is_removed_last(temporary, monkeypatch):
    order = []
    real = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", lambda path, **rest: (order.append(Path(path).name), real(path, **rest)))
    with scratch() as folder:
        home = folder.parent
    assert order[0] == "work" and not home.exists()


def test_a_living_runs_folder_is_left_alone(temporary, held):
    _, place = held
    with scratch():
        pass
    assert (place / "work" / "closed").is_dir()


def test_what_is_not_a_runs_is_left_alone(temporary):
    (temporary / "grade-notes").mkdir()
    (temporary / "grade-list").write_text("x", encoding="utf-8")
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere" / MARK).touch()
    (temporary / "grade-link").symlink_to("elsewhere")
    before = sorted(temporary.rglob("*"))
    with scratch():
        pass
    assert sorted(temporary.rglob("*")) == before


def test_another_users_folder_is_left_alone(temporary, monkeypatch):
    (temporary / "grade-x").mkdir()
    (temporary / "grade-x" / MARK).touch()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    remove_leftovers(str(temporary))
    assert (temporary / "grade-x").is_dir()
    monkeypatch.undo()
    remove_leftovers.cache_clear()
    remove_leftovers(str(temporary))
    assert not (temporary / "grade-x").exists()


def test_a_folder_that_was_taken_for_a_leftover_is_made_anew(temporary, monkeypatch):
    """Another run removes it after it was made and before it is locked."""
    real, removed = os.open, []

    def slow(path, *arguments, **keywords):
        lock = real(path, *arguments, **keywords)
        if str(path).endswith(MARK) and not removed:
            removed.append(Path(path).parent)
            shutil.rmtree(removed[0])
        return lock

    monkeypatch.setattr(module.os, "open", slow)
    with scratch() as folder:
        assert folder.is_dir() and folder.parent != removed[0]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        shutil.Error([("a", "b", "[Errno 28] No space left on device: 'a'")]),
    ],
)
def test_a_full_disk_is_a_sentence_that_says_what_to_do(temporary, error):
    with pytest.raises(BadLab, match=r"is full: .*set TMPDIR"), scratch():
        raise error
    assert list(temporary.iterdir()) == []


def test_another_error_stays_what_it_is():
    with pytest.raises(FileNotFoundError), scratch() as folder:
        (folder / "nothing").read_text("utf-8")
