"""Reads the accuracy that a function shows: in what it returns, else in what it sets, else in what it prints."""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import torch

MOST_PRINTED = 40_000  # characters; the last ones count
LONGEST_LINE = 400
NUMBER = r"(\d{1,9}(?:\.\d{1,12})?)"
COUNTED = re.compile(r"(\d{1,9})\s?/\s?(\d{1,9})")
LABEL = r"(?:acc(?:uracy)?\b|准确率|正确率|精度)"
TOLD = (  # from the surest: "accuracy on 10000 images: 56 %", "test acc (epoch 3): 0.56", "acc 56.2", "56 %"
    re.compile(rf"{LABEL}[^\n%]{{0,80}}?{NUMBER}\s?%", re.IGNORECASE),
    re.compile(rf"{LABEL}[^\n:=]{{0,60}}?(?:[:=]|\bis\b|为|是)\s{{0,9}}{NUMBER}", re.IGNORECASE),
    re.compile(rf"{LABEL}[^\w\n]{{0,9}}{NUMBER}", re.IGNORECASE),
    re.compile(rf"{NUMBER}\s?%"),
)
OF_A_CLASS = re.compile(
    r"\b(?:plane|airplane|car|automobile|bird|cat|deer|dog|frog|horse|ship|truck|class)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a function shows: numbers as it gives them; `within`: half or all of the last printed digit."""

    accuracy: float | None = None
    loss: float | None = None
    within: float = 0.0


class Printed(io.TextIOBase):
    """Keeps the end of what is printed, and prints it too."""

    def __init__(self, through: TextIO) -> None:
        self.text = ""
        self._through = through

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-MOST_PRINTED:]
        return self._through.write(text)

    def flush(self) -> None:
        pass


@contextmanager
def printing() -> Iterator[Printed]:
    """Keep what is printed meanwhile."""
    before = sys.stdout
    kept = Printed(before)
    sys.stdout = kept
    try:
        yield kept
    finally:
        sys.stdout = before


def in_returned(value: object, tree: ast.FunctionDef | None) -> Shown:
    """Read numbers that are returned: by the names of a dict or of the return statement, else loss and accuracy."""
    if isinstance(value, Mapping):
        return _by_names([(str(name), as_number(one)) for name, one in list(value.items())[:20]])
    if isinstance(value, tuple | list) and 0 < len(value) <= 6:
        numbers = [as_number(one) for one in value]
        found = _by_names(list(zip(_returned_names(tree, len(numbers)), numbers, strict=True)))
        if found.accuracy is not None:
            return found
        return Shown(numbers[1], numbers[0]) if len(numbers) == 2 else Shown()
    number = as_number(value)
    (name,) = _returned_names(tree, 1)
    if number is None or ("loss" in name and "acc" not in name):
        return Shown(None, number)
    return Shown(number)


def in_names(before: Mapping[str, Any], after: Mapping[str, Any], written: set[str]) -> Shown:
    """Read the accuracy among the names that were set, and the lists that grew, where a name says so."""
    found: list[tuple[str, float]] = []
    for name, value in after.items():
        if "acc" not in name.casefold():
            continue
        last = value[-1] if isinstance(value, list) and len(value) > len(before.get(name) or ()) else value
        number = as_number(last)
        if number is not None and (name in written or last is not value):
            found.append((name, number))
    found.sort(key=lambda one: "best" in one[0].casefold())  # the best is only set where it is better
    return Shown(found[0][1]) if found else Shown()


def in_printed(text: str, images: int) -> Shown:
    """Read the accuracy in the last line that tells one: as a count of these images, else as a labelled number."""
    lines = [line[:LONGEST_LINE] for line in re.split(r"[\n\r\b]+", text) if line.strip()][::-1]
    for line in lines:
        for count, of in COUNTED.findall(line):
            if int(of) == images and int(count) <= images:
                return Shown(100.0 * int(count) / images)
    for pattern in TOLD:
        for line in lines:
            found = pattern.findall(line)
            if found and not OF_A_CLASS.search(line):
                decimals = len(found[-1].partition(".")[2])
                return Shown(float(found[-1]), None, 10.0**-decimals)
    return Shown()


def as_number(value: object) -> float | None:
    """Return a number of torch, numpy or Python; None for anything else, and for what is not finite."""
    try:
        if isinstance(value, torch.Tensor | np.ndarray | np.generic) and np.prod(value.shape) == 1:
            value = value.item()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
            return float(value)
    except Exception:
        return None
    return None


def _by_names(pairs: list[tuple[str, float | None]]) -> Shown:
    accuracy = [number for name, number in pairs if "acc" in name or "correct" in name]
    loss = [number for name, number in pairs if "loss" in name and "acc" not in name]
    return Shown(accuracy[0] if accuracy else None, loss[0] if loss else None)


def _returned_names(tree: ast.FunctionDef | None, count: int) -> list[str]:
    """Return the names in each part of the last return statement, as one text each."""
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)] if tree else []
    value = returns[-1] if returns else None
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    if value is None or len(parts) != count:
        return [""] * count
    return [
        " ".join(node.id for node in ast.walk(part) if isinstance(node, ast.Name)).casefold() if part else ""
        for part in parts
    ]
