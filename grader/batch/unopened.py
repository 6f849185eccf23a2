"""Grades of submissions that could not be examined: not an archive, no space, or a bug in the grader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from grader.intake import Archive, file_digest
from grader.marking.rubric import Rubric
from grader.records import Blocked, Grade, MadeBy, Manual, Mark, Message, Unjudged, message

MOST_FILES = 10_000


def refused(archive: Archive, cause: Message, rubric: Rubric, made_by: MadeBy, zero: bool = False) -> Grade:
    """Return the Grade of an archive that cannot be opened: every finding is blocked by the same cause.

    It needs a human, unless staff decided with `zero` that it earns nothing.
    """
    digest = _digest(archive)
    marks = tuple(Mark(line.criterion, Blocked(line.criterion.check, cause)) for line in rubric.lines)
    made_by = replace(made_by, rubric=rubric.digest)
    return Grade(archive.student, digest, archive.name, marks, None, made_by, unusable=True, zero=zero)


def _digest(archive: Archive) -> str:
    """Return the digest of what was handed in; of several files or archives, that of all of them together."""
    if not archive.pieces:
        return _of_path(archive.path)
    return _of_list([(piece.name, _of_path(piece.path)) for piece in archive.pieces])


def _of_path(path: Path) -> str:
    """Return the digest of a file; of a folder, that of the names and sizes in it; "" if it cannot be read."""
    try:
        if path.is_file():
            return file_digest(path)
        if not path.is_dir():
            return ""
        return _of_list(
            sorted((str(one.relative_to(path)), one.lstat().st_size) for one in islice(path.rglob("*"), MOST_FILES))
        )
    except OSError:
        return ""


def _of_list(lines: Sequence[tuple[str, str | int]]) -> str:
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def bug(archive: Archive, error: Exception, rubric: Rubric, made_by: MadeBy) -> Grade:
    """Return the Grade of a submission on which the grader itself failed."""
    sentence = message(
        "the grader failed on this submission ({kind}: {error}); please report it",
        kind=type(error).__name__,
        error=str(error)[:300],
    )
    return unmarked(archive, sentence, rubric, made_by)


def unmarked(archive: Archive, fault: Message, rubric: Rubric, made_by: MadeBy) -> Grade:
    """Return the Grade of an archive that could not be examined here: no marks, and a fault for staff to act on."""
    findings = (
        Manual(line.criterion.check, fault) if line.check is None else Unjudged(line.criterion.check, fault)
        for line in rubric.lines
    )  # fmt: skip
    marks = tuple(Mark(line.criterion, finding) for line, finding in zip(rubric.lines, findings, strict=True))
    return Grade(archive.student, _digest(archive), archive.name, marks, None, replace(made_by, rubric=rubric.digest))
