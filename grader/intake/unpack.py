"""Unpack a zip, or copy a folder, to a Submission in an empty folder, completely or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.disk.names import from_disk, to_disk, visible, visible_path
from grader.intake.archive import LIMITS, MEGABYTE, Archive, Limits, Source
from grader.intake.no_submission import require_work
from grader.intake.parts import sort_parts, work_folder
from grader.intake.repacked import Repack
from grader.intake.selection import MOST_NAMED, Selection, require_file_size, select
from grader.intake.sources import open_source
from grader.records import Submission, SubmittedFile, message
from grader.records.errors import BadLab, BadSubmission

# Each file is new (EXCL) and none is reached through a link (NOFOLLOW), whatever the checks on names overlooked.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


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
    require_work(selection.files, (*selection.tools, *selection.dataset), archive.name)
    written = {path: (size, digest) for path, size, digest in _write_all(selection, into, limits)}
    top = work_folder(written)
    cut = len(top) + 1 if top else 0
    files = tuple(SubmittedFile(path[cut:], size) for path, (size, _) in sorted(written.items()))
    dataset = tuple(name.removeprefix(top + "/") if top else name for name in list(selection.dataset)[:MOST_NAMED])
    parts, part_notes = sort_parts((file.path for file in files), dataset)
    return Submission(
        student=archive.student,
        digest=source.digest or _folder_digest((path, digest) for path, (_, digest) in written.items()),
        archive=archive.name,
        root=into / to_disk(top),
        files=files,
        parts=parts,
        notes=(*source.notes, *selection.notes(), *part_notes),
    )


def _write_all(selection: Selection, into: Path, limits: Limits) -> Iterator[tuple[str, int, str]]:
    """Yield path, real size in bytes and SHA-256 of each file written.

    Checks real sizes; declared ones were checked before.
    """
    total = 0
    for path, entry in selection.files.items():
        size, digest = _write(_bounded(entry.chunks(), path, limits), into / to_disk(path))
        total += size
        if total > limits.total_bytes:
            sentence = message(
                "{entry} takes the submission over {most:.1f} MB. Hand in only what the lab asks for.",
                entry=visible(path),
                most=limits.total_bytes / MEGABYTE,
            )
            raise BadSubmission(sentence)
        yield path, size, digest


def _bounded(chunks: Iterable[bytes], path: str, limits: Limits) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        require_file_size(path, size, limits)
        yield chunk


def _write(chunks: Iterator[bytes], target: Path) -> tuple[int, str]:
    """Write a new file; return its size in bytes and SHA-256."""
    digest, size = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(target, _NEW_FILE, 0o644), "wb") as file:  # noqa: PTH123  a descriptor, not a path
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except FileExistsError as error:  # only if the disk treats `a.py` and `A.py` as one name
        sentence = message(
            "On this system {entry} has the same name as another file. Rename one of them.",
            entry=visible(from_disk(target.name)),
        )
        raise BadSubmission(sentence) from error
    except OSError as error:
        sentence = message(
            "{path} cannot be written: {why}. Free some space, or set TMPDIR to a folder that has enough.",
            path=visible_path(target),
            why=error.strerror or "",
        )
        raise BadLab(sentence) from error
    return size, digest.hexdigest()


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
