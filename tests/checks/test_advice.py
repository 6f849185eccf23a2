"""Whoever does what a check says gets the points: each piece of advice is followed, here or in a story."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from fixtures.advice import (
    OF_CHECKS,
    OF_REFUSALS,
    Followed,
    Records,
    advice,
    code,
    features,
    is_advice,
    refusals,
    retrieval,
    told,
    training,
)
from fixtures.stories import read_stories
from grader.labs import find_lab, using_lab
from grader.marking.rubric import Rubric
from grader.records import Verdict
from reports.languages import LANGUAGES, speaking, translate

ENTRIES = (*code.ENTRIES, *features.ENTRIES, *retrieval.ENTRIES, *training.ENTRIES)

Judge = Callable[[Records], Verdict]


@pytest.fixture(scope="session")
def judged(verdict: Callable[..., Verdict], lab_rubric: Rubric) -> Judge:
    """The verdict of the check that reads the first record."""
    names = {line.check.reads: line.check.name for line in lab_rubric.lines if line.check}
    return lambda records: verdict(names[type(records[0])], *records)


def said(verdict: Verdict) -> str:
    return "\n".join(one.english() for one in (verdict.message, *verdict.hints))


def followed(entries: Iterable[Followed], judged: Judge) -> set[str]:
    """The templates that were told before, and no longer afterwards; of rankings also where a report alone has them."""
    done = {text for one in entries for text in told(judged(one.before)) - told(judged(one.after))}
    with using_lab(find_lab("exercise-5")):
        return done | {
            text for one in retrieval.RANKINGS for text in told(judged(one.before)) - told(judged(one.after))
        }


@pytest.mark.parametrize("one", ENTRIES, ids=lambda one: one.advice[:60])
def test_advice_that_was_followed_goes_and_the_points_come(judged: Judge, one: Followed) -> None:
    before, after = judged(one.before), judged(one.after)
    assert one.advice in said(before)
    assert one.advice not in said(after)
    assert after.credit >= before.credit if one.free else after.credit > before.credit


def test_every_piece_of_advice_of_a_check_is_followed(judged: Judge) -> None:
    done = followed(ENTRIES, judged)
    assert {place: text for text, place in advice(*OF_CHECKS).items() if text not in done} == {}


def test_what_every_refusal_asks_for_was_done_in_a_story() -> None:
    known = [words for some in refusals.DONE.values() for words in some]
    asked = advice(*OF_REFUSALS)
    assert {place: text for text, place in asked.items() if not any(words in text for words in known)} == {}
    assert [words for words in known if not any(words in text for text in asked)] == []


@pytest.mark.parametrize(("story", "check"), refusals.DONE)
def test_where_it_was_done_the_points_came(story: str, check: str) -> None:
    (told_as,) = (one for one in read_stories() if one.name == story)
    assert (told_as.kind, told_as.findings[check].full) == ("honest", True)


@pytest.mark.parametrize(
    ("template", "tells"),
    [
        ("The loss is {loss}. Sort the images first.", True),
        ("These are logits: do not frobnicate them.", True),
        ("In {script}, call model.eval() first.", True),
        ("{file} is not there: unpack it, or hand in another one.", True),
        ("normalise() turned a row into {row}.", False),
        ("The history was recorded.", False),
    ],
)
def test_what_tells_to_do_something_is_told_from_what_says_how_it_is(template: str, tells: bool) -> None:
    assert is_advice(template) is tells


def test_advice_that_nobody_has_followed_would_be_found(judged: Judge) -> None:
    done = followed([one for one in ENTRIES if "torch.no_grad" not in one.advice], judged)
    (missed,) = (text for text in advice(*OF_CHECKS) if text not in done)
    assert "torch.no_grad" in missed


def test_what_students_are_told_to_do_is_said_without_words_for_staff_in_every_language(
    internal: Callable[[str], list[str]],
) -> None:
    found = {}
    for language in LANGUAGES:
        with speaking(language):
            for text, place in advice(*OF_CHECKS, *OF_REFUSALS).items():
                if words := internal(translate(text)):
                    found[language, place] = words
    assert found == {}
