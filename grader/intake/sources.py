"""Open what was handed in as one Source: an archive, a folder, or several pieces; and the archives that are inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from grader.disk.names import visible
from grader.disk.scratch import scratch
from grader.intake.archive import Archive, Entry, Limits, Piece, Source
from grader.intake.folders import file_entry, open_folder
from grader.intake.formats import is_archive_name, without_suffix
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.no_submission import only_archives, require_one_student
from grader.intake.parts import LIBRARY, QUERIES, is_program, work_folder
from grader.intake.pieces import are_several_peoples, worth
from grader.intake.repacked import Repack, open_repacked, other_format
from grader.intake.zips import file_digest, open_zip
from grader.records import PICTURES, REPORTS, Message, message
from grader.records.errors import BadSubmission, GraderError

BESIDE = "beside"  # the folder of a document whose name an archive has as well


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens archives for as long as `stack` is open."""

    stack: ExitStack
    limits: Limits
    repack: Repack | None  # makes a zip of another archive; without it only zips can be opened

    def open(self, path: Path) -> Source:
        """Open an archive or a folder. Raises BadSubmission if it must be refused, BadLab if it cannot be read here."""
        if path.is_dir():
            return open_folder(path)
        if self.repack is not None and other_format(path):
            repacked = open_repacked(path, self.repack, self.limits, file_digest(path))
            return self.stack.enter_context(repacked)
        return self.stack.enter_context(open_zip(path))

    def inside(self, entry: Entry) -> Source:
        """Open an archive that is in another one. Raises BadSubmission if it must be refused, or is too large."""
        if entry.fault is not None:
            raise BadSubmission(entry.fault)
        copy = self.stack.enter_context(scratch("open")) / (_plain(entry.name) or "archive")
        size = 0
        with copy.open("wb") as file:
            for chunk in entry.chunks():
                size += len(chunk)
                if size > self.limits.total_bytes:
                    sentence = message(
                        "{entry} is larger than a submission may be. Hand in only what the lab asks for.",
                        entry=visible(entry.name),
                    )
                    raise BadSubmission(sentence)
                file.write(chunk)
        return self.open(copy)


@contextmanager
def open_source(archive: Archive, limits: Limits, repack: Repack | None = None) -> Iterator[Source]:
    """Open the submission, with the archives in it; `repack` makes zips of those of other formats.

    Raises BadSubmission if it must be refused, BadLab if it cannot be read here.
    """
    with ExitStack() as stack:
        opener = Opener(stack, limits, repack)
        source = _outer(archive, opener)
        if not archive.pieces:
            require_one_student(source.entries, archive.name)
        yield _with_archives(source, opener, archive)


def _outer(archive: Archive, opener: Opener) -> Source:
    if not archive.pieces:
        return opener.open(archive.path)
    return Source(tuple(entry for piece in archive.pieces for entry in _of_piece(piece)), digest="")


def _of_piece(piece: Piece) -> Iterable[Entry]:
    if not piece.path.is_dir() or piece.path.is_symlink():
        return [file_entry(piece.path, piece.name)]
    return _below(piece.name, open_folder(piece.path).entries)


def _below(folder: str, entries: Iterable[Entry]) -> Iterator[Entry]:
    return (replace(entry, name=f"{folder}/{entry.name}") if folder else entry for entry in entries)


def _with_archives(source: Source, opener: Opener, archive: Archive) -> Source:
    """Open the archives inside: all that hold the work where none lies beside them, else those that hold pictures.

    Raises BadSubmission if they are of several people, or if none of them can be opened.
    """
    files = [entry for entry in source.entries if not entry.is_folder and not reason_to_leave_out(entry.name, 0)]
    closed = [entry for entry in files if is_archive_name(entry.name)]
    if not closed:
        return source
    if any(is_program(entry.name) for entry in files):
        return _beside_work(source, closed, opener)
    if not archive.pieces and are_several_peoples([_plain(entry.name) for entry in closed], archive.name):
        raise BadSubmission(only_archives(archive.name, closed[0].name))
    return _unwrapped(source, closed, opener)


def _beside_work(source: Source, closed: Sequence[Entry], opener: Opener) -> Source:
    """Open the archives that hold pictures, or work that does not lie beside them; another one may be an old copy."""
    entries = [entry for entry in source.entries if entry not in closed]
    taken = {name for entry in entries if (name := worth(entry.name))}
    opened: list[Entry] = []
    for archive in closed:
        try:
            inside = opener.inside(archive).entries
        except GraderError as error:
            entries.append(_closed(archive, error))
            continue
        own = {name for entry in inside if (name := worth(entry.name))}
        if _folder_of_pictures(archive):
            entries += _pictures(archive, inside)
        elif (own or any(one.name.casefold().endswith(REPORTS) for one in inside)) and not own & taken:
            entries += _without(_at_top(inside), entries)
            taken |= own
        else:
            entries.append(_older(archive, min(own & taken)) if own - taken and own & taken else archive)
            continue
        opened.append(archive)
    return replace(source, entries=tuple(entries), notes=(*source.notes, *([_opened(opened)] if opened else [])))


def _folder_of_pictures(archive: Entry) -> str:
    """Return the folder that an archive stands for, such as library.zip; "" for another archive."""
    stem = without_suffix(_plain(archive.name))
    return stem if stem.casefold() in (*LIBRARY, *QUERIES) else ""


def _pictures(archive: Entry, inside: Iterable[Entry]) -> Iterator[Entry]:
    """Put the pictures of library.zip and the like where they belong."""
    stem = _folder_of_pictures(archive)
    pictures = [one for one in inside if not one.is_folder and one.name.casefold().endswith(PICTURES)]
    own = all(one.name.replace("\\", "/").startswith(f"{stem}/") for one in pictures)
    around = archive.name.replace("\\", "/").rpartition("/")[0]
    return _below("/".join(filter(None, (around, "" if own else stem))), pictures)


def _without(entries: Iterable[Entry], others: Iterable[Entry]) -> Iterator[Entry]:
    names = {entry.name.casefold() for entry in others}
    return (entry for entry in entries if entry.name.casefold() not in names)


def _unwrapped(source: Source, closed: Sequence[Entry], opener: Opener) -> Source:
    """Return what the archives hold, one level up, and the documents beside them.

    Raises BadSubmission if nothing can be opened, or if several hold files of the same name; BadLab if we failed.
    """
    opened: list[tuple[Entry, Source]] = []
    refused: list[tuple[Entry, GraderError]] = []
    for archive in closed:
        try:
            opened.append((archive, opener.inside(archive)))
        except GraderError as error:
            refused.append((archive, error))
    if not opened:
        raise refused[0][1]
    entries: list[Entry] = []
    taken: dict[str, Entry] = {}
    for archive, inside in opened:
        require_one_student(inside.entries, archive.name)
        for entry in _at_top(inside.entries):
            before = taken.setdefault(entry.name.casefold(), archive)
            if before is not archive and worth(entry.name):
                raise BadSubmission(_twice(entry, before, archive))
            entries.append(entry)
    beside = [entry for entry in source.entries if entry not in closed]
    entries += (replace(one, name=f"{BESIDE}/{one.name}") if one.name.casefold() in taken else one for one in beside)
    entries += (_closed(archive, error) for archive, error in refused)
    notes = [note for _, inside in opened for note in inside.notes]
    return Source(tuple(entries), source.digest, (*source.notes, _opened([one for one, _ in opened]), *notes))


def _closed(archive: Entry, error: GraderError) -> Entry:
    """Return the archive as one that could not be opened: what is missing may be in it."""
    why = message("{entry} was not opened. {cause}", entry=visible(archive.name), cause=error.message)
    return replace(archive, fault=why, closed=True)


def _older(archive: Entry, twice: str) -> Entry:
    """Return an archive that holds a file which lies beside it, and others which do not: they may be what is meant."""
    why = message(
        "{entry} was not opened, because {file} is in it and beside it. If other files of it count, a person must say"
        " so: unpack it, and hand in one zip of all files.",
        entry=visible(archive.name),
        file=visible(twice),
    )
    return replace(archive, fault=why, closed=True)


def _at_top(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the entries without the folder that holds all of them, so that parts of one submission fit together."""
    names = [entry.name.replace("\\", "/") for entry in entries]
    files = [name for name, entry in zip(names, entries, strict=True) if not entry.is_folder]
    top = work_folder(name for name in files if not reason_to_leave_out(name, 0))
    for name, entry in zip(names, entries, strict=True):
        if not top:
            yield replace(entry, name=name)
        elif name.startswith(f"{top}/") and name != f"{top}/":
            yield replace(entry, name=name[len(top) + 1 :])


def _plain(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _opened(archives: Sequence[Entry]) -> Message:
    return message(
        "Opened the archives inside: {names}.", names=visible(", ".join(_plain(archive.name) for archive in archives))
    )


def _twice(entry: Entry, first: Entry, second: Entry) -> Message:
    return message(
        "{first} and {second} were handed in together, and {entry} is in both: which one counts is not clear. Hand in"
        " one zip.",
        first=visible(first.name),
        second=visible(second.name),
        entry=visible(entry.name),
    )
