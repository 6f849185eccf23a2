"""The command in the process of the tests, for every test of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

import grader.batch.setup
from grader.cli.app import main
from grader.dataset import USUAL, ImageSet, find_set
from grader.labs import DEFAULT, Lab, find_lab, using_lab
from grader.sandbox import Sandbox


class Done(NamedTuple):
    """How a run ended. In `out` and `err` line breaks are spaces: the tests look for sentences, not layout."""

    status: object
    out: str
    err: str


@pytest.fixture
def in_process(
    few_images: ImageSet, shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run the command with the sandbox that is already running, and a few drawn images as CIFAR-10."""
    monkeypatch.setattr(grader.batch.setup, "open_sandbox", lambda choice, gpu: nullcontext(shared_sandbox))

    def images(lab: Lab, data: Path | None, cache: Path) -> ImageSet | None:
        return few_images if lab.public == USUAL else find_set(lab, data, cache)

    monkeypatch.setattr(grader.batch.setup, "find_set", images)
    monkeypatch.setattr(grader.batch.setup, "NVIDIA", Path("/nowhere"))

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["grade", *map(str, arguments)])
        with using_lab(find_lab(DEFAULT)), pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Done(ended.value.code, " ".join(captured.out.split()), " ".join(captured.err.split()))

    return run
