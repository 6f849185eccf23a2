"""Modules of a submission are found by a hook of `sys.path`, which must leave everybody else's imports alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from grader.probes.code import importing


def finder(folder: Path, found: list[object]) -> None:
    try:
        found.append(importing._finder(str(folder)))
    except ImportError as error:
        found.append(error)


def test_a_thread_that_is_shown_no_submission_imports_as_before(tmp_path: Path) -> None:
    found: list[object] = []
    thread = threading.Thread(target=finder, args=(tmp_path, found))  # its context knows no folders
    thread.start()
    thread.join()
    assert isinstance(found.pop(), ImportError)  # "not mine": Python asks the next hook


@pytest.mark.parametrize("folder", ["", "models"])
def test_folders_of_the_submission_are_searched_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr("grader.probes.roots._ROOTS", _Shown(tmp_path / "submission"))
    found: list[object] = []
    finder(tmp_path / "submission" / folder, found)
    finder(tmp_path / "elsewhere" / folder, found)
    assert [isinstance(one, ImportError) for one in found] == [False, True]


class _Shown:
    """Stands in for the folders of a job, which would stay in this process."""

    def __init__(self, submission: Path) -> None:
        self.submission = str(submission)

    def get(self, default: object = None) -> _Shown:
        return self
