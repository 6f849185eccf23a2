"""Transforms that change the size of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from grader.probes.documents.following.side import lab_side
from grader.probes.documents.following.state import State
from grader.probes.documents.following.values import Given, Pixels, Place, Step, Unknown, Value, numbers

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

SMALLEST, LARGEST = 8, 512  # sides of images that can be measured


def images_only(change: Callable[[Pixels], Value], value: Value) -> Value:
    """Change images; leave anything else as it is."""
    return change(value) if isinstance(value, Pixels) else value


def unread(place: Place) -> Unknown:
    """Return what comes of images that are changed in a way that cannot be read."""
    return Unknown(f"unread@{place.source}:{place.line}")


def side(state: State, given: Given) -> int | None:
    """Return the side of a square size: `Resize(40)`, `Resize((40, 40))`, `Resize(height=40, width=40)`."""
    found = [state.see(one) for one in (given.get(0, "size", given.get(0, "height")), given.get(1, "width"))]
    whole = numbers(found[0])
    wide = numbers(found[1]) if isinstance(found[0], int) and isinstance(found[1], int) else None
    sides = {*(whole or ()), *(wide or ())}
    one = sides.pop() if len(sides) == 1 else 0.0
    return int(one) if one == int(one) and SMALLEST <= one <= LARGEST else None


def _resize(state: Calls, library: str, given: Given) -> Value:
    return Step("Resize", partial(images_only, partial(resized, given.place, side(state, given))))


def resized(place: Place, to: int | None, pixels: Pixels) -> Value:
    """Return the images with another side."""
    if to is None or pixels.crop or pixels.resize:
        return unread(place)
    return replace(pixels, resize=to if to != lab_side() else 0)


def _crop(state: Calls, library: str, given: Given) -> Value:
    return Step("CenterCrop", partial(images_only, partial(cropped, given.place, side(state, given))))


def cropped(place: Place, to: int | None, pixels: Pixels) -> Value:
    """Return the centre of the images."""
    now = pixels.crop or pixels.resize or lab_side()
    if to is None or to > now:
        return unread(place)
    return replace(pixels, crop=to) if to < now else pixels


def _random_crop(state: Calls, library: str, given: Given) -> Value:
    """Take a random crop for its centre: `RandomCrop(32, padding=4)` leaves the size of images as it is."""
    to = side(state, given)
    return Step("RandomCrop", lambda value: value if to is None else _smaller(to, value))


def _smaller(to: int, value: Value) -> Value:
    if not isinstance(value, Pixels) or to >= (value.crop or value.resize or lab_side()):
        return value
    return replace(value, crop=to)


def _random_resized(state: Calls, library: str, given: Given) -> Value:
    to = side(state, given)
    return Step(
        "RandomResizedCrop",
        lambda value: value if to is None else images_only(partial(resized, given.place, to), value),
    )


SIZES: dict[str, Callable[[Calls, str, Given], Value]] = {
    "Resize": _resize,
    "CenterCrop": _crop,
    "RandomCrop": _random_crop,
    "RandomResizedCrop": _random_resized,
}
