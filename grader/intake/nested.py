"""Look into the folders of a class before anything is opened: which hold work, and which several students' work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from grader.disk.names import from_disk
from grader.intake.formats import is_archive_name
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.parts import PROGRAMS
from grader.intake.pieces import worth
from grader.intake.whose import identifies
from grader.labs import the_lab

WORK_SUFFIXES = (*PROGRAMS, ".pdf", ".docx")  # not .md or .txt: a class's folder contains those too
GRADE, PAGE, ROSTER = "grade.json", "report.html", "roster.json"  # written by the grader
RESULTS = {GRADE, PAGE}
DEEPEST = 4  # folders between a class's and the work of one student
MOST_COPIES = 2  # of one file below a student's own folder; a third one is another student's


def children(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the files and folders in `folder` by name, without those that intake leaves out."""
    items = sorted(item for item in folder.iterdir() if reason_to_leave_out(item.name, 0) == "")
    return [item for item in items if not item.is_dir()], [item for item in items if item.is_dir()]


def holds_work(folder: Path, depth: int = DEEPEST) -> bool:
    """Return whether an archive or other work is in the folder or below it, and not only what the grader wrote."""
    files, folders = children(folder)
    names = {name_of(file) for file in files}
    if is_output(names, folders):
        return False
    if any(_is_work(name) for name in names):
        return True
    return depth > 0 and any(holds_work(child, depth - 1) for child in folders if not child.is_symlink())


def is_output(names: Iterable[str], folders: Iterable[Path]) -> bool:
    """Return whether a folder of these files and folders was written by the grader."""
    return GRADE in names or any((folder / GRADE).is_file() and (folder / PAGE).is_file() for folder in folders)


def innermost(folder: Path, depth: int = DEEPEST) -> Iterator[Path]:
    """Yield the folder, and those below it as long as each holds one folder and nothing else."""
    yield folder
    files, folders = children(folder)
    if depth > 0 and not files and len(folders) == 1 and not folders[0].is_symlink():
        yield from innermost(folders[0], depth - 1)


def are_parts_of_one(folders: Sequence[Path]) -> bool:
    """Return whether folders such as code and weights are parts of one submission: no name, no file twice."""
    return not any(identifies(name_of(folder)) for folder in folders) and _most_copies(folders) < MOST_COPIES


def are_peoples(folders: Sequence[Path], around: str) -> bool:
    """Return whether each folder is of another student: named after one, and so much alike that one has not all.

    `around` is the name of the folder that holds them; below Section 1, a name alone is enough.
    """
    if len(folders) < MOST_COPIES or not all(identifies(name_of(folder)) for folder in folders):
        return False
    return not identifies(around) or _most_copies(folders) > MOST_COPIES


def _most_copies(folders: Iterable[Path]) -> int:
    """Return in how many of the folders the most frequent file of the lab is; an archive may hold any."""
    copies = Counter(name for folder in folders for name in set(_asked_for(folder)))
    return max((count + copies[""] * (name != "") for name, count in copies.items()), default=0)


def _asked_for(folder: Path, depth: int = DEEPEST) -> Iterator[str]:
    files, folders = children(folder)
    for file in files:
        if is_archive_name(file.name):
            yield ""
        elif name_of(file).casefold() in the_lab().work and worth(name_of(file)):
            yield name_of(file).casefold()
    for child in folders if depth > 0 else ():
        if not child.is_symlink():
            yield from _asked_for(child, depth - 1)


def _is_work(name: str) -> bool:
    return is_archive_name(name) or name.casefold() in the_lab().reports or name.casefold().endswith(WORK_SUFFIXES)


def name_of(path: Path) -> str:
    """Return a file's or folder's name as text."""
    return from_disk(path.name)
