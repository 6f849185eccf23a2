"""Unpack a zip, or copy a folder, to a Submission in an empty folder, completely or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from grader.disk.names import to_disk
from grader.intake.archive import LIMITS, Archive, Limits, Source
from grader.intake.no_submission import require_something, require_work
from grader.intake.parts import sort_parts, work_folder
from grader.intake.repacked import Repack
from grader.intake.selection import MOST_NAMED, select
from grader.intake.sources import open_source
from grader.intake.twins import left_out_notes, settle
from grader.intake.unused import unused
from grader.intake.writing import write_all
from grader.labs import the_lab
from grader.records import LeftOut, Submission, SubmittedFile

MOST_LEFT_OUT = 100  # that a submission remembers; notes name fewer


def open_submission(archive: Archive, into: Path, limits: Limits = LIMITS, repack: Repack | None = None) -> Submission:
    """Unpack `archive` into the empty folder `into` (made if missing) and decide which file is which.

    `repack` reads archives that are not zips, in a sandbox; without it they are refused.

    Raises BadSubmission, naming the entry, for whatever must be refused; BadLab if this machine cannot read or
    write; ValueError if `into` is not empty. On any of these except ValueError `into` is left empty.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty")
    try:
        with open_source(archive, limits, repack) as source:
            return _unpack(archive, source, into, limits)
    except BaseException:  # KeyboardInterrupt too: no partial files are left
        _empty(into)
        raise


def place(submission: Submission, path: str) -> Path:
    """Return where on this machine the file at `path` of an opened submission is."""
    return submission.root / to_disk(path)


def _unpack(archive: Archive, source: Source, into: Path, limits: Limits) -> Submission:
    selection = select(source.entries, limits)
    require_something(selection.files, selection.left_out)
    require_work(selection.files, (*selection.tools, *selection.dataset), archive.name)
    written = write_all(selection, into, limits)
    require_something(written.files, written.left_out)
    twins = settle(written, into)
    unread = (one.path for one in written.left_out if one.path and one.state == "unread")
    top = work_folder((*written.files, *unread))
    cut = len(top) + 1 if top else 0
    files = tuple(SubmittedFile(path[cut:], one.size) for path, one in sorted(written.files.items()))
    dataset = tuple(name.removeprefix(top + "/") if top else name for name in list(selection.dataset)[:MOST_NAMED])
    parts, part_notes = sort_parts((file.path for file in files), dataset)
    return Submission(
        student=archive.student,
        digest=source.digest or _folder_digest((path, one.digest) for path, one in written.files.items()),
        archive=archive.name,
        root=into / to_disk(top),
        files=files,
        parts=parts,
        notes=(
            *(*left_out_notes(written.left_out), *twins),
            *(*source.notes, *selection.notes(), *part_notes, *unused(files, parts)),
        ),
        left_out=_below(top, written.left_out),
    )


def _below(top: str, left_out: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """Return what was left out with paths as of the files: the nearest to the root and what the lab asks for first."""
    prefix = f"{top}/" if top else ""
    cut = [replace(one, path=one.path.removeprefix(prefix)) for one in left_out]
    cut.sort(key=lambda one: (one.name.casefold() not in the_lab().asked_for, one.path.count("/")))
    return tuple(cut[:MOST_LEFT_OUT])


def _folder_digest(digests: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 over lines "digest, two spaces, path", as `sha256sum` prints, by path.

    No path holds a newline.
    """
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _empty(folder: Path) -> None:
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
