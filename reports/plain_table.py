"""Prints a table of records on a terminal; in a pipe, one line per row."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from grader.records import Table
from reports.text import cell, words


def show_table(table: Table, console: Console) -> None:
    """Print the table with its headings; cells are never interpreted as markup."""
    rows = [tuple(_fitted(cell(value), console) for value in row) for row in table.rows]
    headings = [_fitted(words(column), console) for column in table.columns]
    if not console.is_terminal:
        for row in (headings, *rows):
            console.print(Text("\t".join(row)), soft_wrap=True)
        return
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, heading in enumerate(headings):
        numbers = bool(table.rows) and all(isinstance(row[place], int | float) for row in table.rows)
        grid.add_column(Text(heading), justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def _fitted(text: str, console: Console) -> str:
    """Escape what the terminal's encoding lacks."""
    return text.encode(console.encoding, "backslashreplace").decode(console.encoding)
