"""RESULTS.md says what the histories say, and each row reaches what it is held to."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def results() -> ModuleType:
    spec = importlib.util.spec_from_file_location("results", ROOT / "benchmarks" / "results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_the_one_that_the_histories_give(results):
    text = results.RESULTS.read_text("utf-8")
    assert results.with_table(text) == text, "run: python benchmarks/results.py --write"


def test_each_run_reaches_what_it_is_held_to(results):
    _, runs = results.runs()
    reached = {run["folder"]: run["epochs"][-1]["test_accuracy"] for run in runs if run["epochs"]}
    assert {"recommended", "plateau", "quick", "best-60"} <= reached.keys()
    for run in runs:
        assert reached.get(run["folder"], 100.0) >= run.get("at_least", 0.0), run["what"]


def test_a_table_without_its_marks_is_said(results):
    with pytest.raises(ValueError, match="put both back"):
        results.with_table("no marks here")
