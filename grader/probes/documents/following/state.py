"""What is known while code is followed: open conditions, values that depend on them, and what was noticed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from grader.probes.documents.following.values import (
    UNBOUND,
    DataSet,
    Either,
    Pixels,
    Place,
    Scope,
    Triple,
    Unbound,
    Unknown,
    Value,
    either,
)

T = TypeVar("T")

MOST_NOTICED = 200  # of each kind, in one file
MOST_STEPS = 30_000  # for one file: what a person writes takes a few thousand
MOST_CONDITIONS = 14  # open at a time


class TooMuch(Exception):
    """Raised where code is longer, or nested deeper, than it is worth following."""


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A normalisation as it is built: `mean` and `std` are None where they cannot be read."""

    mean: Triple | None
    std: Triple | None
    place: Place
    node: ast.Call | None
    purposes: tuple[str, ...]

    @property
    def said(self) -> str:
        """Return the call as it is written."""
        return ast.unparse(self.node)[:200] if self.node is not None else ""


@dataclass(slots=True)
class Noticed:
    """What the code does with images."""

    data_sets: list[DataSet] = field(default_factory=list)
    inputs: list[Pixels] = field(default_factory=list)  # of a network
    computed: list[Pixels] = field(default_factory=list)  # by arithmetic
    consumed: set[Pixels] = field(default_factory=set)  # of these, what other images were computed from
    normalisers: list[Normaliser] = field(default_factory=list)
    chains: list[tuple[Value, tuple[str, ...]]] = field(default_factory=list)  # with the names of what they are for


class State:
    """The conditions under which the code at hand runs, and a budget."""

    def __init__(self) -> None:
        self.path: dict[str, bool] = {}  # conditions that are held to be true or false, in the order of nesting
        self.steps = 0
        self.noticed = Noticed()
        self.purposes: list[str] = []  # names of the functions and variables at hand, the outermost first
        self.in_item = False  # following how a data set makes an item: nothing there is a network's input
        self.item_of: DataSet | None = None
        self.called: set[object] = set()
        self.drawn = 0
        self.arguments: dict[str, Value] = {}  # of the command line: their defaults
        self.stored: dict[str, Value] = {}  # in attributes of what is not known
        self.spoiled: set[Pixels] = set()  # images that were changed in place: other names may still stand for them
        self.parts: dict[Pixels, Pixels] = {}  # images that may be a view of others, with those
        self.averages: dict[str, Pixels] = {}  # by their keys, with the images that they are of
        self.rounds = 0  # loops at hand of which it is not known how often they run
        self.networks = 0  # at hand whose layers are followed

    def step(self) -> None:
        """Use up a part of the budget. Raises TooMuch."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooMuch

    # --- conditions ---------------------------------------------------------------------------------------------

    def see(self, value: Value) -> Value:
        """Return the value under the conditions at hand."""
        while isinstance(value, Either) and value.key in self.path:
            value = value.yes if self.path[value.key] else value.no
        return value

    @contextmanager
    def assuming(self, key: str, holds: bool) -> Iterator[None]:
        """Hold a condition to be true or false within the block."""
        if len(self.path) >= MOST_CONDITIONS:
            raise TooMuch
        before = len(self.path)
        self.path[key] = holds
        try:
            yield
        finally:
            self.forget(before)

    def forget(self, depth: int) -> None:
        """Close all conditions but the first `depth`."""
        while len(self.path) > depth:
            self.path.popitem()

    def lift(self, apply: Callable[..., Value], *values: Value) -> Value:
        """Apply a function to values, once for each way in which open conditions may turn out."""
        self.step()
        seen = [self.see(value) for value in values]
        for value in seen:
            if isinstance(value, Either):
                with self.assuming(value.key, True):
                    yes = self.lift(apply, *seen)
                with self.assuming(value.key, False):
                    no = self.lift(apply, *seen)
                return either(value.key, yes, no)
        return apply(*seen)

    def leaves(self, value: Value) -> Iterator[Value]:
        """Yield every value that this may be, each under its conditions."""
        value = self.see(value)
        if not isinstance(value, Either):
            yield value
            return
        self.step()
        for holds in (True, False):
            with self.assuming(value.key, holds):
                yield from self.leaves(value)

    def truth(self, value: Value) -> bool | None:
        """Return whether a value is true; None if that is unknown."""
        if isinstance(value, bool | int | float | str) or value is None:
            return bool(value)
        return None

    # --- names --------------------------------------------------------------------------------------------------

    def under_path(self, new: Value, old: Value, depth: int) -> Value:
        """Return the new value where the conditions opened since `depth` hold, else the old one."""
        return wrapped(tuple(self.path.items())[depth:], new, old)

    def bind(self, names: MutableMapping[str, Value], name: str, value: Value, depth: int) -> None:
        """Give a name a value, where the conditions at hand hold."""
        names[name] = self.under_path(value, names.get(name, UNBOUND), depth)

    def look_up(self, name: str, scope: Scope) -> Value:
        """Return the value of a name; UNBOUND if it has none."""
        place: Scope | None = scope
        while place is not None:
            if name in place.names:
                value = self.see(place.names[name])
                if not isinstance(value, Unbound):
                    return value
            place = place.outer
        return UNBOUND

    # --- what is noticed ----------------------------------------------------------------------------------------

    def compute(self, before: Pixels, after: Pixels) -> Pixels:
        """Note that images were computed from images."""
        self.noticed.consumed.add(before)
        self.notice(self.noticed.computed, after)
        return after

    def lose(self, pixels: Pixels, place: Place) -> Pixels:
        """Return images to which something unknown was done."""
        if pixels.lost:
            return pixels
        after = self.compute(pixels, replace(pixels, lost=True, integer=False, place=place))
        self.parts[after] = pixels
        return after

    def spoil(self, pixels: Pixels) -> None:
        """Note that images were changed in place, and with them those of which they are a view."""
        found: Pixels | None = pixels
        while found is not None and found not in self.spoiled:
            self.spoiled.add(found)
            found = self.parts.get(found)

    def notice(self, kind: list[T], item: T) -> T:
        """Note something. Raises TooMuch."""
        if len(kind) >= MOST_NOTICED:
            raise TooMuch
        kind.append(item)
        return item

    def fresh(self, why: str) -> Unknown:
        """Return something unknown that is like nothing else."""
        self.drawn += 1
        return Unknown(f"{why}~{self.drawn}")

    def unknown(self, why: str) -> Unknown:
        """Return something unknown under a key of bounded length."""
        return Unknown(short(why))


def short(key: str) -> str:
    """Return a key of bounded length."""
    return key if len(key) <= 150 else f"{key[:80]}...{hash(key)}"


def wrapped(path: tuple[tuple[str, bool], ...], new: Value, old: Value) -> Value:
    """Return the new value where all of the conditions hold, else the old one."""
    for key, holds in reversed(path):
        new = either(key, new, old) if holds else either(key, old, new)
    return new


def as_tensor(pixels: Pixels, place: Place) -> Pixels:
    """Turn images into a tensor: whole numbers 0 to 255 are divided by 255, others stay."""
    if not pixels.integer:
        return pixels
    return replace(scaled(pixels, 1 / 255, 0.0), integer=False, layout="first", place=place)


def scaled(pixels: Pixels, factor: Triple | float, summand: Triple | float) -> Pixels:
    """Return factor * pixels + summand."""
    times = factor if isinstance(factor, tuple) else (factor,) * 3
    plus = summand if isinstance(summand, tuple) else (summand,) * 3
    (r, g, b), offset = times, pixels.offset
    slope = pixels.slope[0] * r, pixels.slope[1] * g, pixels.slope[2] * b
    moved = offset[0] * r + plus[0], offset[1] * g + plus[1], offset[2] * b + plus[2]
    return replace(pixels, slope=slope, offset=moved, integer=False)
