"""Messages, marks and totals: the arithmetic that every grade stands on."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.gradebook.files import from_json, to_json
from grader.records import (
    Adjustment,
    Blocked,
    Criterion,
    Grade,
    Judged,
    MadeBy,
    Mark,
    Message,
    Student,
    Unjudged,
    Verdict,
    message,
)

SAID = message("said")


def judged(points: float, credit: float) -> Mark:
    return Mark(Criterion("c", "C", points), Judged("c", Verdict(credit, SAID)))


def grade(*marks: Mark, adjustments: tuple[Adjustment, ...] = ()) -> Grade:
    return Grade(Student("Ada"), "d", "a.zip", marks, None, MadeBy("0", "3"), adjustments=adjustments)


def adjusted(points: float) -> Adjustment:
    return Adjustment(points, "late", "Dr Li", "2026-03-03")


# --- messages --------------------------------------------------------------------------------------------------


def test_a_message_becomes_a_sentence_with_its_values():
    assert message("{k:,} of {n:,}: {share:.2%}", k=8454, n=10_000, share=0.8454).english() == "8,454 of 10,000: 84.54%"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{a}", {}),
        ("", {"a": 1}),
        ("{a}", {"b": 1}),
        ("{a}{b}", {"a": 1}),
        ("{}", {"a": 1}),
        ("{0}", {"a": 1}),
        ("{a.real}", {"a": 1}),
        ("{a[0]}", {"a": "x"}),
        ("{A}", {"A": 1}),
        ("{a:{width}}", {"a": 1}),
        ("{a", {"a": 1}),
    ],
)
def test_a_template_and_values_that_differ_are_refused_where_they_are_written(text, values):
    with pytest.raises(ValueError):
        message(text, **values)


def test_braces_in_a_value_are_text():
    assert message("{file} is empty", file="{x}{}.pth").english() == "{x}{}.pth is empty"


def test_doubled_braces_need_no_value():
    assert message("{{}}").english() == "{}"


# --- credits and totals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [-0.01, 1.01, math.nan, math.inf])
def test_a_credit_outside_zero_to_one_is_refused(credit):
    with pytest.raises(ValueError, match="credit"):
        Verdict(credit, SAID)


@pytest.mark.parametrize(
    ("points", "credit", "awarded"),
    [(30, 0.9, 27.0), (30, 1 / 3, 10.0), (5, 1 / 12, 0.42), (1, 0.0, 0.0), (0, 1.0, 0.0)],
)
def test_points_are_the_credits_share_to_the_hundredth(points, credit, awarded):
    assert judged(points, credit).points == awarded


def test_blocked_is_zero_and_unjudged_is_no_mark_at_all():
    criterion = Criterion("c", "C", 10)
    assert Mark(criterion, Blocked("c", SAID)).points == 0.0
    assert Mark(criterion, Unjudged("c", SAID)).points is None


def test_the_total_adds_what_was_judged_and_unjudged_needs_a_human():
    unjudged = Mark(Criterion("u", "U", 10), Unjudged("u", SAID))
    made = grade(judged(30, 0.9), Mark(Criterion("b", "B", 5), Blocked("b", SAID)), unjudged)
    assert (made.total, made.points, made.unjudged, made.needs_human) == (27.0, 45.0, (unjudged,), True)


def test_a_blocked_criterion_needs_no_human():
    assert not grade(Mark(Criterion("b", "B", 5), Blocked("b", SAID))).needs_human


def test_hundredths_add_up_without_floating_dust():
    assert grade(*[judged(0.1, 1.0)] * 3).total == 0.3


@pytest.mark.parametrize(("adjustments", "total"), [((5.0,), 25.0), ((-5.0, 1.5), 16.5), ((-500.0,), 0.0)])
def test_adjustments_are_added_and_never_below_zero(adjustments, total):
    assert grade(judged(20, 1.0), adjustments=tuple(map(adjusted, adjustments))).total == total


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1)), max_size=12))
def test_the_total_is_the_sum_of_the_shown_points(lines):
    made = grade(*(judged(points, credit) for points, credit in lines))
    assert made.total == pytest.approx(sum(mark.points for mark in made.marks), abs=1e-6)
    assert 0.0 <= made.total <= made.points + 1e-6


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SAID.text = "other"  # type: ignore[misc]


# --- values that survive the file ------------------------------------------------------------------------------


finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.text(), st.integers(-(2**53), 2**53), st.booleans(), finite)


@given(st.dictionaries(st.sampled_from("abc"), scalars))
def test_a_messages_values_keep_their_kind_in_the_file(values):
    said = Message("".join(f"{{{name}}}" for name in values), tuple(values.items()))
    made = grade(Mark(Criterion("c", "C", 1), Blocked("c", said)))
    back = from_json(to_json(made), "grade.json").marks[0].finding
    assert isinstance(back, Blocked)
    assert back.cause == said
    assert [type(value) for _, value in back.cause.values] == [type(value) for value in values.values()]
