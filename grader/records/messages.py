"""Sentences not yet translated into a language, and strict reading of stored records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Literal, TypeVar

Scalar = str | int | float | bool
Audience = Literal["student", "staff"]
AttemptChoice = Literal["last", "best", "ask"]  # of a student's submissions, which one counts
# Of a command line: auto is the strongest that works, plain runs no student code, none runs it without isolation.
SandboxChoice = Literal["auto", "namespaces", "landlock", "plain", "none"]

T = TypeVar("T")


def strict(record: type[T]) -> type[T]:
    """Make a record strict when read from JSON: no unknown field, NaN, or number from text. Needs no pydantic."""
    record.__pydantic_config__ = {"extra": "forbid", "strict": True, "allow_inf_nan": False}  # type: ignore[attr-defined]
    return record


_FIELD = re.compile(r"[a-z_][a-z0-9_]*")


@strict
@dataclass(frozen=True, slots=True)
class Message:
    """A sentence not yet translated: an English template and the values that fill it, which may be messages."""

    text: str
    values: tuple[tuple[str, Scalar | Message], ...] = ()

    def english(self) -> str:
        """Return the sentence in English, for logs and exceptions; pages go through `reports`."""
        plain = {name: value.english() if isinstance(value, Message) else value for name, value in self.values}
        return self.text.format(**plain)


def message(text: str, /, **values: Scalar | Message) -> Message:
    """Build a Message. Raises ValueError if template and values do not have the same fields, which is a bug of ours."""
    pieces = [(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None]
    fields = {name for name, _ in pieces}
    plain = all(_FIELD.fullmatch(name) and "{" not in spec for name, spec in pieces)
    if fields != set(values) or not plain:
        raise ValueError(f"message fields {sorted(fields)} and values {sorted(values)} differ: {text!r}")
    return Message(text, tuple(values.items()))


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a template for extraction if it becomes a message elsewhere."""
    return text


def stacked(above: Message, below: Sequence[Message], mark: str = "") -> Message:
    """Put sentences on separate lines. Each is a separate value, because a report cuts long values."""
    for line in below:
        above = message("{above}\n{mark}{line}", above=above, mark=mark, line=line)
    return above


def joined(text: str, parts: Sequence[Scalar | Message]) -> Scalar | Message:
    """Join several values: `joined("{first} and {second}", names)` applies the template once per further name."""
    whole = parts[0]
    for part in parts[1:]:
        whole = message(text, first=whole, second=part)
    return whole
