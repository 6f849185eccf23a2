"""Numbers in source code, without running it: literals, arithmetic on them, and names bound to them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
}
_WRAPPERS = {"tensor", "array", "tuple", "list", "Tensor", "asarray"}  # torch.tensor([...]) is worth its argument
MOST_ITEMS = 100


def constants(tree: ast.AST) -> dict[str, Any]:
    """Names bound to numbers or sequences of numbers anywhere in the code; a later binding wins."""
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
    """The number, or tuple of numbers, that an expression stands for; None where that takes running it."""
    try:
        return _value(node, names)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Tuple(elts=items) | ast.List(elts=items) if len(items) <= MOST_ITEMS:
            return tuple(_value(item, names) for item in items)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _bounded(_ARITHMETIC[type(op)], _value(left, names), _value(right, names))
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[argument, *_]) if name in _WRAPPERS:
            return _value(argument, names)
        case ast.ListComp(elt=element, generators=[ast.comprehension(target=ast.Name(id=name), iter=source, ifs=[])]):
            return tuple(_value(element, {**names, name: item}) for item in _value(source, names))
    raise ValueError(f"not a literal: {type(node).__name__}")


def _bounded(apply: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    sizes = [len(side) for side in (left, right) if isinstance(side, tuple)]
    counts = [side for side in (left, right) if not isinstance(side, tuple)]
    if sizes and (not counts or sizes[0] * abs(counts[0]) > MOST_ITEMS):  # (0.5,) * 10**9 would fill the memory
        raise ValueError("not a short sequence")
    return apply(left, right)
