"""Run the template's public tests on a student's own code, on the student's machine, in a separate process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import reference
from grader.disk.scratch import scratch
from grader.students.template import make_template, write_template
from grader.students.template_language import ENGLISH

TESTS = Path(reference.__file__).parent / "handout" / "tests"
SECONDS = 80  # for all of them together, after which those that ran are reported; a laptop takes about 15
SECONDS_EACH = 30
SECONDS_TO_END = 20  # a test that hangs is ended by its own limit, not by the limit for all
_TASK = re.compile(r"test_(\d+)_(\d+)_")


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of the public tests of one task: how many passed, and the first complaint."""

    task: str  # "2.1"
    passed: int
    count: int
    complaint: str = ""  # "" if all passed


def run_public_tests(folder: Path, language: str = ENGLISH) -> tuple[TaskResult, ...] | str:
    """Run our own copy of the tests on the scripts in `folder`; if the run stops early, return its last output.

    Their complaints are in this language.

    Runs the code in `folder` without a sandbox: only for one's own code.
    """
    environment = {**os.environ, "LAB_FOLDER": str(folder.absolute()), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONIOENCODING": "utf-8", "PYTEST_ADDOPTS": ""}
    with scratch("precheck") as place:
        results, settings = place / "results.xml", place / "pytest.ini"
        settings.write_text("[pytest]\n")  # these tests ignore the student's own settings
        tests = TESTS if language == ENGLISH else _translated(place, language)
        command = [
            sys.executable, "-m", "pytest", str(tests), "-q", f"--rootdir={tests}", "-c", str(settings),
            "-p", "no:cacheprovider", f"--timeout={SECONDS_EACH}", f"--session-timeout={SECONDS}",
            f"--junitxml={results}",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=SECONDS + SECONDS_EACH + SECONDS_TO_END,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"they took more than {SECONDS} seconds"
        if not results.is_file():
            return (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-500:]
        return _tested(ET.parse(results).getroot())  # noqa: S314  written by our own pytest


def _translated(place: Path, language: str) -> Path:
    files = {name: data for name, data in make_template(language=language).items() if name.startswith("tests/")}
    write_template(files, place, force=False)
    return place / "tests"


def _tested(root: ET.Element) -> tuple[TaskResult, ...]:
    tasks: dict[str, TaskResult] = {}
    for case in root.iter("testcase"):
        place = _TASK.search(f"{case.get('classname')} {case.get('name')}")
        if place is None:
            continue
        number = f"{place[1]}.{place[2]}"
        before = tasks.get(number, TaskResult(number, 0, 0))
        wrong = next((child for child in case if child.tag in {"failure", "error"}), None)
        complaint = before.complaint or ("" if wrong is None else _first_words(wrong))
        tasks[number] = TaskResult(number, before.passed + (wrong is None), before.count + 1, complaint)
    return tuple(tasks[number] for number in sorted(tasks))


def _first_words(wrong: ET.Element) -> str:
    """Return what a failed test says, without the comparison that pytest adds below it."""
    said = (wrong.get("message") or wrong.text or "").strip()
    first = said.split("\nassert ", 1)[0]
    return (
        re.sub(r"\s+", " ", first.removeprefix("AssertionError: ").removeprefix("Failed: ")).strip()[:600] or "failed"
    )
