"""What the public tests share: the student's files, imported when a test needs them, and a summary by task.

The lab is the folder above this one, or the one that the environment variable LAB_FOLDER names.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("LAB_FOLDER") or Path(__file__).parents[1]).resolve()
sys.path.insert(0, str(FOLDER))


class Lab:
    """The student's files: `lab.exp2` imports exp2.py, so a broken file fails only the tests of its own tasks."""

    def __getattr__(self, name: str) -> Any:
        if not (FOLDER / f"{name}.py").is_file():
            pytest.fail(f"There is no {name}.py in {FOLDER}.", pytrace=False)
        broken: BaseException
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit) as error:  # the top level of the file may raise anything
            broken = error
        reason = "".join(traceback.format_exception_only(broken)).strip()
        pytest.fail(f"{name}.py cannot be imported{_where(broken)}:\n{reason}{_next_step(broken)}", pytrace=False)


def _where(error: BaseException) -> str:
    """The innermost line of the student's own files in the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == FOLDER]
    return f" (see {Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def _next_step(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "\nInstall the packages of the lab: python -m pip install -r requirements.txt"
    if isinstance(error, SystemExit):
        return '\nPut the code that runs the script under: if __name__ == "__main__":'
    return ""


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def likely() -> Callable[[float, Mapping[str, float]], str]:
    """Names the usual mistake behind a wrong result: the first sentence whose value was returned, or nothing."""

    def sentence(seen: float, usual: Mapping[str, float]) -> str:
        fitting = [text for text, value in usual.items() if seen == pytest.approx(value, rel=1e-4, abs=1e-6)]
        return f" {fitting[0]}" if fitting else ""

    return sentence


# The output: short tracebacks, and one line for each task at the end.

TEST_FILE = re.compile(r"test_(\d)_(\d)_(\w+)\.py::test_(.*)")  # task 2.1: test_2_1_test.py
NOT_WRITTEN = re.compile(r"NotImplementedError: \d\.\d: .*")
OPEN = "open"  # the tests of a task that is not written yet: one line at the end instead of a traceback for each


def pytest_configure(config: pytest.Config) -> None:
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"
    if config.option.reportchars == "fE":  # pytest's own list of failures would repeat the messages, cut short
        config.option.reportchars = ""


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    if report.when == "call" and report.failed and NOT_WRITTEN.match(_message(report)):
        return OPEN, "o", OPEN.upper()
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tasks: dict[str, list[tuple[str, pytest.TestReport]]] = {}  # the tests of each task: name and report
    for report in [report for kind in ("passed", "failed", OPEN) for report in terminalreporter.getreports(kind)]:
        if part := TEST_FILE.search(report.nodeid):
            title = f"{part[1]}.{part[2]} {part[3]}"
            tasks.setdefault(title, []).append((part[4].replace("_", " "), report))
    terminalreporter.section("the tasks")
    for title, tests in sorted(tasks.items()):
        failed = [(sentence, report) for sentence, report in tests if report.failed]
        stub = next((found[0] for _, report in failed if (found := NOT_WRITTEN.match(_message(report)))), None)
        if stub:
            terminalreporter.line(f"{title}: not written yet ({stub})")
        elif failed:
            terminalreporter.line(f"{title}: not right yet, see above:")
            for sentence, _ in failed:
                terminalreporter.line(f"    {sentence}")
        else:
            terminalreporter.line(f"{title}: passed")


def _message(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else ""
