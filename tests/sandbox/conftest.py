"""A probe that does whatever a test tells it, inside the real sandboxes: what hostile code would do there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.evidence import Failure
from grader.sandbox import ArraySpec, Job, Limits, Reply, Sandbox, bubblewrap, open_sandbox, plain, server

# Runs the code that the job brings along; what it leaves in `value` and `arrays` is the answer. No test here needs
# torch, whose import would cost two seconds whenever a server has to be ended.
HOSTILE = '''
import sys, types
sys.modules["torch"] = types.SimpleNamespace(__version__="none", set_num_threads=lambda number: None)
hostile = types.ModuleType("grader.probes.hostile")
exec("""
def run(inputs, files):
    scope = {"inputs": inputs, "files": files, "value": {}, "arrays": {}}
    exec(inputs["code"], scope)
    return scope["value"], scope["arrays"]
""", hostile.__dict__)
from grader.probes import worker
sys.modules["grader.probes.hostile"] = hostile
worker.WARM = ()
'''

Attack = Callable[..., Reply | Failure]


@pytest.fixture(scope="module", autouse=True)
def hostile_probe() -> Iterator[None]:
    """For the tests of this folder only: the sandboxes of all others import torch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "LAST_WORDS", 2.0)
        for module in (server, plain):
            before, _, after = module.BOOT.partition("from grader.probes.worker import main;")
            assert after
            patch.setattr(
                module, "BOOT", f"{before.rstrip('; ')}\n{HOSTILE}\nfrom grader.probes.worker import main;{after}"
            )
        yield


@pytest.fixture(scope="module")
def bubble(hostile_probe: None) -> Iterator[Sandbox]:
    """One bubblewrap for all tests of a file: that it still answers after each of them is part of what they show."""
    if problem := bubblewrap.why_not():
        pytest.skip(problem.english())
    with open_sandbox("bubblewrap") as opened:
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
def attack(bubble: Sandbox) -> Attack:
    """Run code in bubblewrap."""
    return attack_in(bubble)


@pytest.fixture
def attack_plain(hostile_probe: None) -> Attack:
    """Run code in a process with lowered limits."""
    return attack_in(open_sandbox("plain"))


@pytest.fixture(params=["bubblewrap", "plain"])
def attack_anywhere(request: pytest.FixtureRequest) -> Attack:
    """Run code in each sandbox."""
    if request.param == "plain":
        attack: Attack = request.getfixturevalue("attack_plain")
        return attack
    return attack_in(request.getfixturevalue("bubble"))
