"""Decide what the files of one student are: one submission, parts of one, or several attempts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.disk.names import from_disk
from grader.intake.archive import Archive, Piece
from grader.intake.formats import is_archive_name, without_suffix
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.parts import is_program
from grader.intake.whose import identifies
from grader.intake.zips import names_in
from grader.labs import the_lab
from grader.records import Student

# exp1-1.py, exp1-2.py (Canvas) and exp1 (1).py (browsers) are later uploads of exp1.py
_AGAIN = re.compile(r"(?P<stem>.+?)(?:-(?P<dash>\d{1,2})| ?\((?P<round>\d{1,2})\))(?P<suffix>\.\w+)")
_COUNT = re.compile(r"(?:-\d{1,2}| ?\(\d{1,2}\)|[ _-]v\d{1,2})$")  # lab5-1, lab5 (1), lab5_v2


@dataclass(frozen=True, slots=True)
class Handed:
    """One thing that a student handed in. `order` tells later from earlier where the platform does."""

    path: Path
    name: str  # the student's own
    order: str = ""

    @property
    def is_archive(self) -> bool:
        """Return whether it is an archive by its name."""
        return is_archive_name(self.name) and not self.is_folder and not self.path.is_symlink()

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder; a link to one is a link."""
        return self.path.is_dir() and not self.path.is_symlink()


def submissions(student: Student, handed: Sequence[Handed]) -> tuple[Archive, ...]:
    """Return the submissions that these files and folders make, the newest last.

    Loose files are one submission, each name once, the newest. An archive takes the documents beside it along. Several
    archives are parts of one submission if no file of the lab is in two of them, else each is an attempt. So are those
    that were all handed in again later under the same names.
    """
    repeated = _handed_in_again(handed)
    again = {one.path for attempt in repeated for one in attempt if one.is_archive}
    rest = [one for one in handed if one.path not in again]
    return tuple(one for attempt in (*repeated, rest) for one in _submissions(student, attempt, bool(repeated)))


def _handed_in_again(handed: Sequence[Handed]) -> list[list[Handed]]:
    """Return what was handed in at one moment, of which every archive came again later; only a platform tells that."""
    moments = sorted({one.order for one in handed if one.order})
    attempts = [[one for one in handed if one.order == moment] for moment in moments]
    return [attempt for at, attempt in enumerate(attempts) if _come_again(attempt, attempts[at + 1 :])]


def _come_again(earlier: Sequence[Handed], later: Sequence[Sequence[Handed]]) -> bool:
    names = {one.name.casefold() for one in earlier if one.is_archive}
    after = {one.name.casefold() for attempt in later for one in attempt if one.is_archive}
    has_work = any(one.is_folder or is_program(one.name) for one in earlier if not one.is_archive)
    return bool(names) and not has_work and names <= after


def _submissions(student: Student, handed: Sequence[Handed], archives_first: bool) -> tuple[Archive, ...]:
    newest = _newest_of_each_name(handed)
    if archives_first:  # a document can be beside two attempts, and the first file tells submissions apart
        newest.sort(key=lambda one: not one.is_archive)
    archives = [one for one in newest if one.is_archive]
    beside = [one for one in newest if not one.is_archive]
    is_whole = not archives or any(one.is_folder or is_program(one.name) for one in beside)
    if is_whole or not repeat_each_other(archives, unknown=_are_counted(archives)):
        return (_put_together(student, newest),)
    *earlier, last = archives
    return (*(Archive(one.path, student) for one in earlier), _put_together(student, (last, *beside)))


def _put_together(student: Student, handed: Iterable[Handed]) -> Archive:
    found = list(handed)
    is_alone = len(found) == 1 and (found[0].is_archive or found[0].is_folder)
    pieces = () if is_alone else tuple(Piece(one.path, one.name) for one in found)
    return Archive(found[0].path, student, pieces)


def _newest_of_each_name(handed: Iterable[Handed]) -> list[Handed]:
    """Sort from old to new, and keep the newest of each name; a name that only counts uploads is the name itself.

    Archives are all kept: those of one name are attempts.
    """
    newest: dict[str, Handed] = {}
    for one in sorted(handed, key=_age):
        name = _first_name(one.name)
        key = str(one.path) if one.is_archive else name.casefold()
        newest.pop(key, None)  # to the end
        newest[key] = one if one.is_archive else replace(one, name=name)
    return list(newest.values())


def _age(one: Handed) -> tuple[str, int, list[tuple[int, str]]]:
    found = _AGAIN.fullmatch(one.name)
    times = int(found["dash"] or found["round"]) if found else 0
    return one.order, times, natural(one.name)


def natural(path: Path | str) -> list[tuple[int, str]]:
    """Order numbers by their value: a platform counts submissions up, so that the last one comes last."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _first_name(name: str) -> str:
    """Return exp1.py for exp1-1.py, but keep a name that no file of the lab has without its number."""
    found = _AGAIN.fullmatch(name)
    plain = found["stem"] + found["suffix"] if found else name
    return plain if plain.casefold() in the_lab().asked_for else name


def _are_counted(archives: Iterable[Handed]) -> bool:
    """Return whether their names differ in nothing but a number: then they are attempts, whatever is in them."""
    return len({_COUNT.sub("", without_suffix(one.name).casefold()) for one in archives}) == 1


def repeat_each_other(archives: Iterable[Handed], unknown: bool = True) -> bool:
    """Return whether a file of one archive is in another one too, so that they are attempts, or a damaged zip is there.

    `unknown` is the answer for archives of other formats, into which only the sandbox looks. Put together, they are one
    submission, or refused for a person to say which counts; as attempts, only the last would count.
    """
    seen: set[str] = set()
    for one in archives:
        listed = names_in(one.path)
        if listed is None and not unknown and not one.name.casefold().endswith(".zip"):
            continue
        if listed is None:
            return True
        own = {name for path in listed if (name := worth(path))}
        is_closed = not own and any(map(is_archive_name, listed))  # what it holds is in another archive
        if is_closed or own & seen:
            return True
        seen |= own
    return False


def worth(path: str) -> str:
    """Return the name, in lower case, of a file that can earn points; "" for another."""
    name = path.replace("\\", "/").rpartition("/")[2].casefold()
    is_handout = name in the_lab().handout or name in the_lab().given
    return name if is_program(name) and not is_handout and not reason_to_leave_out(path, 0) else ""


def of_folder(folder: Path, student: Student, rename: Callable[[str], str] = str) -> tuple[Archive, ...]:
    """Return the submissions in a student's folder: the folder itself, unless an archive or a name says otherwise."""
    handed = in_folder(folder, rename)
    has_archive = any(one.is_archive for one in handed)
    has_work = any(one.is_folder or is_program(one.name) for one in handed)
    as_named = all(_first_name(one.name) == from_disk(one.path.name) for one in handed if not one.is_archive)
    if (has_work or not has_archive) and as_named:
        return (Archive(folder, student),)
    return submissions(student, handed)


def are_several_peoples(names: Iterable[str], around: str) -> bool:
    """Return whether archives that lie together are of several people: each is named after one, and not all after one.

    `around` is the name of the folder or archive that holds them; ada/ada_code.zip and ada/ada_weights.zip are Ada's.
    """
    stems = [without_suffix(name) for name in names]
    owner = without_suffix(around).casefold()
    return len(stems) > 1 and all(map(identifies, stems)) and not all(owner in stem.casefold() for stem in stems)


def in_folder(folder: Path, rename: Callable[[str], str] = str) -> list[Handed]:
    """Return what is in a student's folder, without what is never part of the work."""
    items = sorted(item for item in folder.iterdir() if not reason_to_leave_out(item.name, 0))
    return [Handed(item, rename(from_disk(item.name)), order=_written(item)) for item in items]


def _written(item: Path) -> str:
    """Return when a file was last written, which unpacking keeps; to two seconds, as zips do."""
    return f"{item.lstat().st_mtime // 2:020.0f}"
