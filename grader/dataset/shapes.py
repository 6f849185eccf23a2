"""Define the ten shapes of the demo set as integer predicates.

Each gets coordinates u, v (N, 64, 64) in which the shape fits the circle of radius UNIT, and a number from 0 to 255 for
each image (N, 1, 1) that varies the shape; it returns which points lie inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32]
Inside = NDArray[np.bool_]
Shape = Callable[[Integers, Integers, Integers], Inside]

UNIT = 256
TURN = 256  # steps of a full turn
FINE_BITS = 12  # cosines are integers in units of 2**-12
# No cosine here is close enough to half a unit for the last bit of a platform's cos() to change the rounding.
COSINES = np.array([round((1 << FINE_BITS) * math.cos(2 * math.pi * step / TURN)) for step in range(TURN)], np.int32)


def disc(u: Integers, v: Integers, _: Integers) -> Inside:
    return u * u + v * v <= UNIT * UNIT


def ring(u: Integers, v: Integers, vary: Integers) -> Inside:
    distance = u * u + v * v
    hole = 90 + (vary * 90 >> 8)
    return (distance <= UNIT * UNIT) & (distance >= hole * hole)


def square(u: Integers, v: Integers, _: Integers) -> Inside:
    inside: Inside = np.maximum(np.abs(u), np.abs(v)) <= 210
    return inside


def triangle(u: Integers, v: Integers, vary: Integers) -> Inside:
    reach = 128 + (vary * 32 >> 8)
    return _beyond(u, v, 3, reach) < 1


def hexagon(u: Integers, v: Integers, _: Integers) -> Inside:
    return _beyond(u, v, 6, 225) < 1


def cross(u: Integers, v: Integers, vary: Integers) -> Inside:
    arm = 55 + (vary * 45 >> 8)
    across, along = np.abs(u), np.abs(v)
    inside: Inside = (np.minimum(across, along) <= arm) & (np.maximum(across, along) <= 245)
    return inside


def star(u: Integers, v: Integers, vary: Integers) -> Inside:
    """Return the points beyond at most one of the five lines of a pentagram."""
    return _beyond(u, v, 5, 79 + (vary * 32 >> 8)) <= 1


def crescent(u: Integers, v: Integers, vary: Integers) -> Inside:
    aside = u - 80 - (vary * 60 >> 8)
    inside: Inside = (u * u + v * v <= UNIT * UNIT) & (aside * aside + v * v >= 215 * 215)
    return inside


def stripes(u: Integers, v: Integers, vary: Integers) -> Inside:
    inside: Inside = square(u, v, vary) & (_band(u, vary) == 0)
    return inside


def checkerboard(u: Integers, v: Integers, vary: Integers) -> Inside:
    inside: Inside = square(u, v, vary) & (_band(u, vary) == _band(v, vary))
    return inside


SHAPES: tuple[Shape, ...] = (
    disc, ring, square, triangle, hexagon, cross, star, crescent, stripes, checkerboard,
)  # fmt: skip


def _beyond(u: Integers, v: Integers, sides: int, reach: Integers | int) -> NDArray[np.int8]:
    """Count the lines (of `sides`, at distance `reach` around the origin) that have the point on their far side."""
    beyond = np.zeros(u.shape, np.int8)
    for side in range(sides):
        step = round(TURN * side / sides)  # the nearest step: the figures are regular to within a degree
        beyond += (u * COSINES[step] + v * COSINES[step - TURN // 4]) >> FINE_BITS > reach
    return beyond


def _band(along: Integers, vary: Integers) -> Integers:
    """Return the parity of the band; three to five bands cross the square."""
    return ((along + UNIT) * (3 + (vary * 3 >> 8)) // (2 * UNIT)) & 1
