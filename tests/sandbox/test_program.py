"""The bubblewrap that is tried by `grade doctor` is the one that a run uses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from grader.sandbox import server, why_no_code
from grader.sandbox.view import bubblewrap
from reports.text import words

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is available on Linux only")


@pytest.fixture
def broken(tmp_path, monkeypatch) -> Path:
    """A bwrap of its own, first on PATH, that does not work."""
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho this one is broken >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def test_the_one_that_is_tried_is_the_first_on_the_path(broken):
    assert bubblewrap() == str(broken)
    assert "this one is broken" in words(why_no_code())


def test_it_is_the_one_that_a_run_starts(broken, monkeypatch):
    started = []

    def popen(command, **rest):
        started.append(command[0])
        raise OSError("enough")

    monkeypatch.setattr(server.subprocess, "Popen", popen)
    with pytest.raises(OSError, match="enough"):
        server.Server("checkpoint", ()).start()
    assert started == [str(broken)]


@pytest.mark.parametrize("path", [".", "", "bin"])
def test_none_is_taken_from_the_folder_of_a_submission(broken, monkeypatch, path):
    monkeypatch.chdir(broken.parents[path == "bin"])
    monkeypatch.setenv("PATH", path)
    assert bubblewrap() is None
