"""Lets a probe say why something handed in is refused: by a code and values, without words.

The sentences are in `grader/evidence/refusals.py` and `wording.py`, outside the sandbox.
"""

from __future__ import annotations

from typing import Any

LONGEST = 300  # characters of one value or detail
MOST_DETAILS = 200

Phrase = dict[str, Any]  # {"code": a code of PHRASES, "values": [[name, value], ...]}


def phrase(code: str, /, **values: str | int | float | Phrase) -> Phrase:
    """Build a part of a sentence, which the parent puts into words."""
    return {"code": code, "values": [[name, _short(value)] for name, value in values.items()]}


class Refuse(Exception):
    """Raised by a probe: what was handed in cannot be used. `code` is a key of REFUSALS, `values` fill it."""

    def __init__(self, code: str, details: tuple[str, ...] = (), /, **values: str | int | float | Phrase) -> None:
        super().__init__(code)
        self.code = code
        self.values = {name: _short(value) for name, value in values.items()}
        self.details = [line[:LONGEST] for line in details[:MOST_DETAILS]]


def _short(value: str | int | float | Phrase) -> str | int | float | Phrase:
    """Names in a checkpoint may be megabytes long, and the answer may not."""
    return value[:LONGEST] if isinstance(value, str) else value
