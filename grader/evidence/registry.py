"""Registers the kinds of records that evidence may hold."""

from __future__ import annotations

from typing import TypeVar

from grader.records import strict

T = TypeVar("T")

KINDS: dict[str, type[object]] = {}  # by the default of their `kind` field


def record(kind: type[T]) -> type[T]:
    """Declare a record: it is read strictly from JSON and stored under the default of its `kind` field."""
    KINDS[kind_of(kind)] = kind
    return strict(kind)


def kind_of(kind: type[object]) -> str:
    """Return the name under which a record is stored."""
    return str(kind.__dataclass_fields__["kind"].default)  # type: ignore[attr-defined]
