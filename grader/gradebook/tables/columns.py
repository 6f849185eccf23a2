"""Find the columns of an export by their headings, which depend on the platform and its language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from grader.disk.names import visible
from grader.gradebook.tables.sheets import Export
from grader.records import message, same
from grader.records.errors import BadLab

MOST_NAMED = 12  # headings in one sentence
_NUMBER = re.compile(r"\s*\(\d+\)$")  # Canvas writes an assignment's id after its title


def find_column(export: Export, names: Iterable[str]) -> int | None:
    """Return the first column with one of these headings; None if there is none."""
    wanted = {same(name) for name in names}
    return next((place for place, text in enumerate(export.sheet.headings) if same(text) in wanted), None)


def named_column(export: Export, name: str, offered: Sequence[int]) -> int:
    """Return the column that the instructor names, with or without its id, or counts, from 1.

    Raises BadLab if none or several fit.
    """
    headings = export.sheet.headings
    for plain in (same, lambda text: same(_NUMBER.sub("", text))):
        found = [place for place in offered if plain(headings[place]) == same(name)]
        if len(found) == 1:
            return found[0]
        if found:
            sentence = message(
                "{file}, line 1: {count} columns are named {name}. Give one of them another heading.",
                file=export.name,
                count=len(found),
                name=visible(name),
            )
            raise BadLab(sentence)
    if name.isdecimal() and len(name) < 6 and int(name) - 1 in offered:
        return int(name) - 1
    choices = [headings[place] for place in offered]
    near = get_close_matches(name, [*choices, *(_NUMBER.sub("", choice) for choice in choices)], n=1)
    if near:
        sentence = message(
            "{file}, line 1: no column to fill is named {name}; did you mean --column {near}?",
            file=export.name,
            name=visible(name),
            near=quoted(near[0]),
        )
        raise BadLab(sentence)
    sentence = message(
        "{file}, line 1: no column to fill is named {name}; the columns are {columns}.",
        file=export.name,
        name=visible(name),
        columns=listed(choices),
    )
    raise BadLab(sentence)


def listed(names: Sequence[str]) -> str:
    """List headings for a sentence."""
    shown = [quoted(name) for name in names[:MOST_NAMED]]
    return ", ".join([*shown, *(["..."] if len(names) > MOST_NAMED else [])]) or "-"


def quoted(name: str) -> str:
    """Quote a heading as on a command line."""
    return f'"{visible(name)}"'


def require_cells(export: Export, rows: Iterable[int], column: int) -> None:
    """Raise BadLab unless each of these rows reaches the column."""
    for number in rows:
        row = export.sheet.rows[number]
        if column >= len(row.fields):
            values = {"file": export.name, "name": quoted(export.sheet.headings[column])}
            sentence = message(
                "{file}, line {line}: the row has only {count} cells and does not reach column {name}."
                " Export it again.",
                line=row.line,
                count=len(row.fields),
                **values,
            )
            raise BadLab(sentence)
