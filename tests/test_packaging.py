"""What a package index, a type checker and another system's git need is there."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CODE = ("benchmarks", "fixtures", "grader", "reference", "reports", "student_template", "tests")
SCRIPTS = [path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8")]
FORBIDDEN_ON_WINDOWS = set('<>:"|?*\\') | {chr(code) for code in range(32)}


@pytest.mark.parametrize("package", ["grader", "reports"])
def test_the_installed_package_tells_type_checkers_that_it_is_typed(package: str) -> None:
    assert (files(package) / "py.typed").is_file()


def test_every_direct_dependency_has_one_version_in_the_constraints_and_that_version_is_allowed() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(versions) == len(pins)
    for wanted in direct_dependencies():
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), wanted


def test_every_file_has_a_name_that_windows_can_check_out() -> None:
    paths = [path.relative_to(ROOT) for folder in CODE for path in (ROOT / folder).rglob("*")]
    assert len(paths) > 300
    assert [path for path in paths if any(wrong_on_windows(part) for part in path.parts)] == []
    folded = {str(path).casefold() for path in paths}
    assert len(folded) == len(paths)  # case does not tell two of them apart there


# Runs each script as `python SCRIPT --help` does, in a fork: torch is imported once, and cleared away by nobody.
STARTED = """
import os, pydantic, runpy, sys, torch, torchvision
for script in sys.argv[1:]:
    pid = os.fork()
    if pid == 0:
        sys.argv, sys.path[0] = [script, "--help"], os.path.dirname(script)
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(1 if end.code else 0)
        os._exit(9)
    print(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])} {script}", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the scripts are forked")
def test_every_benchmark_starts_wherever_the_grader_is_installed(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", STARTED, *map(str, SCRIPTS)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert [line for line in run.stdout.splitlines() if line[:2] == "0 "] == [f"0 {script}" for script in SCRIPTS], (
        run.stderr
    )
    assert run.stdout.count("usage:") == len(SCRIPTS)


def direct_dependencies() -> Iterator[Requirement]:
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        yield from (one for one in map(Requirement, group) if one.name != PROJECT["name"])


def wrong_on_windows(name: str) -> bool:
    return bool(FORBIDDEN_ON_WINDOWS & set(name)) or name[-1] in ". "
