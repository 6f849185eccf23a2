"""Functions that give figures at the ends of what a float holds: every check judges them, and the page is drawn."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from grader.records import Blocked, Criterion, Finding, Grade, Judged, MadeBy, Mark, Student
from reports.html import render
from reports.terminal import show

HUGE = ("1e308", "-1e308", "1.7976931348623157e308", "5e-324", "-5e-324", "-0.0", "3.4e38", "10**400")
SCRIPTS = {
    "learning_rate": ("exp2.py", "def learning_rate(epoch):\n    return {value}\n"),
    "learning_rate that alternates": ("exp2.py", "def learning_rate(epoch):\n    return (-1) ** epoch * {value}\n"),
    "learning_rate that falls": (
        "exp2.py",
        "def learning_rate(epoch):\n    return {value} if epoch < 5 else -({value})\n",
    ),
    "evaluation": ("exp2.py", "def test(model, loader, device):\n    return {value}, -({value})\n"),
    "evaluation of both": ("exp2.py", "def test(model, loader, device):\n    return {value}, {value}\n"),
    "own_function": ("exp1.py", "def own_function(x):\n    return x.double() * {value}\n"),
    "own_function that jumps": (
        "exp1.py",
        "import torch\ndef own_function(x):\n    return x.sign().double() * {value}\n",
    ),
    "function_fit": ("exp1.py", "def fit(model, x, y, epochs, rate):\n    return [{value}] * epochs\n"),
    "function_fit that jumps": (
        "exp1.py",
        "import torch\ndef fit(model, x, y, epochs, rate):\n"
        "    for one in model.parameters():\n        one.data.fill_(float({value}) if abs({value}) < 1e38 else 3e38)\n"
        "    return [{value} * (-1) ** one for one in range(epochs)]\n",
    ),
    "feature_vectors": (
        "extract_features.py",
        "import torch\ndef normalise(features):\n    return features.double() * {value}\n"
        "def alexnet_features(model, x):\n    return torch.full((len(x), 9216), {value}, dtype=torch.float64)\n",
    ),
}


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("what", SCRIPTS)
def test_no_figure_of_the_code_stops_a_check(judged: Callable[..., Finding], what: str, value: str) -> None:
    script, code = SCRIPTS[what]
    finding = judged(what.split(maxsplit=1)[0], script, code.replace("{value}", f"({value})"))
    assert isinstance(finding, Judged | Blocked), finding
    mark = Mark(Criterion(what.split(maxsplit=1)[0], "Of a float's ends", 10), finding)
    grade = Grade(Student("Ada"), "ab" * 32, "ada.zip", (mark,), 0.8, MadeBy("0.1.0", "3.11"))
    assert 0.0 <= grade.total <= grade.points
    for text in (render(grade), printed(grade)):
        assert "inf" not in text.replace("info", "")
        assert "nan" not in text.split()


def printed(grade: Grade) -> str:
    out = io.StringIO()
    show(grade, Path("report.html"), Console(file=out, width=1000, highlight=False))
    return out.getvalue()
