"""Find the submissions that a path from the command line stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from grader.disk.names import from_disk, visible_path
from grader.intake import gradescope
from grader.intake.archive import Archive
from grader.intake.formats import is_archive_name, looks_like_zip
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.parts import PROGRAMS, REPORTS, WEIGHTS
from grader.intake.pieces import Handed, are_several_peoples, in_folder, of_folder, submissions
from grader.intake.platforms import (
    FORMS,
    Form,
    Upload,
    is_about_the_attempt,
    name_in_text,
    student_of,
    together,
    upload,
    without_moment,
)
from grader.intake.whose import clean, named
from grader.lab import LAB
from grader.records import Student, message
from grader.records.errors import BadLab

WORK_SUFFIXES = (*PROGRAMS, ".pdf", ".docx")  # not .md or .txt: a class's folder contains those too
RESULTS = {"grade.json", "report.html"}  # written by the grader
BRIGHTSPACE_LIST = "index.html"  # also the name of the grader's own page of a class
_GRADESCOPE = re.compile(r"submission_\d+")


def expand(path: Path, names: Form | None = None) -> tuple[Archive, ...]:
    """Return the submissions that `path` stands for, by name: one for a zip or a submission's folder, else a class's.

    A class is a folder of zips or loose files (Canvas, Blackboard), of folders (Moodle, Brightspace, ILIAS, clones, or
    one per student) or a Gradescope export. `names` is the form of an instructor's own names.

    Raises BadLab if `path` is missing, is neither zip nor folder, or holds nothing to grade.
    """
    path = path if path.name not in ("", "..") else path.resolve()
    forms = (names, *FORMS) if names else FORMS
    try:
        if path.is_dir():
            found = _Expansion(forms).folder(path)
            if len(found) == 1 and (student := gradescope.autograder_student(path)):
                found = (replace(found[0], student=student),)
        elif path.is_file():
            found = (_single(path, forms),)
        else:
            raise _missing(path)
    except OSError as error:
        sentence = message("{path} cannot be read: {why}.", path=visible_path(path), why=error.strerror or "")
        raise BadLab(sentence) from error
    return tuple(sorted(found, key=lambda one: (one.student.name.casefold(), _natural(one.path))))


def not_taken(path: Path, archives: Iterable[Archive]) -> tuple[str, ...]:
    """Return what lies in the folder `path` beside its submissions and is part of none, by name."""
    if not path.is_dir():
        return ()
    taken = {place for one in archives for place in (one.path, *(piece.path for piece in one.pieces))}
    if any(place == path or path.is_relative_to(place) for place in taken):
        return ()
    inside = {place.relative_to(path).parts[0] for place in taken if place.is_relative_to(path)}
    known = {gradescope.METADATA, *RESULTS}
    files, folders = _children(path)
    left = (item for item in (*files, *folders) if item.name not in inside | known)
    return tuple(_name(item) for item in left if not _is_the_platforms_own(item))


def _is_the_platforms_own(item: Path) -> bool:
    """Return whether the platform itself wrote it: Blackboard's text about an attempt, Brightspace's list of all."""
    said = upload(_name(item))
    return item.name == BRIGHTSPACE_LIST or (said is not None and is_about_the_attempt(said))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order numbers by their value: a platform counts submissions up, so that the last one comes last."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _name(path: Path) -> str:
    return from_disk(path.name)


def _single(path: Path, forms: Sequence[Form]) -> Archive:
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
    return Archive(path, student_of(_name(path), _alone_in(path), forms))


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


@dataclass(frozen=True, slots=True)
class _Expansion:
    """Finds submissions in folders; `forms` are those of names that say whose they are."""

    forms: Sequence[Form]

    def folder(self, folder: Path) -> tuple[Archive, ...]:
        """Return the submissions in a folder. Raises BadLab if there are none."""
        files, folders = _children(folder)
        if _GRADESCOPE.fullmatch(folder.name):
            return of_folder(folder, _gradescope_names(folder.parent)(folder.name))
        # a name of one's own form can be the class's as well
        if upload(_name(folder)) or self._is_work(files):
            return of_folder(folder, student_of(_name(folder), _alone_in(folder), self.forms))
        for found in (_gradescope(folder, folders), self._class(folder, files, folders), self._below(folder, folders)):
            if found:
                return found
        path = visible_path(folder)
        if RESULTS & {file.name for file in files}:
            raise BadLab(message("{path} is output of the grader. Give the zip that was handed in.", path=path))
        if any(file.name.casefold().endswith(REPORTS) for file in files):
            return of_folder(folder, student_of(_name(folder)))
        sentence = message(
            "Nothing to grade in {path}: no zip, no weights, no code. Give the zip that was handed in.", path=path
        )
        raise BadLab(sentence)

    def _is_work(self, files: Iterable[Path]) -> bool:
        """Return whether the folder holds the lab's files, or other work without signs of a class."""
        names = {_name(file) for file in files}
        if {name.casefold() for name in names} & LAB.work:
            return True
        # output of the grader, a class's zips (with an instructor's script), a platform's loose files
        if "grade.json" in names or any(is_archive_name(name) or upload(name, self.forms) for name in names):
            return False
        return any(name.casefold().endswith(WORK_SUFFIXES) for name in names)

    def _class(self, folder: Path, files: Iterable[Path], folders: Sequence[Path]) -> tuple[Archive, ...]:
        """Return the submissions of a class: archives, a platform's loose files, and students' folders."""
        form = together(_name(folder), [_name(child) for child in folders])
        forms = (*self.forms, form) if form else self.forms
        found = [one for items in _by_student((*files, *folders), forms) for one in _of_student(items)]
        found += [Archive(one, named(_name(one))) for one in files if _is_nobodys_archive(one, forms)]
        # a single folder is a submission's extra top folder (see `_below`), unless its name is a platform's
        is_class = bool(found or len(folders) > 1)
        unpacked = {one.student for one in found}  # a folder beside its own zip is the same submission, unpacked
        for child in folders:
            if upload(_name(child), forms) is None and is_class and self._holds_work(child):
                found += [one for one in self._child(child) if one.student not in unpacked]
        return tuple(found)

    def _child(self, folder: Path) -> tuple[Archive, ...]:
        """Return the submissions in a folder of a class: those of one student, or of a part of the class."""
        files, folders = _children(folder)
        archives = [_name(file) for file in files if is_archive_name(file.name)]
        if are_several_peoples(archives, _name(folder)):
            return self._class(folder, files, folders)
        return of_folder(folder, named(_name(folder)))

    def _holds_work(self, folder: Path) -> bool:
        files, folders = _children(folder)
        if any(is_archive_name(file.name) for file in files) or self._is_work(files):
            return True
        return len(folders) == 1 and self._is_work(_children(folders[0])[0])

    def _below(self, folder: Path, folders: Sequence[Path]) -> tuple[Archive, ...]:
        """Return the only folder below `folder` if it holds the work, under the name of `folder`."""
        is_output = any((folder / name).is_file() for name in RESULTS)
        if len(folders) == 1 and not is_output and self._holds_work(folders[0]):
            return of_folder(folders[0], student_of(_name(folder)))
        return ()


def _children(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the files and folders in `folder` by name, without those that intake leaves out."""
    items = sorted(item for item in folder.iterdir() if reason_to_leave_out(item.name, 0) == "")
    return [item for item in items if not item.is_dir()], [item for item in items if item.is_dir()]


def _is_nobodys_archive(file: Path, forms: Sequence[Form]) -> bool:
    return is_archive_name(file.name) and upload(_name(file), forms) is None


def _by_student(paths: Iterable[Path], forms: Sequence[Form]) -> Iterable[list[tuple[Path, Upload]]]:
    """Gather what is one student's by a platform's names: several files, or a folder of files and one of texts."""
    found: dict[str, list[tuple[Path, Upload]]] = {}
    for path in paths:
        said = upload(_name(path), forms)
        if said is not None:
            key = f"{said.student.platform} {said.student.identifier or said.student.name}"
            found.setdefault(key, []).append((path, said))
    return found.values()


def _of_student(items: Sequence[tuple[Path, Upload]]) -> tuple[Archive, ...]:
    student = replace(items[0][1].student, late=any(said.student.late for _, said in items))
    about = [path for path, said in items if is_about_the_attempt(said)]
    if about:
        student = replace(student, name=name_in_text(about[-1]) or student.name)
    rest = [(path, said) for path, said in items if path not in about] or items[-1:]  # only what was written there
    rename = without_moment if student.platform == "ilias" else str
    if len(rest) == 1 and rest[0][0].is_dir():
        return of_folder(rest[0][0], student, rename)
    handed: list[Handed] = []
    for path, said in rest:
        inside = in_folder(path, rename) if path.is_dir() else [Handed(path, said.file or _name(path))]
        handed += [replace(one, order=said.order or one.order) for one in inside]
    return submissions(student, handed)


def _gradescope(folder: Path, folders: list[Path]) -> tuple[Archive, ...]:
    handed_in = [child for child in folders if _GRADESCOPE.fullmatch(child.name)]
    if not handed_in:
        exports = [child for child in folders if (child / gradescope.METADATA).is_file()]
        return _gradescope(exports[0], _children(exports[0])[1]) if len(exports) == 1 else ()
    name_of = _gradescope_names(folder)
    return tuple(one for child in handed_in for one in of_folder(child, name_of(_name(child))))


def _gradescope_names(export: Path) -> Callable[[str], Student]:
    students = gradescope.students(export)
    return lambda name: students.get(name) or Student(clean(name), platform="gradescope")
