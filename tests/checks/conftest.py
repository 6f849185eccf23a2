"""A check on evidence made by hand, with the limits that the lab's own rubric sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grader.evidence import Evidence, Failure
from grader.marking.check import Case
from grader.marking.rubric import Rubric
from grader.records import Message, Verdict


@pytest.fixture(scope="session")
def verdict(lab_rubric: Rubric, evidence: Callable[..., Evidence]) -> Callable[..., Verdict]:
    """`verdict("measured_accuracy", scores, claims, failed={...}, limits=...)`: the first record is the one judged."""

    def judge(name: str, *records: Any, failed: dict[type[Any], Failure] | None = None, limits: Any = None) -> Verdict:
        line = next(line for line in lab_rubric.lines if line.criterion.check == name)
        seen = evidence(*records, failed=failed)
        return line.check.judge(Case(records[0], limits or line.limits, seen, line.criterion.points))

    return judge


@pytest.fixture(scope="session")
def english() -> Callable[[tuple[Message, ...]], str]:
    return lambda messages: "\n".join(message.english() for message in messages)
