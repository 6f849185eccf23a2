"""Open tasks of the template are found by what they raise, and nothing is run for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from grader.evidence import Tasks
from grader.probes.documents.tasks import read_tasks

TASK = 'def f():\n    raise NotImplementedError("2.1: mean loss")\n'


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Tasks]:
    def look(**sources: str) -> Tasks:
        files: dict[str, int] = {}
        for name, text in sources.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
            files[f"{name}.py"] = os.open(tmp_path / name, os.O_RDONLY)
        value, arrays = read_tasks({"names": list(files)}, files)
        for descriptor in files.values():
            os.close(descriptor)
        assert arrays == {}
        return TypeAdapter(Tasks).validate_python(value, strict=False)

    return look


def told(tasks: Tasks) -> list[tuple[Any, ...]]:
    return [(task.number, task.text, task.file, task.line) for task in tasks.open]


def test_a_task_is_named_with_its_place(read):
    second = 'def g():\n    pass\n\ndef h():\n    raise NotImplementedError("2.2: the rate")\n'
    assert told(read(exp2=TASK + second, exp1='raise NotImplementedError("1.1: steps")')) == [
        ("2.1", "mean loss", "exp2.py", 2),
        ("2.2", "the rate", "exp2.py", 7),
        ("1.1", "steps", "exp1.py", 1),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return 1\n",
        'raise NotImplementedError("later")\n',
        'raise ValueError("2.1: mean loss")\n',
        'text = "2.1: raise NotImplementedError"\n',
        '# raise NotImplementedError("2.1: mean loss")\n',
        'raise NotImplementedError(f"{1}.1: mean")\n',
        "raise NotImplementedError\n",
        "def f(:\n",
        "raise",
        "",
    ],
)
def test_nothing_else_is_taken_for_one(read, code):
    assert told(read(exp2=code)) == []


def test_a_flood_of_tasks_is_bounded(read):
    assert len(read(exp2=TASK * 500).open) == 50


def test_a_deep_nest_ends_nothing(read):
    deep = "(" * 5000 + ")" * 5000
    assert told(read(exp2=deep, exp1=TASK)) == [("2.1", "mean loss", "exp1.py", 2)]
