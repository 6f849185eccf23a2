"""Calls a student's functions in a separate sandbox.

Refusals are for the student to fix; nothing is reported if no code can be run here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.collect.code.caller import Caller
from grader.collect.equipment import Equipment
from grader.records import Submission


@contextmanager
def open_caller(submission: Submission, equipment: Equipment) -> Iterator[Caller]:
    """Start the sandbox early, so that it imports torch while the weights are measured."""
    parts = submission.parts
    has_code = bool(parts.sources or parts.notebooks)
    sandbox = equipment.sandbox.for_code(submission.root) if has_code else None
    if sandbox is None:
        yield Caller(submission, None)
        return
    with sandbox:
        yield Caller(submission, sandbox)
