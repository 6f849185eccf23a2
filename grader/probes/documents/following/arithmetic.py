"""Arithmetic on numbers, sequences and images, as Python, numpy and torch do it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace

from grader.probes.documents.following.state import State, scaled
from grader.probes.documents.following.values import (
    LARGEST,
    Instance,
    Library,
    Pixels,
    Place,
    Seq,
    Unknown,
    Value,
    numbers,
    triple,
)

Number = int | float
OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
# the same, as methods of tensors and functions of torch and numpy; with a "_" they work in place
NAMED = {
    "add": ast.Add, "sub": ast.Sub, "subtract": ast.Sub, "div": ast.Div, "divide": ast.Div, "true_divide": ast.Div,
    "mul": ast.Mult, "multiply": ast.Mult,
}  # fmt: skip
MOST_ITEMS = 40
PIXEL = (127.5, 255.0, 256.0)  # numbers by which only pixels are divided


def operate(state: State, kind: type[ast.operator], left: Value, right: Value, place: Place) -> Value:
    """Return the result of an operator; unknown if it cannot be told."""
    return state.lift(lambda one, other: _operate(state, kind, one, other, place), left, right)


def _operate(state: State, kind: type[ast.operator], left: Value, right: Value, place: Place) -> Value:
    match left, right:
        case (Pixels(), _):
            return _on_pixels(state, kind, left, right, place)
        case (_, Pixels()):
            return _from_number(state, kind, left, right, place)
        case (Unknown() | Library() | Instance(), int() | float() | Seq()) if _looks_like_images(kind, right):
            return _on_pixels(state, kind, Pixels(guess=True), right, place)
        case (str(), str()) if kind is ast.Add and len(left) + len(right) < 1000:
            return left + right
        case (Seq(array=False), Seq(array=False)) if kind is ast.Add and _short(left, right):
            return Seq([*left.items, *right.items], len(state.path))
        case (Seq(array=False), int()) | (int(), Seq(array=False)) if kind is ast.Mult:
            return _repeated(state, left, right)
    result = _elementwise(kind, left, right)
    return state.unknown(f"{kind.__name__}@{place.source}:{place.line}") if result is None else result


def _looks_like_images(kind: type[ast.operator], number: Value) -> bool:
    """Return whether only images are divided by, or reduced by, such numbers: one per channel, or 255."""
    if kind is ast.Sub or kind is ast.Div:
        found = numbers(number)
        return found is not None and (len(found) == 3 or (kind is ast.Div and found[0] in PIXEL))
    return False


def _on_pixels(state: State, kind: type[ast.operator], pixels: Pixels, number: Value, place: Place) -> Value:
    by = triple(number)
    if by is None or (kind is ast.Div and 0.0 in by):
        return state.lose(pixels, place)
    if kind is ast.Add:
        after = scaled(pixels, 1.0, by)
    elif kind is ast.Sub:
        after = scaled(pixels, 1.0, (-by[0], -by[1], -by[2]))
    elif kind is ast.Mult:
        after = scaled(pixels, by, 0.0)
    elif kind is ast.Div:
        after = scaled(pixels, (1 / by[0], 1 / by[1], 1 / by[2]), 0.0)
    else:
        return state.lose(pixels, place)
    return state.compute(pixels, replace(after, place=place))


def _from_number(state: State, kind: type[ast.operator], number: Value, pixels: Pixels, place: Place) -> Value:
    if kind is ast.Add or kind is ast.Mult:
        return _on_pixels(state, kind, pixels, number, place)
    by = triple(number)
    if kind is ast.Sub and by is not None:
        return state.compute(pixels, replace(scaled(pixels, -1.0, by), place=place))
    return state.lose(pixels, place)


def _short(*parts: Seq) -> bool:
    return sum(len(part.items) for part in parts) <= MOST_ITEMS


def _repeated(state: State, left: Value, right: Value) -> Value:
    part, times = (left, right) if isinstance(left, Seq) else (right, left)
    if not isinstance(part, Seq) or not isinstance(times, int) or len(part.items) * abs(times) > MOST_ITEMS:
        return state.fresh("long")  # (0.5,) * 10**9 would fill the memory
    return Seq(part.items * times, len(state.path))


def _elementwise(kind: type[ast.operator], left: Value, right: Value) -> Value:
    """Compute with numbers, and with sequences element by element, as arrays do; None if that is not possible."""
    if isinstance(left, Seq) and isinstance(right, Seq):
        if len(left.items) != len(right.items) or len(left.items) > MOST_ITEMS:
            return None
        pairs = list(zip(left.items, right.items, strict=True))
    elif isinstance(left, Seq) and len(left.items) <= MOST_ITEMS:
        pairs = [(item, right) for item in left.items]
    elif isinstance(right, Seq) and len(right.items) <= MOST_ITEMS:
        pairs = [(left, item) for item in right.items]
    else:
        return _number(kind, left, right)
    items = [_elementwise(kind, one, other) for one, other in pairs]
    return None if any(item is None for item in items) else Seq(items, 0, array=True)


def _number(kind: type[ast.operator], left: Value, right: Value) -> Number | None:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    try:
        if kind is ast.Pow:
            return _power(left, right)
        result = OPERATORS[kind](left, right)
    except (ArithmeticError, KeyError):
        return None
    return result if abs(result) <= LARGEST else None


def _power(base: Number, exponent: Number) -> Number | None:
    if abs(exponent) > 10 or abs(base) > 1000 or (base <= 0 and exponent != int(exponent)) or base == 0:
        return None
    result: Number = base**exponent
    return result if abs(result) <= LARGEST else None


def negative(value: Value) -> Value:
    """Return the value with its sign turned; None if it is no number."""
    return _elementwise(ast.Mult, value, -1)
