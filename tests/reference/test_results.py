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


def test_each_run_reaches_what_it_is_held_to_or_its_row_says_so(results):
    _, runs = results.runs()
    reached = {run["folder"]: run["epochs"][-1]["test_accuracy"] for run in runs if run["epochs"]}
    assert {"recommended", "plateau", "best-60"} <= reached.keys()
    short = [name for name, run in ((run["folder"], run) for run in runs) if _falls_short(run, reached)]
    assert short == [run["folder"] for run in runs if run.get("not_yet")]


def _falls_short(run, reached):
    return run["folder"] in reached and reached[run["folder"]] < run.get("at_least", 0.0)


def test_a_table_without_its_marks_is_said(results):
    with pytest.raises(ValueError, match="put both back"):
        results.with_table("no marks here")
