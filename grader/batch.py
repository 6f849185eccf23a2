"""Many archives, one after the other: each result is written as soon as it is there, and a bad archive stops nobody."""

from __future__ import annotations

import os
import re
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from grader.errors import BadLab, GraderError
from grader.evidence import EVIDENCE
from grader.intake import Archive
from grader.intake.names import to_disk, visible_path
from grader.mark import bug, to_json, unmarked
from grader.pipeline import Graded, Lab, grade_archive
from grader.records import Grade, Message, Student, message

Render = Callable[[Grade], str]
NAME_CHARACTERS = 80
ROOM_BYTES = 2_000_000  # more than page, evidence and grade of one submission take


@dataclass(frozen=True, slots=True)
class Written:
    """A grade and where its files lie."""

    grade: Grade
    folder: Path

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / "report.html"


def grade_all(
    archives: Iterable[Archive], lab: Lab, publish: Callable[[Graded], Written], say: Callable[[Archive, Message], None]
) -> Iterator[Written]:
    """Grade and publish one archive after the other. A bug of ours becomes a Grade that needs a human.

    Raises BadLab where a result cannot be written: the next one could not be either.
    """
    for archive in archives:
        try:
            written = publish(_graded(archive, lab, say))
        except BadLab:
            raise
        except Exception as error:  # a page that cannot be drawn, evidence that no file can hold
            written = publish(_bug(archive, error, lab))
        yield written


def _graded(archive: Archive, lab: Lab, say: Callable[[Archive, Message], None]) -> Graded:
    try:
        return grade_archive(archive, lab, lambda step: say(archive, step))
    except GraderError as error:  # not readable here, no room to unpack it: the message says what to do
        return Graded(unmarked(archive, error.message, lab.rubric, lab.made_by), None)
    except Exception as error:
        return _bug(archive, error, lab)


def _bug(archive: Archive, error: Exception, lab: Lab) -> Graded:
    traceback.print_exception(error)
    return Graded(bug(archive, error, lab.rubric, lab.made_by), None)


class Publisher:
    """Writes each grade into a folder of its own below `out`; two students of one name get two folders."""

    def __init__(self, out: Path, render: Render) -> None:
        self._out = out
        self._render = render
        self._taken: set[str] = set()

    def __call__(self, graded: Graded) -> Written:
        """Write report.html, evidence.json and, last, grade.json. Raises BadLab where they cannot be written."""
        files = {"report.html": self._render(graded.grade)}
        if graded.evidence is not None:
            files["evidence.json"] = EVIDENCE.dump_json(graded.evidence, indent=1).decode()
        files["grade.json"] = to_json(graded.grade)
        folder = self._out / to_disk(self._name(graded.grade))  # nothing is touched before all of it is there
        with _made(folder):
            if graded.evidence is None:  # one of an earlier archive: this grade does not stand on it
                (folder / "evidence.json").unlink(missing_ok=True)
            for name, text in files.items():
                write_whole(folder / name, text)
        return Written(graded.grade, folder)

    def _name(self, grade: Grade) -> str:
        name = folder_name(grade.student)
        number = 2
        unique = name
        while unique.casefold() in self._taken:
            unique, number = f"{name}-{number}", number + 1
        self._taken.add(unique.casefold())
        return unique


def require_room(out: Path) -> None:
    """Try out whether results can be written below `out`, and leave nothing there. Raises BadLab."""
    with _made(out), tempfile.TemporaryFile(dir=out) as file:
        file.write(bytes(ROOM_BYTES))


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, and in the end take away what was made and is empty. Raises BadLab for any OSError within."""
    missing: list[Path] = []
    try:
        missing += [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        text = (
            "{folder} cannot be written: {why}. Nothing half-written was left. Make room there, mend its permissions,"
            " or name another folder with --out."
        )
        raise BadLab(message(text, folder=visible_path(folder), why=error.strerror or str(error))) from error
    finally:
        for path in missing:
            with suppress(OSError):  # not empty, or never made
                path.rmdir()


def folder_name(student: Student) -> str:
    """A name that every file system takes: letters, digits, dots and dashes, at most 80 characters."""
    whole = f"{student.name}-{student.identifier}" if student.identifier else student.name
    plain = re.sub(r"[^\w.-]+", "_", whole).strip("._-")
    return plain.encode()[:NAME_CHARACTERS].decode("utf-8", "ignore") or "student"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all; an earlier one stays until then. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
