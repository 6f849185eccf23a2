"""Evaluates numbers in source code without running it: literals, arithmetic on them, and names bound to them."""

from __future__ import annotations

import ast
import operator
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
}
_WRAPPERS = {"tensor", "array", "tuple", "list", "Tensor", "asarray"}  # torch.tensor([...]) is worth its argument
MOST_ITEMS = 20  # three channels, and room
MOST_STEPS = 200  # of one expression: [[[... for x in a] for y in a] for z in a] would take for ever
LARGEST = 1e12  # a number that is squared line after line would fill the memory


def constants(tree: ast.AST) -> dict[str, Any]:
    """Return the names bound to numbers or sequences of numbers anywhere in the code; later bindings win."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            _bind(target, node.value, found)
    return found


def _bind(target: ast.expr, value: ast.expr, found: dict[str, Any]) -> None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, item in zip(target.elts, value.elts, strict=True):
            _bind(one, item, found)
    elif isinstance(target, ast.Name):
        number = evaluate(value, found)
        if number is not None:
            found[target.id] = number


def evaluate(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return the number, or tuple or dict of numbers, of an expression; None if that requires running it."""
    try:
        return _Reader().value(node, names)
    except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError):
        return None


class _Reader:
    """Evaluates one expression in a bounded number of steps."""

    def __init__(self) -> None:
        self._steps = 0

    def value(self, node: ast.expr, names: Mapping[str, Any]) -> Any:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ValueError("not a short expression")
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in names:
                return names[name]
            case ast.Tuple(elts=items) | ast.List(elts=items) if len(items) <= MOST_ITEMS:
                return tuple(self.value(item, names) for item in items)
            case ast.Dict(keys=keys, values=values) if 0 < len(keys) <= MOST_ITEMS:
                return {_key(key): self.value(value, names) for key, value in zip(keys, values, strict=True)}
            case ast.Subscript(value=whole, slice=index):
                return self.value(whole, names)[_key(index)]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand, names)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _bounded(_ARITHMETIC[type(op)], self.value(left, names), self.value(right, names))
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[argument, *_]) if name in _WRAPPERS:
                return self.value(argument, names)
            case (
                ast.ListComp(elt=element, generators=[comprehension])
                | ast.GeneratorExp(elt=element, generators=[comprehension])
            ):
                return self._each(element, comprehension, names)
        raise ValueError(f"not a literal: {type(node).__name__}")

    def _each(self, element: ast.expr, comprehension: ast.comprehension, names: Mapping[str, Any]) -> Any:
        if not isinstance(comprehension.target, ast.Name) or comprehension.ifs:
            raise ValueError("not a plain comprehension")
        name = comprehension.target.id
        items = self.value(comprehension.iter, names)
        return tuple(self.value(element, ChainMap({name: item}, names)) for item in items)  # type: ignore[arg-type]


def _key(node: ast.expr | None) -> Any:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | int):
        raise ValueError("not a plain key")
    return node.value


def _bounded(apply: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Compute arithmetic on numbers, and elementwise with a number, as arrays do; `(0.5,) * 3` repeats."""
    match left, right:
        case (tuple(), int()) | (int(), tuple()) if apply is operator.mul:
            items, times = (left, right) if isinstance(left, tuple) else (right, left)
            if len(items) * abs(times) > MOST_ITEMS:  # (0.5,) * 10**9 would fill the memory
                raise ValueError("not a short sequence")
            return items * times
        case (tuple(), int() | float()):
            return tuple(_bounded(apply, item, right) for item in left)
        case (int() | float(), int() | float()):
            result = apply(left, right)
            if abs(result) > LARGEST:
                raise ValueError("not a small number")
            return result
    raise ValueError("not numbers")
