"""Parses an instructor's own export without loss: what is not filled stays unchanged, character by character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Place = tuple[int, int]  # row and column, counted from 0


@dataclass(frozen=True, slots=True)
class Field:
    """One cell: its raw text in the file, with quotes, and its value."""

    raw: str
    text: str

    @property
    def quoted(self) -> bool:
        """Whether the cell is quoted in the file."""
        return self.raw.startswith('"')


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one record, the line on which it begins (from 1), and the line break after it."""

    line: int
    fields: tuple[Field, ...]
    end: str

    def text(self, column: int | None) -> str:
        """Return the cell without surrounding spaces; "" if the row has no such column."""
        return self.fields[column].text.strip() if column is not None and column < len(self.fields) else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole file; its first row is the headings."""

    rows: tuple[Row, ...]
    delimiter: str

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings without surrounding spaces."""
        return tuple(field.text.strip() for field in self.rows[0].fields)

    def written(self, changes: Mapping[Place, str]) -> str:
        """Write the file with these cells changed; quotes and everything else stay as read."""
        return "".join(self._row(number, row, changes) for number, row in enumerate(self.rows))

    def _row(self, number: int, row: Row, changes: Mapping[Place, str]) -> str:
        cells = (self._cell(field, changes.get((number, column))) for column, field in enumerate(row.fields))
        return self.delimiter.join(cells) + row.end

    def _cell(self, field: Field, text: str | None) -> str:
        if text is None:
            return field.raw
        if field.quoted or text != text.strip() or any(c in text for c in (self.delimiter, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text
