"""Several submissions of one student: which one counts, and where the others are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from grader.disk.whole import write_output
from grader.gradebook.exhibits import encoded
from grader.gradebook.files import ATTEMPTS, EVIDENCE_FILE, GRADE_FILE, read_grade, stored_texts
from grader.records import Grade
from grader.records.errors import BadLab

PAGE = "report.html"

Choose = Callable[[Grade, Grade], bool]  # of the grade that counts so far and the new one: does the new one count?


def last(before: Grade, new: Grade) -> bool:
    """Let the new attempt count."""
    del before, new
    return True


def best(before: Grade, new: Grade) -> bool:
    """Let the attempt with more points count, decisions included; the new one if they cannot be compared yet."""
    if new.unusable or before.unusable:
        return before.unusable
    comparable = _open(before) == _open(new)
    return new.total >= before.total if comparable else True


def _open(grade: Grade) -> set[str]:
    return {mark.criterion.check for mark in grade.open}


def place_of(folder: Path, digest: str) -> Path:
    """Return the folder for an attempt of this digest: the one where it is already, else the next free one."""
    for number in count(1):
        place = folder / ATTEMPTS / str(number)
        if not (place / GRADE_FILE).exists() or _digest_in(place) == digest:
            return place
    raise AssertionError  # count() does not end


def keep(folder: Path, grade: Grade, page: str) -> None:
    """Store the grade that counted so far, with its page and its evidence. Raises BadLab if they cannot be written.

    The evidence in the folder can be of another submission, after a run that was killed while it wrote.
    """
    place = place_of(folder, grade.digest)
    write_output(place / PAGE, encoded(page), ())
    evidence = folder / EVIDENCE_FILE
    if evidence.is_file() and not _is_of_another(data := evidence.read_bytes(), grade):
        write_output(place / EVIDENCE_FILE, data, ())
    for name, text in stored_texts(grade).items():  # last: until then the folder is nobody's, and is used again
        write_output(place / name, encoded(text), ())


def _is_of_another(evidence: bytes, grade: Grade) -> bool:
    try:
        record = json.loads(evidence)
        return (record["digest"], record["archive"]) != (grade.digest, grade.archive)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False  # whatever it is, it is kept


def forget(folder: Path, digest: str) -> None:
    """Remove the copy of an attempt that counts again; also one that a killed run did not come to remove."""
    place = place_of(folder, digest)
    if place.is_dir():
        with suppress(OSError):
            (place / GRADE_FILE).unlink(missing_ok=True)  # first: what is left without it is nobody's
        shutil.rmtree(place, ignore_errors=True)  # a copy too many does no harm
        with suppress(OSError):
            place.parent.rmdir()


def _digest_in(place: Path) -> str | None:
    try:
        return read_grade(place / GRADE_FILE).digest
    except BadLab:
        return None
