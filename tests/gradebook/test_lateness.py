"""What lateness costs: by the clock, in every time zone, and never by a guess."""

from __future__ import annotations

import pytest

from grader.marking.check import BadLimit
from grader.marking.lateness import LATE_POLICY, LatePolicy, lateness, moment
from grader.records import Student

DEADLINE = "2026-03-01T23:59:00+08:00"  # 15:59 in UTC


def taken(submitted: str = "", late: bool = False, due: str = "", offered: float = 100.0, **policy):
    policy = {"deadline": DEADLINE, "points_per_day": 5.0, **policy}
    student = Student("Ada", late=late, submitted=submitted, due=due)
    return lateness(student, LatePolicy(**policy), offered, "2026-03-05")


def points(*arguments, **policy) -> float:
    found = taken(*arguments, **policy)
    return found.points if found else 0.0


@pytest.mark.parametrize(
    ("submitted", "expected"),
    [
        ("2026-03-01T15:59:00+00:00", 0.0),
        ("2026-03-01T15:59:01+00:00", -5.0),
        ("2026-03-02T15:59:00+00:00", -5.0),
        ("2026-03-02T15:59:01+00:00", -10.0),
        ("2026-03-01T23:59:00+08:00", 0.0),
        ("2026-03-02T00:00:00+08:00", -5.0),
        ("2026-03-01T10:59:00-05:00", 0.0),
        ("2026-03-01T11:00:00-05:00", -5.0),
        ("2025-03-01T11:00:00Z", 0.0),
    ],
)
def test_a_day_that_has_begun_counts_whole_wherever_the_clock_stands(submitted, expected):
    assert points(submitted) == expected


BERLIN = {"deadline": "2026-10-24T23:59:00+02:00", "time_zone": "Europe/Berlin"}  # in the night the clocks go back


@pytest.mark.parametrize(
    ("submitted", "expected"),
    [
        ("2026-10-24T21:59:00Z", 0.0),
        ("2026-10-24T21:59:01Z", -5.0),
        ("2026-10-25T22:59:00Z", -5.0),  # 25 hours later, 23:59 in Berlin
        ("2026-10-25T22:59:01Z", -10.0),
        ("2026-10-26T22:59:00Z", -10.0),
    ],
)
def test_a_day_on_which_the_clocks_go_back_is_one_day(submitted, expected):
    assert points(submitted, **BERLIN) == expected
    platform = {"deadline": "from the platform", "time_zone": "Europe/Berlin"}
    assert points(submitted, due="2026-10-24T21:59:00+00:00", **platform) == expected


def test_a_day_on_which_the_clocks_go_forward_is_one_day_in_a_zone_that_is_known():
    policy = {"deadline": "2026-03-28T12:00:00+01:00", "time_zone": "Europe/Berlin"}
    assert points("2026-03-29T10:00:00Z", **policy) == -5.0
    assert points("2026-03-29T10:00:01Z", **policy) == -10.0


@pytest.mark.parametrize("deadline", ["2026-10-24T23:59:00+02:00", "2026-10-24T21:59:00Z"])
def test_where_the_zone_is_not_known_the_day_may_have_had_25_hours(deadline):
    assert points("2026-10-25T22:59:00Z", deadline=deadline) == -5.0
    assert points("2026-10-25T22:59:01Z", deadline=deadline) == -10.0


def test_where_no_zone_of_that_offset_changes_its_clocks_every_day_has_24_hours():
    assert points("2026-10-25T15:59:00Z", deadline="2026-10-24T23:59:00+08:00") == -5.0
    assert points("2026-10-25T15:59:01Z", deadline="2026-10-24T23:59:00+08:00") == -10.0
    spring = {"deadline": "2026-03-28T12:00:00+01:00"}
    assert points("2026-03-29T13:00:00+02:00", **spring) == -5.0
    assert points("2026-03-29T13:00:01+02:00", **spring) == -10.0


def test_the_hour_that_comes_twice_is_late_the_second_time():
    policy = {"deadline": "2026-10-25T02:30:00+02:00", "time_zone": "Europe/Berlin"}
    assert points("2026-10-25T02:10:00+02:00", **policy) == 0.0
    assert points("2026-10-25T02:10:00+01:00", **policy) == -5.0


def test_the_reason_names_the_calendar_that_was_used():
    found = taken("2026-10-25T22:30:00Z", **BERLIN)
    assert found.reason.english() == "1 day 31 min after the deadline (calendar of Europe/Berlin): 1 day x 5 points"


@pytest.mark.parametrize("name", ["Berlin", "../etc/passwd", "Europe", "\x00", "/etc/localtime"])
def test_a_zone_that_does_not_exist_is_a_mistake_of_the_rubric(name):
    with pytest.raises(BadLimit):
        LatePolicy(DEADLINE, points_per_day=5.0, time_zone=name)


def test_grace_moves_the_deadline():
    assert points("2026-03-01T17:59:00+00:00", grace_hours=2.0) == 0.0
    assert points("2026-03-01T17:59:01+00:00", grace_hours=2.0) == -5.0
    assert points("2026-03-02T17:59:00+00:00", grace_hours=2.0) == -5.0


def test_a_cap_ends_what_can_be_taken():
    assert points("2026-05-01T00:00:00+00:00", cap=20.0) == -20.0
    assert points("2026-05-01T00:00:00+00:00", cap=0.0) == 0.0


def test_percent_are_of_what_the_rubric_offers():
    percent = {"points_per_day": None, "percent_per_day": 10.0, "offered": 35.0}
    assert points("2026-03-02T00:00:00+00:00", **percent) == -3.5
    assert points("2026-05-02T00:00:00+00:00", **percent, cap=50.0) == -17.5


def test_the_reason_says_how_late_and_at_what_price():
    found = taken("2026-03-03T00:00:00+00:00", grace_hours=2.0, cap=20.0)
    assert found.by == LATE_POLICY and not found.by_person and found.about == "lateness"
    assert found.reason.english() == "1 day 8 h after the deadline (2 h of grace): 2 days x 5 points, 20 at most"


@pytest.mark.parametrize(
    ("submitted", "said"),
    [
        ("2026-03-02T15:59:00Z", "1 day late: 1 day x 5 points"),
        ("2026-03-02T15:59:30Z", "1 day 30 s late: 2 days x 5 points"),
        ("2026-03-03T01:59:00Z", "1 day 10 h late: 2 days x 5 points"),
        ("2026-03-01T16:59:00Z", "1 h late: 1 day x 5 points"),
        ("2026-03-01T16:04:05Z", "5 min 5 s late: 1 day x 5 points"),
    ],
)
def test_a_time_is_said_in_its_two_largest_parts(submitted, said):
    assert taken(submitted).reason.english() == said


def test_percent_and_a_single_point_are_said_as_they_are_counted():
    percent = taken("2026-03-02T00:00:00Z", points_per_day=None, percent_per_day=10.0, cap=50.0, offered=35.0)
    assert percent.reason.english() == "8 h 1 min late: 1 day x 10 % of 35 points, 50 % at most"
    assert taken("2026-03-02T00:00:00Z", points_per_day=1.0).reason.english() == "8 h 1 min late: 1 day x 1 point"


@pytest.mark.parametrize(
    "submitted", ["", "2026-03-03T00:00:00", "yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
)
def test_late_by_an_unknown_time_costs_nothing_and_a_person_decides(submitted):
    found = taken(submitted, late=True)
    assert (found.points, found.open) == (0.0, True)
    assert "a person decides" in found.reason.english()


def test_a_student_not_called_late_and_without_a_time_is_left_alone():
    assert taken() is None


def test_the_platforms_own_deadline_is_used_where_the_rubric_says_so():
    platform = {"deadline": "from the platform"}
    assert points("2026-03-03T00:00:00+00:00", due="2026-03-02T18:00:00-05:00", **platform) == -5.0
    assert taken("2026-03-03T00:00:00+00:00", **platform) is None
    assert taken("2026-03-03T00:00:00+00:00", late=True, **platform).open


def test_a_time_without_its_zone_is_not_a_moment():
    assert moment("2026-03-01T23:59:00") is None
    assert moment("2026-03-01") is None
    assert moment("2026-03-01T23:59:00+08:00") == moment("2026-03-01T15:59:00Z")


LATE = '[late]\ndeadline = "2026-03-01T23:59:00+08:00"\npoints_per_day = 5\n'


def test_a_grade_holds_the_policys_adjustment(marked, lines):
    found = marked(Student("Ada", submitted="2026-03-03T00:00:00Z"), text=lines + LATE)
    (one,) = found.adjustments
    assert (one.points, one.on) == (-10.0, "2026-03-05")
    assert found.total == 15.0 - 10.0
    assert marked(Student("Ada", submitted="2026-03-01T00:00:00Z"), text=lines + LATE).adjustments == ()


def test_a_grade_of_unknown_lateness_needs_a_human(marked, lines):
    alone = lines.partition("[report_trend]")[0]
    assert marked(Student("Ada", late=True), text=alone + LATE).needs_human
    assert not marked(Student("Ada", late=True), text=alone).needs_human


# --- deadlines of one's own, from a roster ---------------------------------------------------------------------------


def granted(submitted: str, due: str = "", extra_days: float = 0.0, zone: str = "Europe/Berlin", late: bool = False):
    student = Student("Ada", submitted=submitted, due=due, own_due=bool(due), extra_days=extra_days, late=late)
    policy = LatePolicy("2026-10-24T23:59:00+02:00", points_per_day=5.0, time_zone=zone)
    return lateness(student, policy, 100.0, "2026-11-05")


@pytest.mark.parametrize(
    ("due", "extra_days", "submitted", "expected"),
    [
        ("2026-10-26T23:59:00", 0.0, "2026-10-26T22:59:00Z", 0.0),  # on Berlin's clock, which went back by then
        ("2026-10-26T23:59:00", 0.0, "2026-10-26T22:59:01Z", -5.0),
        ("2026-10-26T23:59:00+02:00", 0.0, "2026-10-26T21:59:01Z", -5.0),
        ("", 3.0, "2026-10-27T22:59:00Z", 0.0),  # three days after the rubric's deadline, 73 hours
        ("", 3.0, "2026-10-27T22:59:01Z", -5.0),
        ("", 0.5, "2026-10-25T10:59:00Z", 0.0),
        ("2026-10-26T23:59:00", 2.0, "2026-10-29T22:59:00Z", -5.0),
    ],
)
def test_a_students_own_deadline_and_extension_count_instead_of_the_rubrics(due, extra_days, submitted, expected):
    found = granted(submitted, due, extra_days)
    assert (found.points if found else 0.0) == expected


def test_an_extension_is_told_where_points_are_taken():
    found = granted("2026-10-29T22:59:01Z", extra_days=3.0)
    assert "after the deadline (extension of 3 days, calendar of Europe/Berlin): 3 days x 5" in found.reason.english()
    assert "(extension of 1 day, calendar" in granted("2026-10-29T22:59:01Z", extra_days=1.0).reason.english()


def test_where_the_zone_of_the_rubric_is_not_known_an_extension_over_the_change_of_clocks_costs_no_hour():
    assert granted("2026-10-27T22:59:00Z", extra_days=3.0, zone="") is None


def test_a_deadline_of_the_roster_that_has_no_zone_takes_no_points_and_asks_a_person():
    found = granted("2026-11-03T12:00:00Z", "2026-10-26T23:59:00", zone="")
    assert (found.points, found.open) == (0.0, True)
    assert "2026-10-26T23:59:00, has no time zone" in found.reason.english()


@pytest.mark.parametrize("own", [{"due": "2026-10-26T23:59:00"}, {"extra_days": 2.0}])
def test_a_student_with_more_time_whom_the_platform_calls_late_loses_nothing_and_a_person_decides(own):
    found = granted("", late=True, **own)
    assert (found.points, found.open, "the roster gives this student more time" in found.reason.english()) == (0, 1, 1)
