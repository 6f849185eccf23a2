"""Find the submissions that a path from the command line stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from grader.disk.names import visible_path
from grader.intake import gradescope
from grader.intake.archive import Archive
from grader.intake.formats import is_archive_name, looks_like_zip
from grader.intake.gathered import by_student, of_student
from grader.intake.nested import (
    DEEPEST,
    RESULTS,
    ROSTER,
    WORK_SUFFIXES,
    are_parts_of_one,
    are_peoples,
    children,
    holds_work,
    innermost,
    is_output,
    name_of,
)
from grader.intake.parts import WEIGHTS
from grader.intake.pieces import (
    Handed,
    are_several_peoples,
    natural,
    of_folder,
    repeat_each_other,
)
from grader.intake.platforms import (
    FORMS,
    Form,
    is_about_the_attempt,
    student_of,
    together,
    together_with_files,
    upload,
)
from grader.intake.whose import clean, identifies, named
from grader.labs import the_lab
from grader.records import REPORTS, Student, message
from grader.records.errors import BadLab

SEVERAL = 2  # students
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
    first: dict[Student, Path] = {}
    for one in found:
        first.setdefault(one.student, one.path)
    # attempts of one student stay in their order
    return tuple(sorted(found, key=lambda one: (one.student.name.casefold(), natural(first[one.student]))))


def not_taken(path: Path, archives: Iterable[Archive]) -> tuple[str, ...]:
    """Return what lies in the folder `path` beside its submissions and is part of none, by name."""
    if not path.is_dir():
        return ()
    taken = {place for one in archives for place in (one.path, *(piece.path for piece in one.pieces))}
    if any(place == path or path.is_relative_to(place) for place in taken):
        return ()
    inside = {place.relative_to(path).parts[0] for place in taken if place.is_relative_to(path)}
    known = {gradescope.METADATA, *RESULTS}
    files, folders = children(path)
    left = (item for item in (*files, *folders) if item.name not in inside | known)
    return tuple(name_of(item) for item in left if not _is_the_platforms_own(item))


def _is_the_platforms_own(item: Path) -> bool:
    """Return whether the platform itself wrote it: Blackboard's text about an attempt, Brightspace's list of all."""
    said = upload(name_of(item))
    return item.name == BRIGHTSPACE_LIST or (said is not None and is_about_the_attempt(said))


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
    return Archive(path, student_of(name_of(path), _alone_in(path), forms))


def _alone_in(path: Path) -> str:
    """Return the name of the folder around a submission; "" if it holds others as well."""
    around = path.absolute().parent
    beside = [item for items in children(around) for item in items]
    return name_of(around) if len(beside) == 1 else ""


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
    """Finds submissions in folders; `forms` are those of names that say whose they are, `depth` how far to look."""

    forms: Sequence[Form]
    depth: int = DEEPEST

    def folder(self, folder: Path) -> tuple[Archive, ...]:
        """Return the submissions in a folder. Raises BadLab if there are none."""
        files, folders = children(folder)
        if _GRADESCOPE.fullmatch(folder.name):
            return of_folder(folder, _gradescope_names(folder.parent)(folder.name))
        # a name of one's own form can be the class's as well
        if upload(name_of(folder)) or self._is_work(folder, files):
            return of_folder(folder, student_of(name_of(folder), _alone_in(folder), self.forms))
        for found in (_gradescope(folder, folders), self._class(folder, files, folders), self._below(folder, folders)):
            if found:
                return found
        path = visible_path(folder)
        if RESULTS & {file.name for file in files}:
            raise BadLab(message("{path} is output of the grader. Give the zip that was handed in.", path=path))
        if any(file.name.casefold().endswith(REPORTS) for file in files):
            return of_folder(folder, student_of(name_of(folder)))
        sentence = message(
            "Nothing to grade in {path}: no zip, no weights, no code. Give the zip that was handed in.", path=path
        )
        raise BadLab(sentence)

    def _is_work(self, folder: Path, files: Sequence[Path]) -> bool:
        """Return whether the folder holds the lab's files, or other work without signs of a class."""
        names = {name_of(file) for file in files}
        archives = [Handed(file, name_of(file)) for file in files if is_archive_name(file.name)]
        uploads = {said.student for name in names if (said := upload(name, self.forms))}
        # an instructor's own solution may lie beside them
        is_class = are_several_peoples([one.name for one in archives], name_of(folder)) and repeat_each_other(archives)
        if {name.casefold() for name in names} & the_lab().work and len(uploads) < SEVERAL and not is_class:
            return True
        # output of the grader, a class's zips (with an instructor's script), a platform's loose files
        if "grade.json" in names or archives or uploads:
            return False
        return any(name.casefold().endswith(WORK_SUFFIXES) and name != ROSTER for name in names)

    def _class(self, folder: Path, files: Iterable[Path], folders: Sequence[Path]) -> tuple[Archive, ...]:
        """Return the submissions of a class: archives, a platform's loose files, and students' folders."""
        forms = self._forms(folder, folders)
        found = [one for items in by_student((*files, *folders), forms) for one in of_student(items)]
        archives = [one for one in files if _is_nobodys_archive(one, forms)]
        if len(archives) == 1 and not found and not any(map(holds_work, folders)) and _is_owners(archives[0], folder):
            return of_folder(folder, named(name_of(folder)))
        found += [Archive(one, named(name_of(one))) for one in archives]
        rest = [child for child in folders if upload(name_of(child), forms) is None and holds_work(child)]
        inside = replace(self, forms=forms, depth=self.depth - 1)
        # a single folder is a submission's extra top folder (see `_below`), unless it is a part of a class
        is_class = bool(found) or (len(folders) > 1 and not are_parts_of_one(rest))
        unpacked = {one.student for one in found}  # a folder beside its own zip is the same submission, unpacked
        for child in rest:
            if is_class or inside.is_part(child):
                found += [one for one in inside.child(child) if one.student not in unpacked]
        return tuple(found)

    def _forms(self, folder: Path, folders: Sequence[Path]) -> Sequence[Form]:
        """Return the forms of names in a class's folder, and of those in its sections or teams."""
        below = [child for one in folders if not one.is_symlink() for child in children(one)[1]]
        form = together(name_of(folder), [name_of(child) for child in folders])
        if form is None and not any(identifies(name_of(one)) for one in folders):
            form = together("", [name_of(child) for child in below])
        if form is None and len(folders) == 1:
            form = together_with_files(name_of(folders[0]), [name_of(file) for file in children(folders[0])[0]])
        return (*self.forms, form) if form else self.forms

    def child(self, folder: Path) -> tuple[Archive, ...]:
        """Return the submissions in a folder of a class: those of one student, or of a part of the class."""
        files, folders = children(folder)
        if self.is_part(folder):
            return self._class(folder, files, folders)
        chain = list(innermost(folder))
        found = of_folder(chain[-1], _owner(chain))
        is_whole = len(found) == 1 and found[0].path == chain[-1]
        return (replace(found[0], path=folder),) if is_whole else found

    def is_part(self, folder: Path) -> bool:
        """Return whether a folder holds the work of several students, or names that only a platform writes."""
        files, folders = children(folder)
        names = [name_of(file) for file in files if file.name.casefold().endswith(WORK_SUFFIXES)]
        archives = [name_of(file) for file in files if is_archive_name(file.name)]
        if are_several_peoples(archives, name_of(folder)):
            return True
        handed_in = [*names, *archives]
        uploads = {said.student if (said := upload(name, self.forms)) else None for name in handed_in}
        is_own = bool({name.casefold() for name in names} & the_lab().work)
        if uploads and (None not in uploads or (len(uploads - {None}) >= SEVERAL and not is_own)):
            return True
        platforms = [child for child in folders if upload(name_of(child), self.forms)]
        if platforms or self._forms(folder, folders) != self.forms:
            return not is_own
        with_work = [child for child in folders if holds_work(child)]
        if not handed_in and are_peoples(with_work, name_of(folder)):
            return True
        # one more folder around parts of a class
        inside = replace(self, depth=self.depth - 1)
        is_around = not handed_in and not identifies(name_of(folder)) and inside.depth > 0
        return is_around and any(inside.is_part(child) for child in with_work)

    def _below(self, folder: Path, folders: list[Path]) -> tuple[Archive, ...]:
        """Return what is below `folder` if it holds one submission, under the name of `folder`."""
        with_work = [child for child in folders if holds_work(child)]
        if not with_work or is_output({item.name for item in children(folder)[0]}, folders):
            return ()
        chain = list(innermost(folder))
        return of_folder(chain[-1], _owner(chain))


def _owner(chain: Sequence[Path]) -> Student:
    """Return whose the work is that lies in these folders, each in the one before: the first that is called so."""
    names = [name_of(folder) for folder in chain]
    return named(next(filter(identifies, names), names[0]))


def _is_owners(archive: Path, folder: Path) -> bool:
    """Return whether an archive that is alone says nothing about its student, but the folder around it does."""
    return not identifies(name_of(archive)) and identifies(name_of(folder))


def _is_nobodys_archive(file: Path, forms: Sequence[Form]) -> bool:
    return is_archive_name(file.name) and upload(name_of(file), forms) is None


def _gradescope(folder: Path, folders: list[Path]) -> tuple[Archive, ...]:
    handed_in = [child for child in folders if _GRADESCOPE.fullmatch(child.name)]
    if not handed_in:
        exports = [child for child in folders if (child / gradescope.METADATA).is_file()]
        return _gradescope(exports[0], children(exports[0])[1]) if len(exports) == 1 else ()
    student = _gradescope_names(folder)
    return tuple(one for child in handed_in for one in of_folder(child, student(name_of(child))))


def _gradescope_names(export: Path) -> Callable[[str], Student]:
    students = gradescope.students(export)
    return lambda name: students.get(name) or Student(clean(name), platform="gradescope")
