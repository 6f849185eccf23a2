"""Comparisons. Where code works for several data sets, it is followed for the lab's own."""

from __future__ import annotations

import ast
import re

from grader.probes.documents.following.state import short
from grader.probes.documents.following.values import Either, Library, Seq, Table, Unknown, Value

LAB = "cifar10"
OTHERS = {
    "cifar100", "mnist", "fashionmnist", "emnist", "kmnist", "qmnist", "svhn", "stl10", "imagenet", "imagenet1k",
    "imagenet100", "imagenette", "tinyimagenet", "tinyimagenet200", "celeba", "caltech101", "caltech256", "food101",
    "flowers102", "usps", "lsun", "gtsrb", "coco", "places365", "cub200", "dtd", "eurosat", "omniglot", "cinic10",
}  # fmt: skip


def data_set(value: Value) -> str:
    """Return the name of a data set in lower case without punctuation; "" if it is none that is known."""
    name = re.sub("[^a-z0-9]", "", value.casefold()) if isinstance(value, str) and len(value) < 40 else ""
    return name if name == LAB or name in OTHERS else ""


def compared(kind: type[ast.cmpop], left: Value, right: Value) -> Value:
    """Return whether a comparison holds; something unknown if that cannot be told."""
    turned = kind in (ast.NotEq, ast.NotIn, ast.IsNot)
    found = _holds(kind, left, right)
    if isinstance(found, bool):
        return found is not turned
    return Either(found.key, not turned, turned)


def _holds(kind: type[ast.cmpop], left: Value, right: Value) -> bool | Unknown:
    """Return whether left equals right, is in it, or is less."""
    if kind in (ast.In, ast.NotIn):
        return _within(left, right)
    if kind in (ast.Eq, ast.NotEq, ast.Is, ast.IsNot):
        if _plain(left) and _plain(right):
            return left is right if left is None or right is None else left == right
        if left is None or right is None:
            return Unknown(f"{_key(left)} is {_key(right)}") if _open(left) or _open(right) else False
        named = data_set(left) or data_set(right)
        if named and (_open(left) or _open(right)):
            return named == LAB
        return Unknown(f"{_key(left)} == {_key(right)}")
    if isinstance(left, int | float) and isinstance(right, int | float):
        return {ast.Lt: left < right, ast.LtE: left <= right, ast.Gt: left > right, ast.GtE: left >= right}[kind]
    return Unknown(f"{_key(left)} {kind.__name__} {_key(right)}")


def _within(left: Value, right: Value) -> bool | Unknown:
    items: list[Value] = list(right.items) if isinstance(right, Seq | Table) else []
    if items and all(map(_plain, items)) and _plain(left):
        return left in items
    named = [data_set(item) for item in items]
    if items and all(named) and _open(left):
        return LAB in named
    if isinstance(left, str) and isinstance(right, str):
        return left in right
    if isinstance(left, str) and _open(right) and data_set(left):  # "cifar10" in args.dataset
        return data_set(left) == LAB
    return Unknown(f"{_key(left)} in {_key(right)}")


def _plain(value: Value) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _open(value: Value) -> bool:
    return isinstance(value, Unknown | Library)


def _key(value: Value) -> str:
    if isinstance(value, Unknown):
        return short(value.key)
    if isinstance(value, Library):
        return short(value.path)
    return repr(value)[:60] if _plain(value) else f"{type(value).__name__}{id(value)}"
