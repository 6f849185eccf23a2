"""A student's functions, called in a sandbox of their own.

What was refused is the student's to fix; only where no code can be run here is nothing said about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.collect.code.caller import Caller
from grader.collect.equipment import Equipment
from grader.records import Submission


@contextmanager
def open_caller(submission: Submission, equipment: Equipment) -> Iterator[Caller]:
    """Start the sandbox, so that torch is imported inside while the weights are measured."""
    sandbox = equipment.sandbox.for_code(submission.root) if submission.parts.sources else None
    if sandbox is None:
        yield Caller(submission, None)
        return
    with sandbox:
        yield Caller(submission, sandbox)
