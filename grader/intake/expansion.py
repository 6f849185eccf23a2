"""Find the submissions that a path from the command line stands for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from grader.disk.names import from_disk, visible_path
from grader.intake import gradescope
from grader.intake.archive import Archive
from grader.intake.formats import is_archive_name, looks_like_zip
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.parts import REPORTS, WEIGHTS
from grader.intake.whose import canvas_student, clean, moodle_student, student_of
from grader.lab import LAB
from grader.records import Student, message
from grader.records.errors import BadLab

PROGRAMS = (".py", ".ipynb", *WEIGHTS, ".json")  # can earn points by themselves
WORK_SUFFIXES = (*PROGRAMS, ".pdf", ".docx")  # not .md or .txt: a class's folder contains those too
RESULTS = {"grade.json", "report.html"}  # written by the grader
_GRADESCOPE = re.compile(r"submission_\d+")


def expand(path: Path) -> tuple[Archive, ...]:
    """Return the submissions that `path` stands for, by name: one for a zip or a submission's folder, else a class's.

    A class is a folder of zips (Canvas), of folders (Moodle, or one per student) or a Gradescope export. What is an
    archive by name only (.rar, .tar.gz) counts as well: its student gets a refusal, not silence.

    Raises BadLab if `path` is missing, is neither zip nor folder, or holds nothing to grade.
    """
    path = path if path.name not in ("", "..") else path.resolve()
    try:
        if path.is_dir():
            found = _expand_folder(path)
            if len(found) == 1 and (student := gradescope.autograder_student(path)):
                found = (replace(found[0], student=student),)
        elif path.is_file():
            found = (_single(path),)
        else:
            raise _missing(path)
    except OSError as error:
        sentence = message("{path} cannot be read: {why}.", path=visible_path(path), why=error.strerror or "")
        raise BadLab(sentence) from error
    return tuple(sorted(found, key=lambda one: (one.student.name.casefold(), _natural(one.path))))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order numbers by their value: a platform counts submissions up, so that the last one comes last."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _name(path: Path) -> str:
    return from_disk(path.name)


def _single(path: Path) -> Archive:
    if not is_archive_name(path.name):
        with path.open("rb") as file:
            head = file.read(4)
        # a zip without its suffix is accepted; a checkpoint is a zip too, but not a submission
        if not looks_like_zip(head) or path.name.casefold().endswith((*WEIGHTS, *REPORTS)):
            sentence = message(
                "{path} is neither a zip nor a folder. Give the zip that was handed in, or a folder of them.",
                path=visible_path(path),
            )
            raise BadLab(sentence)
    return Archive(path, student_of(_name(path), _alone_in(path)))


def _alone_in(path: Path) -> str:
    """Return the name of the folder around a submission; "" if it holds others as well."""
    around = path.absolute().parent
    beside = [item for items in _children(around) for item in items]
    return _name(around) if len(beside) == 1 else ""


def _missing(path: Path) -> BadLab:
    names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    near = get_close_matches(path.name, names, n=1)
    if near:
        sentence = message(
            "{path} does not exist; did you mean {near}?",
            path=visible_path(path),
            near=visible_path(path.parent / near[0]),
        )
        return BadLab(sentence)
    return BadLab(message("{path} does not exist. Give the path of a zip or of a folder.", path=visible_path(path)))


def _expand_folder(folder: Path) -> tuple[Archive, ...]:
    files, folders = _children(folder)
    if moodle_student(_name(folder)) or _GRADESCOPE.fullmatch(folder.name) or _is_work(files):
        if _GRADESCOPE.fullmatch(folder.name):
            return (_one(folder, _gradescope_names(folder.parent)),)
        return (_one(folder, lambda name: student_of(name, _alone_in(folder))),)
    for found in (_gradescope(folder, folders), _students_of(files, folders), _below(folder, files, folders)):
        if found:
            return found
    path = visible_path(folder)
    if RESULTS & {file.name for file in files}:
        raise BadLab(message("{path} is output of the grader. Give the zip that was handed in.", path=path))
    if any(file.name.casefold().endswith(REPORTS) for file in files):
        return (_one(folder),)
    sentence = message(
        "Nothing to grade in {path}: no zip, no weights, no code. Give the zip that was handed in.", path=path
    )
    raise BadLab(sentence)


def _children(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the files and folders in `folder` by name, without those that intake leaves out."""
    items = sorted(item for item in folder.iterdir() if reason_to_leave_out(item.name, 0) == "")
    return [item for item in items if not item.is_dir()], [item for item in items if item.is_dir()]


def _is_work(files: list[Path]) -> bool:
    """Return whether the folder holds the lab's files, or other work without signs of a class."""
    names = {file.name.casefold() for file in files}
    if names & LAB.work:
        return True
    # output of the grader, a class's zips (with an instructor's script), Canvas's loose files
    if "grade.json" in names or any(is_archive_name(name) or canvas_student(name) for name in names):
        return False
    return any(name.endswith(WORK_SUFFIXES) for name in names)


def _one(folder: Path, name_of: Callable[[str], Student] = student_of) -> Archive:
    """Return the archive in a student's folder if there is one and no work beside it, else the folder itself."""
    files, folders = _children(folder)
    archives = [file for file in files if is_archive_name(file.name) and file.is_file() and not file.is_symlink()]
    is_wrapped = len(archives) == 1 and not folders and not any(_is_program(file) for file in files)
    return Archive(archives[0] if is_wrapped else folder, name_of(_name(folder)))


def _is_program(file: Path) -> bool:
    """Return whether a file can earn points by itself; a report beside the zip does not, so the zip is opened."""
    return file.name.casefold().endswith(PROGRAMS)


def _gradescope(folder: Path, folders: list[Path]) -> tuple[Archive, ...]:
    handed_in = [child for child in folders if _GRADESCOPE.fullmatch(child.name)]
    if not handed_in:
        exports = [child for child in folders if (child / gradescope.METADATA).is_file()]
        return _gradescope(exports[0], _children(exports[0])[1]) if len(exports) == 1 else ()
    name_of = _gradescope_names(folder)
    return tuple(_one(child, name_of) for child in handed_in)


def _gradescope_names(export: Path) -> Callable[[str], Student]:
    students = gradescope.students(export)
    return lambda name: students.get(name) or Student(clean(name), platform="gradescope")


def _students_of(files: list[Path], folders: list[Path]) -> tuple[Archive, ...]:
    """Return the submissions of a class: archives, Canvas uploads that are not archives, and students' folders."""
    zips = [Archive(file, student_of(_name(file))) for file in files if is_archive_name(file.name)]
    known = {one.student.identifier for one in zips}
    loose: dict[str, Archive] = {}
    for file in files:
        student = canvas_student(_name(file))
        if student and student.identifier not in known:  # handed in unzipped: refused with a message, not forgotten
            loose.setdefault(student.identifier, Archive(file, student))
    # a single folder is a submission's extra top folder (see `_below`), unless its name is a platform's
    is_class = bool(zips or loose or len(folders) > 1)
    unpacked = {one.student for one in zips}  # a folder beside its own zip is the same submission, unpacked
    inner = [_one(child) for child in folders if moodle_student(_name(child)) or (is_class and _holds_work(child))]
    return (*zips, *loose.values(), *(one for one in inner if one.student not in unpacked))


def _holds_work(folder: Path) -> bool:
    files, folders = _children(folder)
    if any(is_archive_name(file.name) for file in files) or _is_work(files):
        return True
    return len(folders) == 1 and _is_work(_children(folders[0])[0])


def _below(folder: Path, files: list[Path], folders: list[Path]) -> tuple[Archive, ...]:
    """Return the only folder below `folder` if it holds the work, under the name of `folder`."""
    if len(folders) == 1 and not RESULTS & {file.name for file in files} and _holds_work(folders[0]):
        return (replace(_one(folders[0]), student=student_of(_name(folder))),)
    return ()
