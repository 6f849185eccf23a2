"""What lies beside a page: grade.json and evidence.json, read back strictly and within bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from grader.disk.names import visible_path
from grader.evidence import EVIDENCE as _EVIDENCE
from grader.evidence import Evidence
from grader.mark import from_json
from grader.records import Grade, message
from grader.records.errors import BadLab

GRADE, EVIDENCE = "grade.json", "evidence.json"
LARGEST = 50_000_000  # bytes; with all its pictures a grade takes about 1 MB


@dataclass(frozen=True, slots=True)
class Stored:
    """A grade, and the file from which it was read."""

    grade: Grade
    path: Path


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


def read_grade(path: Path) -> Grade:
    """The grade in a file. Raises BadLab."""
    shown = visible_path(path)
    grade = from_json(_text(path), shown)
    if not (math.isfinite(grade.total) and math.isfinite(grade.points)):
        raise BadLab(message("{file} adds up to no number. Grade this submission again.", file=shown))
    return grade


def read_evidence(path: Path, grade: Grade) -> Evidence:
    """What was observed of the submission of this grade. Raises BadLab, also where it is of another submission."""
    shown = visible_path(path)
    try:
        evidence = _EVIDENCE.validate_json(_text(path))
    except (ValidationError, ValueError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        text = "{file} is no evidence of this version: {reason}. Grade this submission again."
        raise BadLab(message(text, file=shown, reason=reason[:200])) from error
    if (evidence.digest, evidence.archive) != (grade.digest, grade.archive):
        text = "{file} is of another submission than the grade beside it. Grade this submission again."
        raise BadLab(message(text, file=shown))
    return evidence


def _text(path: Path) -> str:
    shown = visible_path(path)
    try:
        if path.stat().st_size > LARGEST:
            text = "{file} is larger than any grade. Grade this submission again."
            raise BadLab(message(text, file=shown))
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        text = "{file} is not UTF-8, and so no grade. Grade this submission again."
        raise BadLab(message(text, file=shown)) from error
    except OSError as error:
        text = "{file} cannot be read: {why}."
        raise BadLab(message(text, file=shown, why=error.strerror or str(error))) from error
