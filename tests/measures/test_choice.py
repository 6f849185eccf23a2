"""Which of several preprocessings is used, from what each does on training images."""

from __future__ import annotations

import pytest

from grader.evidence import Candidate, Preprocessing, PreprocessingChoice
from grader.measures.choice import choose, sign_test

HOW = Preprocessing((0.5,) * 3, (0.5,) * 3)


def tried(*counts: tuple[str, int, int, int, int]) -> PreprocessingChoice:
    """Of 1000 images: correct, only the best, only this one, the same class as the best."""
    return PreprocessingChoice(tuple(Candidate(name, HOW, *rest) for name, *rest in counts), 1000)


def chosen(choice: PreprocessingChoice) -> tuple[str, bool]:
    candidate, clear = choose(choice)
    return str(candidate.name), clear


def test_the_best_is_chosen_where_it_wins_beyond_chance():
    assert chosen(tried(("code", 400, 550, 50, 420), ("lab", 900, 0, 0, 1000))) == ("lab", True)


def test_what_the_code_says_comes_first_where_both_do_the_same():
    assert chosen(tried(("code", 899, 6, 5, 989), ("lab", 900, 0, 0, 1000))) == ("code", True)


def test_what_the_code_says_comes_first_where_both_are_equally_good():
    assert chosen(tried(("code", 900, 0, 0, 1000), ("lab", 900, 0, 0, 1000))) == ("code", True)


def test_a_small_difference_that_is_no_chance_decides_although_most_answers_agree():
    assert chosen(tried(("code", 985, 12, 0, 985), ("lab", 997, 0, 0, 1000))) == ("lab", True)


def test_where_nothing_wins_beyond_chance_the_better_one_is_used_and_it_is_not_clear():
    assert chosen(tried(("code", 110, 60, 50, 300), ("lab", 120, 0, 0, 1000))) == ("lab", False)


def test_one_candidate_alone_is_clear():
    assert chosen(tried(("lab", 100, 0, 0, 1000))) == ("lab", True)


@pytest.mark.parametrize(
    ("wins", "losses", "p"), [(0, 0, 1.0), (5, 5, 1.0), (5, 0, 2 / 32), (8, 1, 20 / 512), (2000, 0, 0.0)]
)
def test_the_sign_test_is_exact(wins, losses, p):
    assert sign_test(wins, losses) == pytest.approx(p)
    assert sign_test(losses, wins) == pytest.approx(p)
