"""Geometry: axes that people can read, markers in their places, shades that mean the same in two reports."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest

from grader.records import Curve, Message, Point, Series, message
from reports.charts.curve import LABEL_HEIGHT, NARROW, WIDE, plot, spaced, thinned
from reports.charts.scale import exact, rounded
from reports.charts.shades import shade, worst

ONE = message("one")


def curve(*points: tuple[float, float], pins: tuple[Point, ...] = (), unit: str = "") -> Curve:
    return Curve(Message("t"), Message("x"), Message("y"), (Series(ONE, points),), pins, "%" if unit else "")


def test_an_axis_begins_and_ends_on_round_numbers() -> None:
    assert rounded([41.2, 99.9], (0, 100), 6).ticks == (40, 50, 60, 70, 80, 90, 100)


def test_an_axis_of_percents_ends_at_a_hundred() -> None:
    assert rounded([93.0, 99.99], (0, 1), 3, most=100.0).ticks[-1] <= 100
    assert rounded([20.0, 140.0], (0, 1), 5, most=100.0).high >= 140  # a wrong figure is shown, not hidden


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [1e-9, 2e-9], [-1e12, 1e12], [3.0, 3.0 + 1e-13]])
def test_no_values_are_too_odd_for_an_axis(values: list[float]) -> None:
    for scale in (rounded(values, (0, 100), 5), exact(values, (0, 100), 5)):
        assert 0 <= min(map(scale, values)) <= max(map(scale, values)) <= 100
        assert len(scale.ticks) <= 12


def test_epochs_are_counted_in_whole_steps() -> None:
    assert exact([0, 1, 2], (0, 1), 10).ticks == (0, 1, 2)
    assert all(tick.is_integer() for tick in exact(list(range(24)), (0, 1), 10).ticks)


def test_values_that_are_no_numbers_are_left_out_and_the_rest_is_drawn() -> None:
    drawn = plot(curve((0, math.nan), (1, 2.0), (2, 1e300), (3, 4.0)), WIDE)
    assert drawn is not None
    assert drawn.lines[0].line.count("L") == 1


def test_a_curve_of_nothing_has_no_plot() -> None:
    assert plot(curve((0, math.inf)), WIDE) is None
    assert plot(curve(), WIDE) is None


@pytest.mark.parametrize("frame", [WIDE, NARROW])
def test_everything_drawn_lies_inside_the_frame(frame: type[WIDE]) -> None:  # type: ignore[valid-type]
    pins = tuple(Point(ONE, 9, y) for y in (99.9, 99.8, 10.0, 10.1))
    drawn = plot(curve(*((x, 10.0 * x) for x in range(10)), pins=pins, unit="%"), frame)
    assert drawn is not None
    numbers = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", drawn.lines[0].line)
    assert all(frame.left <= float(x) <= frame.width - frame.right for x, _ in numbers)
    assert all(frame.top <= float(y) <= frame.height - frame.bottom for _, y in numbers)
    assert all(frame.top <= pin.label[1] <= frame.height - frame.bottom for pin in drawn.pins)


def test_labels_of_close_points_do_not_lie_upon_each_other() -> None:
    for heights in ([100.0, 100.0, 100.0], [298.0, 299.0, 300.0], [10.0, 300.0, 11.0]):
        placed = sorted(spaced(heights, 10, 300))
        assert all(lower - upper >= LABEL_HEIGHT - 0.1 for upper, lower in pairwise(placed))
        assert placed[-1] <= 300


def test_thinning_keeps_the_spike() -> None:
    points = [(float(x), 1.0) for x in range(50_000)]
    points[31_234] = (31_234.0, 900.0)
    thin = thinned(points)
    assert len(thin) <= 402
    assert (31_234.0, 900.0) in thin
    assert (thin[0], thin[-1]) == (points[0], points[-1])


def test_shades_grow_with_the_share_and_tell_right_from_wrong() -> None:
    assert [shade(n, 1000, False) for n in (0, 4, 5, 10, 134, 900)] == ["m0", "m0", "m1", "m2", "m5", "m6"]
    assert [shade(n, 1000, True) for n in (0, 703, 868, 990)] == ["r0", "r3", "r4", "r6"]
    assert shade(0, 0, True) == "r0"


def test_the_commonest_mistakes_leave_out_right_answers_and_zeros() -> None:
    assert worst(((90, 10, 0), (20, 80, 0), (0, 0, 100)), 3) == [(20, 1, 0), (10, 0, 1)]
