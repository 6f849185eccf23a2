"""Choose the sandbox for this machine."""

from __future__ import annotations

from grader.records import Message, SandboxChoice, message
from grader.records.errors import BadLab
from grader.sandbox import bubblewrap
from grader.sandbox.interface import Sandbox
from grader.sandbox.plain import PlainSandbox


def open_sandbox(choice: SandboxChoice = "auto", gpu: bool = False) -> Sandbox:
    """Open the strongest sandbox of this machine, or the requested one. Raises BadLab if that one does not work."""
    if choice == "plain":
        return PlainSandbox()
    problem = bubblewrap.why_not()
    if problem is None:
        return bubblewrap.BubblewrapSandbox(gpu)
    if choice == "bubblewrap":
        raise BadLab(message("--sandbox bubblewrap: {reason}", reason=problem))
    return PlainSandbox()


def why_no_code() -> Message | None:
    """Return why no sandbox of this machine can run student code, and the remedy; None if one can."""
    return bubblewrap.why_not()
