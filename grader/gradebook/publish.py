"""Publish results to a folder for each student, and keep what people decided there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path

from grader.disk.names import to_disk
from grader.disk.whole import made, write_whole
from grader.evidence import EVIDENCE
from grader.gradebook.attempts import PAGE, Choose, forget, keep, last, place_of
from grader.gradebook.decisions import LEFT_ASIDE, carry_over
from grader.gradebook.files import EVIDENCE_FILE, GRADE_FILE, Graded, read_grade, to_json
from grader.gradebook.lock import held
from grader.records import Flag, Grade, Student, message
from grader.records.errors import BadLab

Render = Callable[[Grade], str]
NAME_BYTES = 80
MOST_NAMED = 5


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
    """Write each grade into the student's folder below `out`; another student, or a doubtful one, gets another folder.

    A student who was graded before keeps the folder and what people decided there. Of several attempts `choose` picks
    the one that counts; the others lie in the folder's `attempts/`.
    """

    def __init__(self, out: Path, render: Render, choose: Choose = last) -> None:
        self._out = out
        self._render = render
        self._choose = choose
        self._taken: set[str] = set()  # by students whom only a name tells apart

    def __call__(self, graded: Graded) -> Written:
        """Write report.html, evidence.json and, last, grade.json. Raises BadLab if they cannot be written."""
        with nullcontext() if self._out.exists() else made(self._out), held(self._out):
            return self._write(graded)

    def _write(self, graded: Graded) -> Written:
        folder, earlier = self._place(graded.grade)
        if graded.grade.student.guessed:
            graded = replace(graded, grade=_doubted(graded.grade, self._others(graded.grade, folder)))
        written = self._as_attempt(graded, folder, earlier)
        if not graded.grade.student.known:
            self._taken.add(folder.name.casefold())
        return written

    def _as_attempt(self, graded: Graded, folder: Path, earlier: Grade | BadLab | None) -> Written:
        """Write the grade as the one that counts, and keep the earlier one of another submission, or the other way."""
        another = isinstance(earlier, Grade) and earlier.digest != graded.grade.digest
        if isinstance(earlier, Grade) and another:
            if not self._choose(earlier, graded.grade):
                return self._save(graded, place_of(folder, graded.grade.digest), None)
            keep(folder, earlier)
        written = self._save(graded, folder, earlier)
        if another:
            forget(folder, graded.grade.digest)
        return written

    def _save(self, graded: Graded, folder: Path, earlier: Grade | BadLab | None) -> Written:
        grade = _with_decisions(graded.grade, earlier, folder)
        files = {PAGE: self._render(grade)}
        if graded.evidence is not None:
            files[EVIDENCE_FILE] = EVIDENCE.dump_json(graded.evidence, indent=1).decode()
        files[GRADE_FILE] = to_json(grade)
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
        """Yield folders of this student, then of this name, up to the first free one, and the grade in each.

        A person has one folder in a run, unless only a name says who it is.
        """
        if number := _plain(grade.student.identifier):  # the platform may know the student by another name today
            for path in sorted(self._out.glob(f"*-{number}/{GRADE_FILE}")):
                yield path.parent, _earlier(path)
        for folder in self._of_name(grade.student):
            if folder.name.casefold() not in self._taken:
                earlier = _earlier(folder / GRADE_FILE)
                yield folder, earlier
                if earlier is None:
                    return

    def _of_name(self, student: Student) -> Iterator[Path]:
        """Yield Ada_Ng, Ada_Ng-2, Ada_Ng-3 and so on."""
        name = folder_name(student)
        yield self._out / to_disk(name)
        yield from (self._out / to_disk(f"{name}-{number}") for number in count(2))

    def _others(self, grade: Grade, chosen: Path) -> tuple[str, ...]:
        """Return the folders with other submissions of the same doubtful name."""
        graded = takewhile(
            lambda folder: (folder / GRADE_FILE).is_file() or folder == chosen, self._of_name(grade.student)
        )
        return tuple(folder.name for folder in graded if folder != chosen)


def _doubted(grade: Grade, others: tuple[str, ...]) -> Grade:
    """Return the grade with a flag if other submissions have the same name, which does not say whose they are."""
    if not others:
        return grade
    sentence = message(
        "{archive} does not say whose submission it is, and other submissions are called {name} as well ({folders})."
        " All were kept apart, and decisions about one do not apply to another. Rename the archives after the students"
        " and grade again.",
        archive=grade.archive,
        name=grade.student.name,
        folders=", ".join(others[:MOST_NAMED]),
    )
    return replace(grade, flags=(*grade.flags, Flag("whose submission", sentence)))


def _earlier(path: Path) -> Grade | BadLab | None:
    if not path.is_file():
        return None
    try:
        return read_grade(path)
    except BadLab as error:
        return error


def _same_student(earlier: Grade | BadLab | None, grade: Grade) -> bool:
    """Return whether the folder is the student's: nobody's, the same person's, or that of this very submission."""
    if isinstance(earlier, Grade):
        same_name = earlier.student.name == grade.student.name
        return earlier.student.is_certainly(grade.student) or (
            same_name and bool(grade.digest) and earlier.digest == grade.digest
        )
    return earlier is None or not grade.student.guessed  # what cannot be read may be anybody's


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
    """Return a name that every file system accepts: letters, digits, dots and dashes, at most 80 bytes."""
    number = _cut(_plain(student.identifier), NAME_BYTES // 2)
    whole = _plain(f"{student.name}-{student.identifier}" if number else student.name)
    if number and len(whole.encode()) > NAME_BYTES:  # the number, which tells students apart, stays whole
        return f"{_cut(_plain(student.name), NAME_BYTES - len(number.encode()) - 1)}-{number}"
    return _cut(whole, NAME_BYTES) or "student"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("._-")


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")
