"""What the code of a submission may hold while it is followed: plain Python values, and the ones defined here."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Value = object  # a plain number, text, bool or None, or one of the classes below
Triple = tuple[float, float, float]
LARGEST = 1e12  # a number that is squared line after line would fill the memory


class Place(NamedTuple):
    """Where something is written."""

    source: str
    line: int


NOWHERE = Place("", 0)


@dataclass(frozen=True, slots=True)
class Unbound:
    """The value of a name that has none."""


UNBOUND = Unbound()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything; the same key means the same thing."""

    key: str


@dataclass(frozen=True, slots=True)
class Either:
    """One of two values, depending on a condition that cannot be decided; equal keys are decided together."""

    key: str
    yes: Value
    no: Value


def either(key: str, yes: Value, no: Value) -> Value:
    """Return a value that depends on a condition; one value if it does not matter."""
    return yes if yes is no or (type(yes) is type(no) and yes == no) else Either(key, yes, no)


@dataclass(frozen=True, slots=True)
class Library:
    """Something of a library, or a name that is defined nowhere: `torchvision.transforms.Normalize`."""

    path: str

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(slots=True, eq=False)
class Scope:
    """Names and their values: of a file, a class or a call. `depth` conditions were open when it was made."""

    names: dict[str, Value]
    outer: Scope | None
    depth: int
    source: str
    returned: list[tuple[tuple[tuple[str, bool], ...], Value]] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)
    everywhere: set[str] = field(default_factory=set)  # declared global
    doubtful: bool = False  # a round of a comprehension of which it is not known whether it is left out
    outwards: set[str] = field(default_factory=set)  # declared nonlocal

    @property
    def file(self) -> Scope:
        """Return the outermost scope."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope

    def place_of(self, name: str) -> Scope:
        """Return the scope in which an assignment binds a name."""
        if name in self.everywhere:
            return self.file
        place = self.outer if name in self.outwards else self
        while place is not None and place.outer is not None and name in self.outwards and name not in place.names:
            place = place.outer
        return place or self


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or lambda of the submission; `of` is the object whose method it is."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    source: str
    of: Value = None
    owner: Class | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of the submission."""

    name: str
    bases: tuple[Value, ...]
    scope: Scope

    def find(self, name: str, deepest: int = 8) -> tuple[Value, Class | None]:
        """Return a member and the class that defines it."""
        if name in self.scope.names:
            return self.scope.names[name], self
        for base in self.bases if deepest else ():
            if isinstance(base, Class):
                found, owner = base.find(name, deepest - 1)
                if owner is not None:
                    return found, owner
        return UNBOUND, None

    def libraries(self, deepest: int = 8) -> list[Library]:
        """Return the classes of libraries that it is derived from."""
        found: list[Library] = []
        for base in self.bases if deepest else ():
            found += (
                [base] if isinstance(base, Library) else base.libraries(deepest - 1) if isinstance(base, Class) else []
            )
        return found


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a class of the submission; `data` is what makes it a data set."""

    of: Class
    names: dict[str, Value]
    depth: int
    data: DataSet | None = None


@dataclass(slots=True, eq=False)
class Seq:
    """A list, tuple or array."""

    items: list[Value]
    depth: int = 0
    array: bool = False


@dataclass(slots=True, eq=False)
class Table:
    """A dict with keys that are known."""

    items: dict[Value, Value]
    depth: int = 0
    changed: bool = False  # in a way that is not understood: it may hold anything


@dataclass(slots=True, eq=False)
class DataSet:
    """Labelled images. `test` is whether they are the test images; a loader of a data set counts as the data set.

    `kind` is "lab" for the lab's own data set, "other" for another known one, "own" where the code does not say.
    """

    kind: str
    test: Value
    names: dict[str, Value]  # transform, data
    held: tuple[tuple[str, bool], ...]  # the conditions under which it was made
    place: Place
    instance: Instance | None = None
    purposes: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """Return how many conditions were open when it was made."""
        return len(self.held)


@dataclass(frozen=True, slots=True)
class Pixels:
    """Images as `slope * pixel + offset` by channel, where pixels are 0 to 255.

    `guess`: it is not known where they come from, nor whether their pixels are 0 to 255 or 0 to 1. `lost`: something
    unknown was done to them, so that only their origin is known. `layout` is where their colours are: in the "first"
    axis of an image, in the "last", or "" if that is not known.
    """

    slope: Triple = (1.0, 1.0, 1.0)
    offset: Triple = (0.0, 0.0, 0.0)
    integer: bool = True  # ToTensor divides these by 255
    resize: int = 0
    crop: int = 0
    blue_first: bool = False
    guess: bool = False
    lost: bool = False
    layout: str = ""
    origin: DataSet | None = None
    place: Place = NOWHERE


@dataclass(slots=True, eq=False)
class Step:
    """A step of a transform."""

    name: str
    apply: Callable[[Value], Value]


@dataclass(slots=True, eq=False)
class Chain:
    """Steps one after the other; the list may still change."""

    steps: Seq


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A method of a number, text, sequence, dict or image."""

    whole: Value
    name: str


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call and where it is written."""

    items: tuple[Value, ...]
    words: Mapping[str, Value]
    place: Place
    node: ast.Call | None = None

    def get(self, position: int, name: str, default: Value = UNBOUND) -> Value:
        """Return an argument by keyword, else by position; -1 for one that is only given by keyword."""
        if name in self.words:
            return self.words[name]
        return self.items[position] if 0 <= position < len(self.items) else default


@dataclass(frozen=True, slots=True, eq=False)
class Builtin:
    """Something that is called, and does as told here."""

    apply: Callable[[Given], Value]


def numbers(value: Value, most: int = 20) -> list[float] | None:
    """Return the numbers of an array, however it is nested: [[[0.5]], [[0.5]], [[0.5]]] holds three."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return [float(value)]
    if not isinstance(value, Seq) or len(value.items) > most:
        return None
    found: list[float] = []
    for item in value.items:
        part = numbers(item, most)
        if part is None or len(found) + len(part) > most:
            return None
        found += part
    return found


def triple(value: Value) -> Triple | None:
    """Return three numbers, one per channel; a single one is broadcast to all three, as in torchvision."""
    found = numbers(value)
    if found is not None and len(found) == 1:
        found = found * 3
    if found is None or len(found) != 3 or not all(abs(item) <= LARGEST for item in found):
        return None
    return found[0], found[1], found[2]
