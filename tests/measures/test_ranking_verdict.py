"""The rule for one query's ranking, on numbers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence import Agreement, ComparedQuery, ComparedRun, Match, ReportedQuery, Suspicion
from grader.measures.ranking_distance import (
    FARTHEST,
    compare,
    deviation,
    distance,
    halves_of_cosines,
    printed_half_digit,
)
from grader.measures.ranking_labels import count
from grader.measures.ranking_verdict import (
    FULL,
    accepted,
    agreeing,
    all_alike,
    close,
    exact,
    keeps,
    named,
    nearest_honest,
    undecided,
)

SCORES = np.linspace(0.9, 0.0, 10)  # image 0 is the best; neighbours lie 0.1 apart
SIGMA = float(SCORES.std())


def kept(places, scores=SCORES, reported=None, half_digit=0.0):
    told = [None if place is None else float(scores[place]) for place in places] if reported is None else reported
    return compare(scores, places, told, [half_digit] * len(told))


def test_the_right_five_in_order_keep_everything():
    found = kept([0, 1, 2, 3, 4])
    assert found.sound == Agreement(5, 5, 5)
    assert found.complete == Agreement(5, 5, 5)
    assert found.ordered == Agreement(4, 4, 4)
    assert found.regret == 0.0
    assert found.errors == (0.0,) * 5


def test_a_false_image_is_unsound_and_leaves_one_out():
    found = kept([0, 1, 8, 3, 4])
    assert (found.sound.kept, found.complete.of - found.complete.kept) == (4, 1)
    assert found.regret == pytest.approx((SCORES[4] - SCORES[8]) / SIGMA)


def test_an_image_within_the_tolerance_of_the_fifth_is_as_good():
    scores = SCORES.copy()
    scores[5] = scores[4] - 0.01 * SIGMA
    found = kept([0, 1, 2, 3, 5], scores)
    assert found.sound.kept == 5
    assert found.complete.kept == found.complete.of
    assert found.regret < 0.02


def test_ties_are_right_either_way_round():
    scores = np.array([0.9, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    for places in ([0, 1, 2, 3, 4], [0, 2, 1, 3, 4]):
        assert kept(places, scores).ordered.kept == 4


def test_what_is_named_twice_counts_once():
    found = kept([0, 0, 0, 0, 0])
    assert found.sound == Agreement(5, 1, 1)
    assert found.regret == FARTHEST


def test_an_image_that_the_library_lacks_is_unsound_and_has_no_error():
    found = kept([0, None, 2, 3, 4])
    assert found.sound.kept == 4
    assert len(found.errors) == 4


def test_a_score_that_is_no_number_is_as_wrong_as_can_be():
    assert kept([0, 1, 2, 3, 4], reported=[0.9, None, 0.7, 0.6, 0.5]).errors[1] == FARTHEST


def test_half_of_the_last_printed_digit_is_forgiven():
    assert kept([0, 1, 2, 3, 4], reported=[0.94, 0.8, 0.7, 0.6, 0.5], half_digit=0.05).errors[0] == 0.0
    assert kept([0, 1, 2, 3, 4], reported=[0.94, 0.8, 0.7, 0.6, 0.5]).errors[0] == pytest.approx(0.04 / SIGMA)


@pytest.mark.parametrize("far", [0.1, 0.9, 1.4])
def test_half_of_a_digit_of_a_distance_is_as_much_as_it_makes_of_the_cosine(far):
    def told(distance: float) -> ReportedQuery:
        return ReportedQuery("q", (Match("a", distance),))

    (half,) = halves_of_cosines("euclidean", told(far), 0.05)
    off = [abs(1 - (far + by) ** 2 / 2 - (1 - far**2 / 2)) for by in (0.05, -0.05, 0.1)]
    assert off[0] <= half + 1e-12 and off[1] <= half < off[2]
    assert halves_of_cosines("cosine", told(far), 0.05) == [0.05]


@pytest.mark.parametrize(
    ("scores", "half"),
    [
        ([0.87, 0.8731, 0.9], 5e-5),
        ([0.5, 1.0], 0.05),
        ([0.123456789], 0.0),
        ([1e-9], 0.0),
        ([], 0.0),
        ([1.0, 1.0], 0.05),
        ([0, 1], 0.05),
    ],
)
def test_printed_digits_are_those_of_the_longest_score(scores, half):
    assert printed_half_digit(scores) == pytest.approx(half)


def test_a_library_of_fewer_than_five_is_compared_as_far_as_it_goes():
    found = kept([0, 1, 2], SCORES[:3])
    assert found.sound == Agreement(3, 3, 3)
    assert found.regret == 0.0


def test_scores_that_are_all_the_same_divide_by_nothing():
    found = kept([0, 1, 2, 3, 4], np.full(10, 0.5))
    assert found.sound.kept == 5
    assert deviation(np.full(10, 0.5)) > 0


@given(st.permutations(range(10)), st.lists(st.floats(0, 1), min_size=10, max_size=10))
def test_no_ranking_keeps_more_than_there_is(order, scores):
    found = kept(list(order)[:5], np.array(scores))
    for part in (found.sound, found.complete, found.ordered):
        assert 0 <= part.kept <= part.wide <= part.of
    assert 0.0 <= found.regret <= FARTHEST


def test_distance_is_the_median_over_all_queries_in_their_own_deviations():
    rows = [(SCORES, [0, 1], [0.9, 0.8]), (SCORES, [2, None], [0.7 + SIGMA, 0.1])]
    assert distance(rows) == 0.0
    assert distance([(SCORES, [0], [0.9 + 2 * SIGMA])]) == pytest.approx(2.0)
    assert distance([(SCORES, [None], [0.9])]) is None


# --- over a whole report ---------------------------------------------------------------------------------------


def test_the_spread_is_from_the_best_to_the_fifth():
    assert kept([0, 1, 2, 3, 4]).spread == pytest.approx(0.4)
    assert kept([0, 1, 2, 3, 4], np.full(10, 0.5)).spread == 0.0


def query(places, reported=None, scores=SCORES) -> ComparedQuery:
    found = kept(places, scores, reported)
    theirs = tuple(Match(f"library/a/{place}.png", 0.5) for place in places)
    return ComparedQuery("q", "a", theirs, (), found.sound, found.complete, found.ordered, found.regret, found.errors)


def run(queries, basis="images", far=1.0, suspicions=()) -> ComparedRun:
    return ComparedRun("resnet50", "random", "cosine", basis, "", tuple(queries), far, 0.9, suspicions)


RIGHT, FALSE = [0, 1, 2, 3, 4], [0, 1, 2, 3, 9]


def test_one_false_image_in_a_hundred_is_not_accepted_for_its_regret():
    assert accepted(run([query(RIGHT)] * 20))
    assert not accepted(run([query(RIGHT)] * 19 + [query(FALSE)]))


def test_places_two_to_six_are_not_accepted():
    assert not accepted(run([query([1, 2, 3, 4, 5])] * 10))


def test_right_images_with_scores_of_something_else_are_not_accepted():
    off = [score - 0.5 * SIGMA for score in (0.9, 0.8, 0.7, 0.6, 0.5)]
    assert not accepted(run([query(RIGHT, off)] * 10))
    assert not close(run([query(RIGHT, off)] * 10))
    near = [score - 0.15 * SIGMA for score in (0.9, 0.8, 0.7, 0.6, 0.5)]
    assert not accepted(run([query(RIGHT, near)] * 10))
    assert close(run([query(RIGHT, near)] * 10))


def test_nothing_is_accepted_from_a_report_alone_or_without_queries():
    assert not accepted(run([query(RIGHT)] * 10, basis="report"))
    assert not accepted(run([]))


EQUAL = np.concatenate([np.full(9, 0.9), [0.1]])  # one picture nine times, and another, which gives it a deviation


def loose(places, scores=EQUAL) -> ComparedQuery:
    return replace(query(places, scores=scores), spread=kept(places, scores).spread)


@pytest.mark.parametrize("scores", [EQUAL, np.full(10, 1.0), EQUAL + np.linspace(0, 5e-7, 10)])
def test_nothing_is_accepted_on_order_where_all_scores_are_equal(scores):
    anyhow = run([loose([4, 2, 8, 0, 6], scores)] * 10, far=0.0)
    assert keeps(anyhow.queries, FULL)
    assert len(undecided(anyhow)) == 10
    assert not accepted(anyhow) and not close(anyhow) and agreeing(anyhow) == []


def test_a_few_queries_with_equal_scores_spoil_no_ranking():
    few = run([loose(RIGHT)] * 2 + [loose(RIGHT, SCORES)] * 8, far=0.0)
    assert undecided(few) == ()
    assert accepted(few)
    more = run([loose(RIGHT)] * 3 + [loose(RIGHT, SCORES)] * 7, far=0.0)
    assert not accepted(more)
    assert len(agreeing(more)) == 7


# five that are much alike, and others so unlike them that the tolerance is wider than all differences of those
ALIKE_TOP = np.concatenate([0.9 + np.arange(5, 0, -1) * 1e-3, np.linspace(0.2, 0.0, 5)])


def in_order(places, scores=ALIKE_TOP) -> ComparedQuery:
    found = kept(places, scores, [0.9] * len(places))
    return replace(query(places, [0.9] * len(places), scores), spread=found.spread, rises=found.rises)


def test_an_order_of_chance_is_not_accepted_however_wide_the_tolerance():
    anyhow = run([in_order([4, 2, 0, 3, 1]), in_order([2, 1, 3, 0, 4])] * 5, far=0.0)
    assert keeps(anyhow.queries, FULL)
    assert len(undecided(anyhow)) == 10
    assert not accepted(anyhow) and not close(anyhow) and agreeing(anyhow) == []


@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_right_order_is_accepted_and_so_are_a_few_neighbours_that_changed_places(count):
    assert accepted(run([in_order(RIGHT)] * count, far=0.0))
    assert accepted(run([in_order([1, 0, 2, 3, 4])] * count, far=0.0))


def test_neighbours_in_the_wrong_order_are_counted_and_equal_ones_are_not_among_them():
    assert kept([4, 2, 0, 3, 1], ALIKE_TOP).rises == 3
    assert kept(RIGHT, EQUAL).rises == 0


def suspicion(name="blue first", far=0.1, sound=1.0, order=1.0) -> Suspicion:
    return Suspicion(name, far, sound, order, 0.8)


@pytest.mark.parametrize(
    ("tried", "honest", "queries", "name"),
    [
        ([suspicion()], 1.0, 10, "blue first"),
        ([suspicion(far=0.31)], 1.0, 10, None),  # not near enough
        ([suspicion(far=0.04)], 0.05, 10, None),  # the honest way is nearly as near
        ([suspicion(far=0.04)], 0.07, 10, "blue first"),
        ([suspicion(far=0.185)], 0.426, 10, None),  # a shuffled list, nearer to its logits by chance
        ([suspicion(far=0.185)], 0.56, 10, "blue first"),
        ([suspicion(sound=0.89)], 1.0, 10, None),
        ([suspicion(order=0.84)], 1.0, 10, None),
        ([suspicion()], 1.0, 3, None),  # chance
        ([suspicion(far=0.2), suspicion("logits", far=0.1, sound=0.5)], 1.0, 10, None),  # the nearest is not it
        ([], 1.0, 10, None),
        ([suspicion("similarity sorted the wrong way", far=0.0)], 0.0, 10, "similarity sorted the wrong way"),
        (
            [
                suspicion("distance called similarity", far=0.0, sound=0.1),
                suspicion("distance called similarity, largest first", far=0.0),
            ],
            9.0,
            10,
            "distance called similarity, largest first",
        ),
    ],
)
def test_a_mistake_is_named_by_a_margin_or_not_at_all(tried, honest, queries, name):
    found = named(run([query(FALSE)] * queries, far=honest, suspicions=tuple(tried)))
    assert (found.name if found else None) == name


def test_a_ranking_within_the_bounds_is_not_accepted_where_a_mistake_explains_its_scores_better():
    within = [query(RIGHT, [score - 0.08 * SIGMA for score in (0.9, 0.8, 0.7, 0.6, 0.5)])] * 10
    assert accepted(run(within, far=0.08))
    assert accepted(run(within, far=0.08, suspicions=(suspicion(far=0.07),)))
    explained = run(within, far=0.08, suspicions=(suspicion(far=0.001),))
    assert not accepted(explained)
    assert named(explained) is not None


def test_a_mistake_of_order_alone_never_outweighs_an_order_that_is_right():
    assert accepted(run([query(RIGHT)] * 10, far=0.0, suspicions=(suspicion("distance sorted the wrong way", 0.0),)))


def test_exact_is_what_fits_to_the_digit_and_only_then_no_mistake_is_tried():
    assert exact(run([query(RIGHT)] * 10))
    assert not exact(run([query(RIGHT, [score - 0.05 * SIGMA for score in (0.9, 0.8, 0.7, 0.6, 0.5)])] * 10))
    assert not exact(run([query(FALSE)] * 10))


def test_of_several_right_ways_the_nearest_that_fits_is_told_else_the_declared_one():
    declared, near, nearer = (run([query(RIGHT)] * 10, far=far) for far in (0.09, 0.06, 0.03))
    assert nearest_honest([declared, near, nearer]) is not declared
    assert nearest_honest([declared, near, nearer]).distance == 0.03
    unfit = [run([query(FALSE)] * 10, far=far) for far in (2.0, 1.5)]
    found = nearest_honest(unfit)
    assert (found.queries, found.distance) == (unfit[0].queries, 1.5)  # a mistake must be nearer than any right way


def test_accuracies_are_counted_from_folders():
    rows = [("cat", [Match("lib/cat/1.png", 1.0)] * 3 + [Match("lib\\dog\\1.png", 1.0)] * 2), ("dog", [])]
    counted = count(rows)
    assert (counted.precision, counted.top1) == (0.6, 0.5)
    assert count([]).precision == 0.0


def test_scores_of_batchnorm_in_training_mode_are_all_alike():
    assert all_alike([0.995, 0.9955, 0.9952, 0.996, 0.9949])
    assert not all_alike([0.995, 0.95, 0.99, 0.996, 0.9949])
    assert not all_alike([0.995] * 4)
