"""Every case of fixtures/readers/cases/claims.toml is read right, or the reader says that it is not sure."""

from __future__ import annotations

import pytest

from fixtures.readers import Outcome, outcomes

TRIED = tuple(outcomes("claims"))
LEAST_RIGHT = 0.9


@pytest.mark.parametrize("outcome", TRIED, ids=lambda outcome: outcome.case[:60])
def test_no_case_is_read_wrong(outcome: Outcome) -> None:
    assert outcome.result != "wrong", f"{outcome.case}: {outcome.found}"


def test_nine_cases_of_ten_are_read() -> None:
    missed = [f"{outcome.case}: {outcome.found}" for outcome in TRIED if outcome.result == "not read"]
    assert len(missed) <= (1 - LEAST_RIGHT) * len(TRIED), "\n".join(missed)
