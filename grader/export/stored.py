"""The grades that lie below a folder."""

from __future__ import annotations

from pathlib import Path

from grader.errors import BadLab
from grader.export.interface import Stored
from grader.intake.names import visible_path
from grader.records import message
from grader.stored import GRADE, read_grade


def read_stored(folder: Path) -> tuple[tuple[Stored, ...], tuple[BadLab, ...]]:
    """Every grade below the folder, by path, and what is wrong with the files that are none. BadLab where none lies."""
    shown = visible_path(folder)
    if not folder.is_dir():
        raise BadLab(message("{folder} is no folder. Name the one that holds the grades.", folder=shown))
    paths = sorted(path for path in folder.rglob(GRADE) if path.is_file())
    if not paths:
        text = "{folder} holds no grade.json. Grade first, or name the folder that --out of 'grade' named."
        raise BadLab(message(text, folder=shown))
    grades: list[Stored] = []
    refusals: list[BadLab] = []
    for path in paths:
        try:
            grades.append(Stored(read_grade(path), path))
        except BadLab as error:
            refusals.append(error)
    return tuple(grades), tuple(refusals)
