"""Run the lab's public tests on a student's own code, on the student's machine, in a separate process."""

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
from grader.labs import DEFAULT, the_lab
from grader.students.template import START, make_template, write_template
from grader.students.template_language import ENGLISH

FOLDER = "tests"  # in what students start from
TESTS = Path(reference.__file__).parent / "handout" / FOLDER
SECONDS = 80  # for all of them together, after which those that ran are reported; a laptop takes about 15
SECONDS_EACH = 30
SECONDS_TO_END = 20  # a test that hangs is ended by its own limit, not by the limit for all
_TASK = re.compile(r"test_(\d+)_(\d+)_")


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of the public tests of one task: how many passed, and the first complaint."""

    task: str  # "2.1"; "" for tests whose names begin with no number, such as test_2_1_
    passed: int
    count: int
    complaint: str = ""  # "" if all passed


def public_tests() -> Path | None:
    """Return the folder of the lab's public tests; None if it has none."""
    tests = TESTS if the_lab().name == DEFAULT else the_lab().folder / START / FOLDER
    return tests if tests.is_dir() else None


def run_public_tests(folder: Path, language: str = ENGLISH) -> tuple[TaskResult, ...] | str:
    """Run our own copy of the tests on the scripts in `folder`; if the run stops early, return its last output.

    There are results for no task if the lab has no tests. Complaints are in this language where the lab has them in it.
    Tests find `folder` in the environment, as LAB_FOLDER.

    Runs the code in `folder` without a sandbox: only for one's own code.
    """
    own = public_tests()
    if own is None:
        return ()
    environment = {**os.environ, "LAB_FOLDER": str(folder.absolute()), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONIOENCODING": "utf-8", "PYTEST_ADDOPTS": ""}
    with scratch("precheck") as place:
        results, settings = place / "results.xml", place / "pytest.ini"
        settings.write_text("[pytest]\n")  # these tests ignore the student's own settings
        translated = the_lab().name == DEFAULT and language != ENGLISH
        tests = _translated(place, language) if translated else own
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
    files = {name: data for name, data in make_template(language=language).items() if name.startswith(f"{FOLDER}/")}
    write_template(files, place, force=False)
    return place / FOLDER


def _tested(root: ET.Element) -> tuple[TaskResult, ...]:
    tasks: dict[str, TaskResult] = {}
    for case in root.iter("testcase"):
        place = _TASK.search(f"{case.get('classname')} {case.get('name')}")
        if place is None and the_lab().name == DEFAULT:
            continue
        number = f"{place[1]}.{place[2]}" if place else ""
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
