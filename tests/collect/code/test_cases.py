"""Submissions as students write them: their code is found and called, or what is missing is named."""

from __future__ import annotations

import pytest

from fixtures.readers.code import expected, outcome
from grader.sandbox import Sandbox, why_no_code

CASES = tuple(expected())


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_code_of_a_submission_is_found_and_called(case: str, shared_sandbox: Sandbox) -> None:
    if problem := why_no_code():
        pytest.skip(problem.english())
    found = outcome(case, shared_sandbox)
    assert found.result == "right", found.found


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 30
