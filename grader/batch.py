"""Many archives, one after the other: each result is written as soon as it is there, and a bad archive stops nobody."""

from __future__ import annotations

import os
import re
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.evidence import EVIDENCE
from grader.intake import Archive
from grader.intake.names import to_disk
from grader.mark import bug, to_json
from grader.pipeline import Graded, Lab, grade_archive
from grader.records import Grade, Message, Student

Render = Callable[[Grade], str]
NAME_CHARACTERS = 80


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
    """Grade and publish one archive after the other. A bug of ours becomes a Grade that needs a human."""
    for archive in archives:
        try:
            written = publish(_graded(archive, lab, say))
        except OSError:
            raise  # no room, no permission: the next one could not be written either
        except Exception as error:  # a page that cannot be drawn, evidence that no file can hold
            written = publish(_bug(archive, error, lab))
        yield written


def _graded(archive: Archive, lab: Lab, say: Callable[[Archive, Message], None]) -> Graded:
    try:
        return grade_archive(archive, lab, lambda step: say(archive, step))
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
        """Write report.html, evidence.json and, last, grade.json. Raises OSError."""
        files = {"report.html": self._render(graded.grade)}
        if graded.evidence is not None:
            files["evidence.json"] = EVIDENCE.dump_json(graded.evidence, indent=1).decode()
        files["grade.json"] = to_json(graded.grade)
        folder = self._out / to_disk(self._name(graded.grade))  # nothing is touched before all of it is there
        folder.mkdir(parents=True, exist_ok=True)
        if graded.evidence is None:
            (folder / "evidence.json").unlink(missing_ok=True)  # of an earlier archive: this grade does not stand on it
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
