"""Scores that nothing can be computed with are no numbers."""

from __future__ import annotations

import pytest

from grader.probes.rankings.scores import Score, score_from, score_in


@pytest.mark.parametrize("value", [1e308, -1e308, 1e31, 10**400, float("inf"), "1e308", "1e308 %"])
def test_a_score_beyond_what_networks_give_is_no_number(value):
    found = score_from(value)
    assert found is not None and found.value is None


@pytest.mark.parametrize("value", [1e29, -3.5e7, 0.0])
def test_a_large_product_of_features_is_one(value):
    assert score_from(value) == Score(value)
    assert score_in(f"{value:.4e}") == Score(value)
