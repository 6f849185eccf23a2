"""Asking on the terminal which attempt counts."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import click
import pytest

from grader.cli.attempts import choice
from grader.records import Grade, MadeBy, Student


def test_ctrl_c_at_the_question_ends_the_run_and_is_no_fault_of_the_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        raise click.Abort

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "confirm", interrupted)
    grade = Grade(Student("Ada Ng"), "a" * 64, "ada.zip", (), None, MadeBy("0.1.0", "3.11"))
    with pytest.raises(KeyboardInterrupt):
        choice("ask")(grade, grade)
