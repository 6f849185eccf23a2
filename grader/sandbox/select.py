"""Choose the sandbox for this machine, by trying."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from grader.evidence.explain import explain
from grader.records import Message, SandboxChoice, message
from grader.records.errors import BadLab
from grader.sandbox.interface import Job, Limits, Reply, Sandbox
from grader.sandbox.isolated import IsolatedSandbox
from grader.sandbox.plain import PlainSandbox
from grader.sandbox.server import Backend
from grader.sandbox.unisolated import UnisolatedSandbox

BACKENDS: tuple[Backend, ...] = ("namespaces", "landlock")  # the stronger one first
TRIAL = Limits(seconds=20.0, megabytes=2_000)


def open_sandbox(choice: SandboxChoice = "auto", gpu: bool = False) -> Sandbox:
    """Open the strongest sandbox of this machine, or the requested one. Raises BadLab if that one does not work."""
    if choice == "plain":
        return PlainSandbox()
    if choice == "none":
        return UnisolatedSandbox()
    if choice != "auto":
        if problem := why_not(choice):
            raise BadLab(message("--sandbox {name}: {reason}", name=choice, reason=problem))
        return IsolatedSandbox(choice, gpu)
    found = next((backend for backend in BACKENDS if why_not(backend) is None), None)
    return IsolatedSandbox(found, gpu) if found else PlainSandbox()


def why_no_code() -> Message | None:
    """Return why no sandbox of this machine can run student code, and the remedy; None if one can."""
    problems = [why_not(backend) for backend in BACKENDS]
    return None if None in problems else problems[-1]


@cache  # once in a process
def why_not(backend: Backend) -> Message | None:
    """Return why a sandbox cannot be used here; None if it can. Starts one, without torch, to find out."""
    if sys.platform != "linux":
        return message("student code is isolated on Linux only")
    inputs = {"home": "/", "rubric": str(Path(__file__)), "port": 1, "pid": os.getpid()}
    try:
        with trial(backend) as sandbox:
            tried = sandbox.run(Job("reach.try_to_reach", inputs, limits=TRIAL))
    except OSError as error:
        return _refused(backend, str(error))
    if not isinstance(tried, Reply):
        return _refused(backend, explain(tried))
    reached = [name for name, found in tried.value.items() if found and name != "root"]
    return _refused(backend, ", ".join(reached)) if reached else None


def trial(backend: Backend) -> IsolatedSandbox:
    """Return a sandbox without torch in it, to try what can be reached from inside."""
    sandbox = IsolatedSandbox(backend)
    sandbox.server.torch = False
    return sandbox


def _refused(backend: Backend, reason: Message | str) -> Message:
    if backend == "namespaces":
        return message("this system forbids namespaces: {reason}", reason=reason)
    return message(
        "this system cannot isolate a process: {reason}. Linux 5.13 or newer is needed, with Landlock and seccomp, on"
        " an x86-64 or aarch64 processor",
        reason=reason,
    )
