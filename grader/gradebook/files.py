"""Write, change and strictly read back grades, within size limits: figures in grade.json, exhibits beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from grader.disk.names import visible_path
from grader.disk.whole import write_all
from grader.gradebook.earlier import renamed_criteria, upgraded_grade
from grader.gradebook.exhibits import EXHIBITS_FILES, apart, exhibits_file, together
from grader.records import Grade, message
from grader.records.errors import BadLab

if TYPE_CHECKING:  # what is stored is read without it, and it takes a while to import
    from grader.evidence import Evidence

GRADE_FILE, EVIDENCE_FILE = "grade.json", "evidence.json"
SUMMARY = ("total", "points", "needs_human")  # repeated at the top level of the file, for readers that need only these
ATTEMPTS = "attempts"  # a folder in a student's: one numbered folder for each submission that does not count
_GRADE: TypeAdapter[Grade] = TypeAdapter(Grade)
LARGEST = 50_000_000  # bytes; with all its pictures a grade takes about 1 MB


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade with the evidence for it; None for an archive that could not be opened."""

    grade: Grade
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A grade and the file that it was read from; without exhibits if these have a file of their own."""

    grade: Grade
    path: Path
    renamed: tuple[tuple[str, str], ...] = ()  # criteria that had another name when this was stored: then and now


def read_stored(folder: Path) -> tuple[tuple[Stored, ...], tuple[BadLab, ...]]:
    """Read every grade below the folder, by path, and why other files are not grades.

    Raises BadLab if there is no file.
    """
    shown = visible_path(folder)
    if not folder.is_dir():
        raise BadLab(message("{folder} is not a folder. Give the folder that holds the grades.", folder=shown))
    paths = sorted(path for path in folder.rglob(GRADE_FILE) if path.is_file() and not is_attempt(path))
    if not paths:
        sentence = message(
            "{folder} contains no grade.json. Grade first, or give the folder that you gave to 'grade' with --out.",
            folder=shown,
        )
        raise BadLab(sentence)
    grades: list[Stored] = []
    refusals: list[BadLab] = []
    for path in paths:
        try:
            grades.append(_read(path))
        except BadLab as error:
            refusals.append(error)
    return tuple(grades), tuple(refusals)


def is_attempt(path: Path) -> bool:
    """Return whether the file belongs to an attempt that does not count."""
    return path.parent.parent.name == ATTEMPTS


def read_grade(path: Path) -> Grade:
    """Read the grade in a file; without its exhibits if these have a file of their own. Raises BadLab."""
    return _read(path).grade


def whole(grade: Grade, path: Path) -> Grade:
    """Return the grade of a file with its exhibits, as for a page. Raises BadLab."""
    if not grade.exhibits:
        return grade
    beside = path.with_name(exhibits_file(grade.exhibits))
    return together(grade, _bytes(beside), visible_path(beside))


def _read(path: Path) -> Stored:
    shown = visible_path(path)
    grade, renamed = _parsed(text_in(path), shown)
    if not (math.isfinite(grade.total) and math.isfinite(grade.points)):
        raise BadLab(message("{file}: its points do not add up to a number. Grade this submission again.", file=shown))
    return Stored(grade, path, renamed)


def stored_texts(grade: Grade) -> dict[str, str]:
    """Return the files in which the grade is stored, by name, in the order in which to write them."""
    figures, exhibits = apart(grade)
    return {**({exhibits_file(figures.exhibits): exhibits} if exhibits else {}), GRADE_FILE: to_json(figures)}


def remove_other_exhibits(folder: Path, stored: Collection[str]) -> None:
    """Remove exhibits that belong to an earlier grade of this folder, now that files of these names are stored."""
    for file in folder.glob(EXHIBITS_FILES):
        if file.name not in stored:
            with suppress(OSError):  # a file too many does no harm
                file.unlink()


def to_json(grade: Grade, indent: int | None = 1) -> str:
    """Return the grade as `grade.json` holds it: all of this record, with what most readers want at its top level.

    Without an indent, for what no person reads, it is written much faster.
    """
    record: dict[str, Any] = _GRADE.dump_python(grade, mode="json")
    head = {"schema": record.pop("schema"), **{name: getattr(grade, name) for name in SUMMARY}}
    return json.dumps({**head, **record}, ensure_ascii=False, indent=indent, allow_nan=False) + "\n"


def from_json(text: str, file: str) -> Grade:
    """Read `grade.json` back, strictly. Raises BadLab if it is not a grade that this version can read."""
    return _parsed(text, file)[0]


def _parsed(text: str, file: str) -> tuple[Grade, tuple[tuple[str, str], ...]]:
    """Return the grade, and its criteria that had another name when it was stored."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("it holds no record")
        record = {key: value for key, value in upgraded_grade(data).items() if key not in SUMMARY}
        return _GRADE.validate_json(json.dumps(record)), renamed_criteria(data)
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise _not_a_grade(file, reason) from error
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError) as error:
        raise _not_a_grade(file, str(error)) from error


@dataclass(frozen=True, slots=True)
class Changed:
    """A stored grade before and after, each with its exhibits or without them."""

    path: Path
    before: Grade
    after: Grade

    @property
    def differs(self) -> bool:
        """Return whether anything changed, and be it an exhibit; or exhibits are lost, which are here again."""
        if apart(self.before)[0] != apart(self.after)[0]:
            return True
        try:
            whole(self.before, self.path)
        except BadLab:
            return True
        return False


def save(changed: Sequence[Changed]) -> None:
    """Write all of the grades or none; the caller holds the lock. Exhibits that were not read stay as they are.

    Raises BadLab, also if a file is no longer `before`.
    """
    for one in changed:
        if apart(read_grade(one.path))[0] != apart(one.before)[0]:
            sentence = message(
                "{file} was changed by another command in the meantime. Nothing was written; run this again.",
                file=visible_path(one.path),
            )
            raise BadLab(sentence)
    try:
        write_all({one.path.with_name(name): text for one in changed for name, text in stored_texts(one.after).items()})
    except OSError as error:
        sentence = message(
            "{folder} cannot be written: {why}. No grade was changed. Free some space there, or fix its permissions.",
            folder=visible_path(changed[0].path.parent),
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
    for one in changed:
        remove_other_exhibits(one.path.parent, (exhibits_file(apart(one.after)[0].exhibits),))


def _not_a_grade(file: str, reason: str) -> BadLab:
    sentence = message("{file} is not a grade that this version can read: {reason}.", file=file, reason=reason[:200])
    return BadLab(sentence)


def text_in(path: Path) -> str:
    """Return the text of a file beside a grade, or of the grade. Raises BadLab, also if it is too large."""
    try:
        return _bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        sentence = message(
            "{file} is not UTF-8, so it is not a grade. Grade this submission again.", file=visible_path(path)
        )
        raise BadLab(sentence) from error


def _bytes(path: Path) -> bytes:
    shown = visible_path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise BadLab(message("{file} is too large to be a grade. Grade this submission again.", file=shown))
        return path.read_bytes()
    except OSError as error:
        sentence = message("{file} cannot be read: {why}.", file=shown, why=error.strerror or str(error))
        raise BadLab(sentence) from error
