"""Write a table of every criterion on which a person has yet to decide; `marks_table.py` reads it back."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from grader.disk.names import visible_path
from grader.disk.whole import write_output
from grader.gradebook.adjust import Roll
from grader.gradebook.files import read_stored
from grader.gradebook.lock import held
from grader.records import message
from grader.records.errors import BadLab
from reports.gradebooks.open_marks import render


@dataclass(frozen=True, slots=True)
class Template:
    """How many criteria the table asks for (no table is written for none), and the grades that could not be read."""

    criteria: int
    refusals: tuple[BadLab, ...]


def write_template(folder: Path, table: Path) -> Template:
    """Write the open criteria of every grade below the folder. Raises BadLab, also for a table that exists already."""
    if table.exists():
        sentence = message(
            "{file} exists already, and may hold marks. Apply it with --from, or choose another file.",
            file=visible_path(table),
        )
        raise BadLab(sentence)
    with held(folder):
        stored, refusals = read_stored(folder)
    roll, waiting = Roll(stored, folder), [one for one in stored if one.grade.open]
    if waiting:
        text = render((roll.place(one), one.grade) for one in waiting)
        # with a BOM: without one a spreadsheet on Windows reads Chinese names in the system's own encoding
        write_output(table, codecs.BOM_UTF8 + text.encode(errors="backslashreplace"), ())
    return Template(sum(len(one.grade.open) for one in waiting), refusals)
