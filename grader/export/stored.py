"""The grades that lie below a folder."""

from __future__ import annotations

import math
from pathlib import Path

from grader.errors import BadLab
from grader.export.interface import Stored
from grader.intake.names import visible_path
from grader.mark import from_json
from grader.records import message

GRADE = "grade.json"
LARGEST_GRADE = 50_000_000  # bytes; with all its pictures a grade takes about 1 MB


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
            grades.append(_read(path))
        except BadLab as error:
            refusals.append(error)
    return tuple(grades), tuple(refusals)


def _read(path: Path) -> Stored:
    shown = visible_path(path)
    try:
        if path.stat().st_size > LARGEST_GRADE:
            text = "{file} is larger than any grade. Grade this submission again."
            raise BadLab(message(text, file=shown))
        grade = from_json(path.read_text("utf-8"), shown)
    except UnicodeDecodeError as error:
        raise BadLab(
            message("{file} is not UTF-8, and so no grade. Grade this submission again.", file=shown)
        ) from error
    except OSError as error:
        text = "{file} cannot be read: {why}."
        raise BadLab(message(text, file=shown, why=error.strerror or str(error))) from error
    if not (math.isfinite(grade.total) and math.isfinite(grade.points)):
        raise BadLab(message("{file} adds up to no number. Grade this submission again.", file=shown))
    return Stored(grade, path)
