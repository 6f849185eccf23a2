"""Find the folder of a student's grade: the same person's, a free one, and never that of somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import NamedTuple

from grader.disk.names import to_disk
from grader.gradebook.files import ATTEMPTS, GRADE_FILE, read_grade
from grader.records import Grade, Student
from grader.records.errors import BadLab

NAME_BYTES = 80
# Files of ours lie beside the folders (index.html, roster.json, what is exported), and Windows keeps some names for
# devices, whatever follows their first dot: a student may be called so, a folder may not.
_OF_A_FILE = re.compile(
    r"\.(?:html?|json|xml|[ct]sv|xlsx?|ods|txt|md|pdf|zip|lock|log|toml|ini|db|tmp|py)$", re.IGNORECASE
)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin|conout|clock|com\d|lpt\d)(?:$|\.)", re.IGNORECASE)


class Place(NamedTuple):
    """A student's folder, and the grade that is in it already; BadLab if that cannot be read."""

    folder: Path
    earlier: Grade | BadLab | None


class Places:
    """The folders below `out`. A person has one folder in a run, unless only a name says who it is."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._taken: set[str] = set()  # by students whom only a name tells apart

    def find(self, grade: Grade) -> Place:
        """Return the student's folder and the grade in it. Of several, prefer the one of this same submission."""
        found = [one for one in self._candidates(grade) if _is_theirs(one.earlier, grade)]
        same = [one for one in found if isinstance(one.earlier, Grade) and one.earlier.digest == grade.digest]
        return (same or found)[0]

    def settled(self, place: Place, student: Student) -> Place:
        """Move a folder that is called after the archive to the name that the roster gives, if that is free."""
        home = self._out / to_disk(folder_name(student))
        if not student.alias or place.earlier is None or not place.folder.exists() or home.exists():
            return place
        place.folder.rename(home)
        return Place(home, place.earlier)

    def take(self, student: Student, folder: Path) -> None:
        """Keep the folder from other students of the same name who are graded in this run."""
        if not student.known:
            self._taken.add(folder.name.casefold())

    def others(self, student: Student, chosen: Path) -> tuple[str, ...]:
        """Return the folders with other submissions under the same name."""
        of_name = self._of_name(student)
        graded = takewhile(lambda folder: (folder / GRADE_FILE).is_file() or folder == chosen, of_name)
        return tuple(folder.name for folder in graded if folder != chosen)

    def _candidates(self, grade: Grade) -> Iterator[Place]:
        """Yield folders of this number, then of this name, up to the first free one."""
        student = grade.student
        # the platform may know the student by another name today, or as one of a group
        for number in filter(None, dict.fromkeys(_plain(one.identifier) for one in (student, *student.each))):
            for folder in self._of_number(number):
                yield Place(folder, _in(folder))
        for name in (student.name, *filter(None, (student.alias,))):
            alone = self._out / to_disk(_free(_cut(_plain(name), NAME_BYTES) or "student"))
            if student.known and (alone / GRADE_FILE).is_file():  # from when only the address or a name was known
                yield Place(alone, _in(alone))
        for folder in self._of_name(student):
            if folder.name.casefold() not in self._taken:
                place = Place(folder, _in(folder))
                yield place
                if place.earlier is None:
                    return

    def _of_number(self, number: str) -> list[Path]:
        """Return the folders with this number in their names; a group's has several, and a person may have added words.

        The one that is named as `folder_name` would comes first.
        """
        alone = re.compile(rf"(?<![^\W_]){re.escape(number)}(?![^\W_])")
        found = [path.parent for path in self._out.glob(f"*{number}*/{GRADE_FILE}") if alone.search(path.parent.name)]
        return sorted(found, key=lambda folder: (not folder.name.endswith(f"-{number}"), folder.name))

    def _of_name(self, student: Student) -> Iterator[Path]:
        """Yield Ada_Ng, Ada_Ng-2, Ada_Ng-3 and so on."""
        name = folder_name(student)
        yield self._out / to_disk(name)
        yield from (self._out / to_disk(f"{name}-{number}") for number in count(2))


def _in(folder: Path) -> Grade | BadLab | None:
    path = folder / GRADE_FILE
    if not path.is_file():
        return None
    try:
        return read_grade(path)
    except BadLab as error:
        return error


def _is_theirs(earlier: Grade | BadLab | None, grade: Grade) -> bool:
    """Return whether the folder is the student's: nobody's, the same person's, or that of this very submission."""
    if isinstance(earlier, Grade):
        same_name = earlier.student.name in (grade.student.name, grade.student.alias)
        return (
            earlier.student.is_certainly(grade.student)
            or _has_grown(earlier.student, grade.student)
            or (same_name and bool(grade.digest) and earlier.digest == grade.digest)
        )
    return earlier is None or not grade.student.guessed  # what cannot be read may be anybody's


def _has_grown(earlier: Student, now: Student) -> bool:
    """Return whether everyone of a group, or a student alone, is in the group of today: others joined."""
    return bool(now.members) and all(any(map(one.is_certainly, now.each)) for one in earlier.each)


def folder_name(student: Student) -> str:
    """Return a name that every file system accepts, and that no file of ours has.

    It consists of letters, digits, dots, dashes and underscores, and has at most 80 bytes.
    """
    number = _cut(_plain(student.identifier), NAME_BYTES // 2)
    whole = _plain(f"{student.name}-{student.identifier}" if number else student.name)
    if number and len(whole.encode()) > NAME_BYTES:  # the number, which tells students apart, stays whole
        whole = f"{_cut(_plain(student.name), NAME_BYTES - len(number.encode()) - 1)}-{number}"
    return _free(_cut(whole, NAME_BYTES) or "student")


def _free(name: str) -> str:
    """Return a name that is neither a file's nor a device's: index_html for index.html, con_ for con."""
    if _DEVICE.match(name):
        return name.replace(".", "_") if "." in name else f"{name}_"
    if name.casefold() == ATTEMPTS:
        return f"{name}_"
    return name.replace(".", "_") if _OF_A_FILE.search(name) else name


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("._-")


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")
