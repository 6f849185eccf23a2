"""A probe that does whatever a test tells it, inside the real sandboxes: what hostile code would do there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.evidence import Failure
from grader.sandbox import ArraySpec, Job, Limits, Reply, Sandbox, cells, open_sandbox, plain, server
from grader.sandbox.select import BACKENDS, why_not
from grader.sandbox.server import Backend

# Runs the code that the job brings along; what it leaves in `value` and `arrays` is the answer. No test here needs
# torch, whose import would cost two seconds whenever a server has to be ended.
HOSTILE = '''
import sys, types
hostile = types.ModuleType("grader.probes.hostile")
exec("""
def run(inputs, files):
    scope = {"inputs": inputs, "files": files, "value": {}, "arrays": {}}
    exec(inputs["code"], scope)
    return scope["value"], scope["arrays"]
""", hostile.__dict__)
import grader.probes
sys.modules["grader.probes.hostile"] = hostile
'''
WITHOUT_TORCH = """
from grader.probes import zygote
zygote.prepare = lambda: "none"
"""

Attack = Callable[..., Reply | Failure]


@pytest.fixture(scope="module", autouse=True)
def hostile_probe() -> Iterator[None]:
    """For the tests of this folder only: the sandboxes of all others import torch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "LAST_WORDS", 2.0)
        for module, more in ((server, WITHOUT_TORCH), (plain, "")):
            before, start, after = module.BOOT.partition("from grader.probes.")
            assert after
            patch.setattr(module, "BOOT", f"{before.rstrip('; ')}\n{HOSTILE}{more}\n{start}{after}")
        yield


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each way to isolate that works on this machine."""
    found: Backend = request.param
    if problem := why_not(found):
        pytest.skip(problem.english())
    return found


@pytest.fixture(scope="module")
def shut(hostile_probe: None, backend: Backend) -> Iterator[Sandbox]:
    """One sandbox for all tests of a file: that it still answers after each of them is part of what they show."""
    with open_sandbox(backend) as opened:
        yield opened


def attack_in(sandbox: Sandbox) -> Attack:
    def attack(
        code: str,
        files: dict[str, Path] | None = None,
        arrays: dict[str, ArraySpec] | None = None,
        seconds: float = 30.0,
        megabytes: int = 3000,
        **inputs: Any,
    ) -> Reply | Failure:
        limits = Limits(seconds=seconds, megabytes=megabytes)
        return sandbox.run(Job("hostile.run", {"code": code, **inputs}, files or {}, arrays or {}, limits))

    return attack


@pytest.fixture
def attack(shut: Sandbox) -> Attack:
    """Run code in each isolated sandbox."""
    return attack_in(shut)


@pytest.fixture
def attack_plain(hostile_probe: None) -> Attack:
    """Run code in a process with lowered limits."""
    return attack_in(open_sandbox("plain"))


@pytest.fixture(params=[*BACKENDS, "plain"])
def attack_anywhere(request: pytest.FixtureRequest, hostile_probe: None) -> Iterator[Attack]:
    """Run code in each sandbox."""
    if request.param != "plain" and (problem := why_not(request.param)):
        pytest.skip(problem.english())
    with open_sandbox(request.param) as opened:
        yield attack_in(opened)
