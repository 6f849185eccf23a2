"""Refuse zips and folders that are sound but not one student's submission, and name what they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from grader.disk.names import visible
from grader.intake.archive import Entry
from grader.intake.formats import is_archive_name
from grader.intake.gradescope import METADATA
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.platforms import upload
from grader.labs import the_lab
from grader.records import LeftOut, Message, Student, message
from grader.records.errors import BadSubmission


def require_one_student(entries: Iterable[Entry], archive: str) -> None:
    """Raise BadSubmission if the listing is a platform's download of a class; checked before the size limits.

    Recognised by what only a platform writes: Gradescope's metadata, folders of Moodle or Brightspace, or a platform's
    names on all files.
    """
    names = [entry.name.replace("\\", "/") for entry in entries if not entry.is_folder]
    paths = [name.split("/") for name in names if reason_to_leave_out(name, 0) == ""]
    folders = {said.student for path in paths for part in path[:-1][:2] if (said := upload(part)) and not said.file}
    tops = [_of_file(path[0]) if len(path) == 1 else None for path in paths]
    is_class = any(METADATA in path[:2] for path in paths) or len(folders) > 1 or _several(tops)
    if is_class:
        sentence = message(
            "{archive} is the download of a whole class. Unpack it, and grade the resulting folder.",
            archive=visible(archive),
        )
        raise BadSubmission(sentence)


def _of_file(name: str) -> Student | None:
    said = upload(name)
    return said.student if said else None


def _several(students: Iterable[Student | None]) -> bool:
    """Return whether all are known and there are at least two."""
    found = set(students)
    return None not in found and len(found) > 1


def require_something(files: Collection[str], left_out: Sequence[LeftOut]) -> None:
    """Raise BadSubmission if nothing remains, because of what was left out."""
    if not files and left_out:
        raise BadSubmission(left_out[0].why)


def require_work(files: Mapping[str, Entry], left_out: Collection[str], archive: str) -> None:
    """Raise BadSubmission unless `files`, the paths to unpack, include something that a student could have made."""
    name = visible(archive)
    if not files and not left_out:
        sentence = message(
            "{archive} contains no files. Hand in the zip of the folder that holds {checkpoint}.",
            archive=name,
            checkpoint=the_lab().checkpoint,
        )
        raise BadSubmission(sentence)
    if not files:
        sentence = message(
            "{archive} contains only {names}. Hand in the zip of the folder that holds {checkpoint}.",
            archive=name,
            names=visible(", ".join(left_out)),
            checkpoint=the_lab().checkpoint,
        )
        raise BadSubmission(sentence)
    if "[Content_Types].xml" in files:
        sentence = message(
            "{archive} is an Office document, not a zip of your work. Hand in the zip of the folder that"
            " holds {checkpoint}.",
            archive=name,
            checkpoint=the_lab().checkpoint,
        )
        raise BadSubmission(sentence)
    top = next(iter(files)).partition("/")[0]
    if {f"{top}/data.pkl", f"{top}/version"} <= files.keys():
        sentence = message(
            "{archive} is a PyTorch checkpoint, not a zip of your work. Hand in the zip of the folder that holds it.",
            archive=name,
        )
        raise BadSubmission(sentence)
    if all(is_archive_name(path) for path in files):
        raise BadSubmission(only_archives(archive, next(iter(files))))


def only_archives(archive: str, first: str) -> Message:
    """Say that there are only archives inside, which nobody can tell apart."""
    return message(
        "{archive} contains only other archives ({entry}). Zip the files themselves, once. If it is the"
        " download of a whole class, unpack it and grade the folder.",
        archive=visible(archive),
        entry=visible(first),
    )
