"""Which sandbox this machine can offer."""

from __future__ import annotations

from typing import Literal

from grader.records import message
from grader.records.errors import BadLab
from grader.sandbox import bubblewrap
from grader.sandbox.interface import Sandbox
from grader.sandbox.plain import PlainSandbox

Choice = Literal["auto", "bubblewrap", "plain"]


def open_sandbox(choice: Choice = "auto", gpu: bool = False) -> Sandbox:
    """The strongest sandbox of this machine, or the one asked for. Raises BadLab where that one does not work."""
    if choice == "plain":
        return PlainSandbox()
    problem = bubblewrap.why_not()
    if problem is None:
        return bubblewrap.BubblewrapSandbox(gpu)
    if choice == "bubblewrap":
        raise BadLab(message("--sandbox bubblewrap: {reason}", reason=problem))
    return PlainSandbox()
