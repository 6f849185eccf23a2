"""Publish results to a folder for each student, and keep what people decided there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from grader.disk.names import to_disk
from grader.disk.whole import made, write_whole
from grader.evidence import EVIDENCE
from grader.gradebook.decisions import LEFT_ASIDE, carry_over
from grader.gradebook.files import EVIDENCE_FILE, GRADE_FILE, Graded, read_grade, to_json
from grader.gradebook.lock import held
from grader.records import Flag, Grade, Student, message
from grader.records.errors import BadLab

Render = Callable[[Grade], str]
NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Written:
    """A grade and the folder of its files."""

    grade: Grade
    folder: Path

    @property
    def report(self) -> Path:
        """Return the page to open."""
        return self.folder / "report.html"


class Publisher:
    """Write each grade into its own folder below `out`; two students with the same name get two folders.

    A student who was graded before keeps the folder and what people decided there.
    """

    def __init__(self, out: Path, render: Render) -> None:
        self._out = out
        self._render = render
        self._taken: set[str] = set()

    def __call__(self, graded: Graded) -> Written:
        """Write report.html, evidence.json and, last, grade.json. Raises BadLab if they cannot be written."""
        with nullcontext() if self._out.exists() else made(self._out), held(self._out):
            return self._write(graded)

    def _write(self, graded: Graded) -> Written:
        folder, earlier = self._place(graded.grade)
        grade = _with_decisions(graded.grade, earlier, folder)
        files = {"report.html": self._render(grade)}
        if graded.evidence is not None:
            files[EVIDENCE_FILE] = EVIDENCE.dump_json(graded.evidence, indent=1).decode()
        files[GRADE_FILE] = to_json(grade)
        self._taken.add(folder.name.casefold())
        with made(folder):  # nothing is replaced until all of it has been written
            if isinstance(earlier, BadLab):
                (folder / GRADE_FILE).replace(_unread(folder))
            if graded.evidence is None:  # belongs to an earlier archive: this grade is not based on it
                (folder / EVIDENCE_FILE).unlink(missing_ok=True)
            for name, text in files.items():
                write_whole(folder / name, text)
        return Written(grade, folder)

    def _place(self, grade: Grade) -> tuple[Path, Grade | BadLab | None]:
        """Return the student's folder and the grade in it. Of several, prefer the one of this same submission."""
        found = [one for one in self._candidates(grade) if _same_student(one[1], grade)]
        same = [one for one in found if isinstance(one[1], Grade) and one[1].digest == grade.digest]
        return (same or found)[0]

    def _candidates(self, grade: Grade) -> Iterator[tuple[Path, Grade | BadLab | None]]:
        """Yield folders of this name that this run has not written, up to the first free one, and the grade in each."""
        name = folder_name(grade.student)
        for number in count(1):
            unique = name if number == 1 else f"{name}-{number}"
            folder = self._out / to_disk(unique)
            if unique.casefold() not in self._taken:
                earlier = _earlier(folder / GRADE_FILE)
                yield folder, earlier
                if earlier is None:
                    return


def _earlier(path: Path) -> Grade | BadLab | None:
    if not path.is_file():
        return None
    try:
        return read_grade(path)
    except BadLab as error:
        return error


def _same_student(earlier: Grade | BadLab | None, grade: Grade) -> bool:
    """Return whether both are the same student; True also if that is unknown."""
    if not isinstance(earlier, Grade):
        return True
    ours, theirs = grade.student, earlier.student
    return (ours.name, ours.identifier) == (theirs.name, theirs.identifier)


def _with_decisions(grade: Grade, earlier: Grade | BadLab | None, folder: Path) -> Grade:
    """Return the grade with what people decided; an unreadable grade.json may hold decisions, and is kept."""
    if isinstance(earlier, Grade):
        return carry_over(earlier, grade)
    if earlier is None:
        return grade
    sentence = message(
        "The earlier grade.json could not be read and was kept as {file}. Adjustments in it are not part of"
        " this grade.",
        file=_unread(folder).name,
    )
    return replace(grade, flags=(*grade.flags, Flag(LEFT_ASIDE, sentence)))


def _unread(folder: Path) -> Path:
    return next(path for n in count(1) if not (path := folder / f"grade-unread-{n}.json").exists())


def folder_name(student: Student) -> str:
    """Return a name that every file system accepts: letters, digits, dots and dashes, at most 80 characters."""
    whole = f"{student.name}-{student.identifier}" if student.identifier else student.name
    plain = re.sub(r"[^\w.-]+", "_", whole).strip("._-")
    return plain.encode()[:NAME_CHARACTERS].decode("utf-8", "ignore") or "student"
