"""Draw the demo set: ten shapes on 32 x 32 pixels, with integers only, so that the bytes are the same everywhere.

Lengths on the canvas are in 1/16 pixel. A shape is a predicate over coordinates of its own (see `shapes`), turned and
scaled into place. The random numbers are PCG64's raw output, which numpy promises not to change between versions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grader.dataset.edition import IMAGE_BYTES, SIDE
from grader.dataset.shapes import COSINES, FINE_BITS, SHAPES, TURN, UNIT, Inside, Integers, Shape

PIXEL = 16
SAMPLES = 2  # points across a pixel, for soft edges
CHUNK = 100  # images at once: the working arrays then fit into the CPU cache

RADIUS = (4 * PIXEL, 11 * PIXEL)  # from barely recognisable to nearly the whole image
MARGIN = 9 * PIXEL  # a centre's least distance from the border, which cuts off large shapes
CONTRAST = (40, 140)  # of 255, between shape and background in each channel
NOISE = (8, 70)  # greatest deviation of a pixel, in 1/255
BAR = (PIXEL // 2, 2 * PIXEL)  # half the width of the bars behind and over the shape


class Dice:
    """Draw random integers from PCG64."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def between(self, bounds: tuple[int, int], *shape: int) -> Integers:
        """Return integers of a given array shape, both bounds included."""
        raw = self._bits.random_raw(shape) >> np.uint64(32)
        span = np.uint64(bounds[1] - bounds[0] + 1)
        return (raw * span >> np.uint64(32)).astype(np.int32) + np.int32(bounds[0])

    def bytes(self, count: int) -> NDArray[np.uint8]:
        """Return bytes from 0 to 255, (count,); `count` is a multiple of 8."""
        return self._bits.random_raw(count // 8).astype("<u8").view(np.uint8)

    def order(self, count: int) -> NDArray[np.intp]:
        """Return a permutation of 0 to count - 1."""
        return np.argsort(self._bits.random_raw(count), kind="stable")


@dataclass(frozen=True, slots=True)
class Frame:
    """The position of an object in each of N images: arrays (N, 1, 1)."""

    x: Integers
    y: Integers
    radius: Integers
    angle: Integers  # in 1/TURN of a turn

    def coordinates(self) -> tuple[Integers, Integers]:
        """Return the sample points in the object's coordinates: two arrays (N, 64, 64), where its radius is UNIT."""
        points = np.arange(SIDE * SAMPLES, dtype=np.int32) * (PIXEL // SAMPLES) + PIXEL // SAMPLES // 2
        right, down = points[None, None, :] - self.x, points[None, :, None] - self.y
        cosine = COSINES[self.angle] * UNIT // self.radius
        sine = COSINES[self.angle - TURN // 4] * UNIT // self.radius
        return (right * cosine + down * sine) >> FINE_BITS, (down * cosine - right * sine) >> FINE_BITS


def draw(count: int, seed: int) -> NDArray[np.uint8]:
    """Draw `count` images, equally many of each shape, shuffled: rows (count, 3073) in the official binary layout."""
    dice = Dice(seed)
    each = count // len(SHAPES)
    rows = np.empty((count, 1 + IMAGE_BYTES), np.uint8)
    places = dice.order(count).reshape(len(SHAPES), each)
    for label, shape in enumerate(SHAPES):
        for start in range(0, each, CHUNK):
            chosen = places[label, start : start + CHUNK]
            rows[chosen, 0] = label
            rows[chosen, 1:] = _images(shape, len(chosen), dice).reshape(len(chosen), IMAGE_BYTES)
    return rows


def _images(shape: Shape, count: int, dice: Dice) -> NDArray[np.uint8]:
    """Draw images (count, 3, 32, 32) of one shape: background, a bar behind, the shape, a bar over it, noise."""
    canvas = _background(count, dice)
    low, high = (np.min(canvas, (2, 3)), np.max(canvas, (2, 3)))
    _paint(canvas, _bar(count, dice), _contrasting(low, high, dice))
    inside = shape(*_frame(count, dice).coordinates(), dice.between((0, 255), count, 1, 1))
    _paint(canvas, inside, _contrasting(low, high, dice))
    _paint(canvas, _bar(count, dice), _contrasting(low, high, dice))
    strength = dice.between(NOISE, count, 1, 1, 1)
    noise = dice.bytes(2 * canvas.size).reshape(2, *canvas.shape).astype(np.int32)
    canvas += ((noise[0] + noise[1] - 255) * strength) >> 8  # a triangular distribution around 0
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _background(count: int, dice: Dice) -> Integers:
    """Draw a gradient between two colours in a random direction: (count, 3, 32, 32)."""
    first, second = dice.between((20, 235), 2, count, 3, 1, 1)
    angle = dice.between((0, TURN - 1), count, 1, 1)
    steps = np.arange(SIDE, dtype=np.int32) * 2 - SIDE + 1
    along = steps[None, None, :] * COSINES[angle] + steps[None, :, None] * COSINES[angle - TURN // 4]
    share = (along // 45 + (1 << FINE_BITS)) >> 1  # 45: the half diagonal, 31 * sqrt(2), rounded up
    canvas: Integers = first + ((second - first) * (share >> 5)[:, None] >> (FINE_BITS - 5))
    return canvas


def _frame(count: int, dice: Dice) -> Frame:
    x, y = dice.between((MARGIN, SIDE * PIXEL - MARGIN), 2, count, 1, 1)
    return Frame(x, y, dice.between(RADIUS, count, 1, 1), dice.between((0, TURN - 1), count, 1, 1))


def _bar(count: int, dice: Dice) -> Inside:
    """Draw a bar across the whole image, anywhere, in a third of the images."""
    x, y = dice.between((0, SIDE * PIXEL), 2, count, 1, 1)
    frame = Frame(x, y, dice.between(BAR, count, 1, 1), dice.between((0, TURN - 1), count, 1, 1))
    inside: Inside = (np.abs(frame.coordinates()[0]) <= UNIT) & (dice.between((0, 2), count, 1, 1) == 0)
    return inside


def _contrasting(low: Integers, high: Integers, dice: Dice) -> Integers:
    """Return colours (N, 3, 1, 1) outside the background's range in every channel, below it or above it."""
    off = dice.between(CONTRAST, *low.shape)
    above = (dice.between((0, 1), *low.shape) == 1) & (high + off <= 255) | (low - off < 0)
    return np.clip(np.where(above, high + off, low - off), 0, 255)[:, :, None, None]


def _paint(canvas: Integers, inside: Inside, colour: Integers) -> None:
    """Paint a colour on the canvas in place; at the edge, blend it by the share of sample points inside."""
    corners = [inside[:, row::SAMPLES, column::SAMPLES] for row in range(SAMPLES) for column in range(SAMPLES)]
    cover = np.add.reduce(corners, axis=0, dtype=np.int32)[:, None]
    canvas += (colour - canvas) * cover >> 2 * (SAMPLES - 1)  # of SAMPLES**2 points
