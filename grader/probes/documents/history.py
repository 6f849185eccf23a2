"""Parses `history.json`, in the template's format or in that of a student's own script."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from grader.probes.documents.text import decode, read_bytes, storable
from grader.probes.refusals import Refuse

LARGEST = 3.5e38  # of a float32; more would overflow in what is computed of it
MOST_EPOCHS = 3000  # with every figure written out they fit into one answer of 1 MB
KEYS = {
    "learning_rate": ("learning_rate", "lr"),
    "train_loss": ("train_loss", "loss"),
    "train_accuracy": ("train_accuracy", "train_acc"),
    "test_loss": ("test_loss", "val_loss"),
    "test_accuracy": ("test_accuracy", "test_acc", "val_accuracy", "val_acc", "accuracy", "acc"),
}
ACCURACIES = ("train_accuracy", "test_accuracy")


def read_history(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read `files["history"]`: the schema history/1, a bare list of epochs, or a dict of lists. Raises Refuse.

    Returns the fields of evidence.History.
    """
    name = str(inputs["file"])
    try:
        data = json.loads(decode(read_bytes(files, "history")))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise Refuse("history_json", file=name, line=line) from error
    head = data if isinstance(data, dict) else {}
    rows = _rows(data)
    if not rows:
        raise Refuse("history_empty", file=name)
    epochs, bad = _epochs(rows[:MOST_EPOCHS])
    fractions = _scale_fractions(epochs)
    words = {key: storable(str(head.get(key) or ""))[:200] for key in ("model", "recipe", "resumed_from")}
    return {"source": name, "epochs": epochs, "not_numbers": bad, "fractions": fractions, **words}, {}


def _rows(data: Any) -> list[dict[str, Any]]:
    if isinstance(data, list):
        return [row for row in data if isinstance(row, dict)]
    if isinstance(data, dict) and isinstance(data.get("epochs"), list) and _rows(data["epochs"]):
        return _rows(data["epochs"])
    if isinstance(data, dict):  # {"test_accuracy": [..], "train_loss": [..]}
        columns = {key: column for key, column in data.items() if isinstance(column, list)}
        length = min(max(map(len, columns.values()), default=0), MOST_EPOCHS)
        return [{key: column[i] for key, column in columns.items() if i < len(column)} for i in range(length)]
    return []


def _epochs(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    epochs, bad = [], 0
    for position, row in enumerate(rows):
        number = _number(row.get("epoch", row.get("epochs")))
        whole = number is not None and abs(number) < 1e9
        epoch: dict[str, Any] = {"epoch": int(number) if number is not None and whole else position}
        for field, names in KEYS.items():
            value = next((row[name] for name in names if name in row), None)
            epoch[field] = _number(value)
            bad += value is not None and epoch[field] is None
        epochs.append(epoch)
    return epochs, bad


def _number(value: Any) -> float | None:
    """Return a float that training can give; None for NaN, text, and what no float32 holds, such as 1e308."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) and abs(value) <= LARGEST else None
    except OverflowError:
        return None


def _scale_fractions(epochs: list[dict[str, Any]]) -> bool:
    """Convert accuracies from 0 to 1 into percent: no run in percent stays below 1 %."""
    written = [epoch[field] for epoch in epochs for field in ACCURACIES if epoch[field] is not None]
    if not written or max(written) > 1.0 or min(written) < 0.0:
        return False
    for epoch in epochs:
        for field in ACCURACIES:
            if epoch[field] is not None:
                epoch[field] *= 100.0
    return True
