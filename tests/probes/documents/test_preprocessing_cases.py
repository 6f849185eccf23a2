"""Scripts with the right value beside each: `fixtures/readers/cases/preprocessing`."""

from __future__ import annotations

from collections import Counter

import pytest

from fixtures.readers import Outcome
from fixtures.readers.preprocessing import PLACE, outcomes

TRIED = tuple(outcomes())


@pytest.mark.parametrize("outcome", TRIED, ids=[one.case for one in TRIED])
def test_no_script_is_read_wrongly(outcome: Outcome):
    assert outcome.result != "wrong", outcome.found


def test_nine_of_ten_scripts_are_read():
    count = Counter(one.result for one in TRIED)
    assert count["right"] >= 0.9 * len(TRIED)


def test_every_script_has_a_right_value():
    scripts = {path.stem for path in PLACE.iterdir() if path.is_dir() or path.suffix in (".py", ".ipynb")}
    assert scripts == {one.case for one in TRIED}
