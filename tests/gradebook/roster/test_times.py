"""Times of a roster: every usual way to write one, and nothing that could be two days."""

from __future__ import annotations

import pytest

from grader.gradebook.roster.times import days, due


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01 23:59", "2026-03-01T23:59:00"),
        ("2026-03-01T23:59:30", "2026-03-01T23:59:30"),
        ("2026-03-01T23:59:00.000+08:00", "2026-03-01T23:59:00+08:00"),
        ("2026-03-01 15:59Z", "2026-03-01T15:59:00+00:00"),
        ("2026/3/1 8:05", "2026-03-01T08:05:00"),
        ("2026年3月1日 23:59", "2026-03-01T23:59:00"),
        ("1.3.2026, 23:59", "2026-03-01T23:59:00"),
        ("2026-03-01", "2026-03-01T23:59:59"),
    ],
)
def test_a_moment_is_read_as_it_is_written(text: str, moment: str) -> None:
    assert due(text) == moment


@pytest.mark.parametrize(
    "text", ["3/1/2026", "01/03/2026 23:59", "2026-02-30", "2026-03-01 25:00", "2026-03-01 24", "soon", "3", "26-03-01",
             "2026-03-01 23:59 +99:00", "2026-03-01 11:59 PM"],
)  # fmt: skip
def test_what_is_no_moment_or_could_be_two_is_not_read(text: str) -> None:
    assert due(text) is None


@pytest.mark.parametrize(("text", "count"), [("3", 3.0), ("1.5 days", 1.5), ("2,5", 2.5), ("+2d", 2.0), ("3天", 3.0)])
def test_days_are_counted(text: str, count: float) -> None:
    assert days(text) == count


@pytest.mark.parametrize("text", ["-1", "1000", "three", "2 weeks", "2026-03-01"])
def test_what_is_no_number_of_days_is_not_read(text: str) -> None:
    assert days(text) is None
