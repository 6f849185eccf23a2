"""Read a zip file as a Source. Python's `zipfile` reads the listing; what it does not protect from is refused here."""

from __future__ import annotations

import errno
import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

from grader.disk.names import decode, from_disk, visible, visible_path
from grader.intake.archive import LISTING_BYTES, Entry, Source
from grader.intake.formats import HEAD_BYTES, require_zip
from grader.records import Message, message
from grader.records.errors import BadLab, BadSubmission, GraderError

CHUNK_BYTES = 1 << 20
ENCRYPTED = 0x1 | 0x40 | 0x2000  # APPNOTE 4.4.4, bits 0, 6, 13: password, strong encryption, hidden listing
IS_UTF8 = 0x800  # bit 11
LOCAL_HEADER = struct.Struct("<4s22xHH")  # APPNOTE 4.3.7: signature, ..., length of the name, length of the extra field
MARK_OF_SPLIT_BYTES = 4  # "PK00" or "PK\7\8" may stand before the first entry (APPNOTE 8.5.4)

# bzip2 and LZMA are refused: zipfile unpacks 4 KB of them in one step, which can be gigabytes, and no desktop program
# writes them.
READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}

# What comes out of zipfile on damaged files. NotImplementedError and RecursionError are RuntimeErrors,
# UnicodeDecodeError a ValueError, KeyError and IndexError LookupErrors, OverflowError an ArithmeticError.
DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, RuntimeError, LookupError, ArithmeticError, AssertionError),
)


class _Bounded(io.BufferedReader):
    """Refuse to read a listing larger than LISTING_BYTES, which zipfile would load whole and turn into objects."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LISTING_BYTES:
            raise zipfile.LargeZipFile
        return super().read(size)


@contextmanager
def open_zip(path: Path) -> Iterator[Source]:
    """Open the zip at `path` and check its structure.

    Raises BadSubmission if it is unsound, BadLab if it is unreadable here.
    """
    try:
        file = _Bounded(io.FileIO(path))
    except OSError as error:
        sentence = message("{path} cannot be read: {why}.", path=visible_path(path), why=error.strerror or "")
        raise BadLab(sentence) from error
    with file:
        require_zip(file.read(HEAD_BYTES), from_disk(path.name))
        with _listing(file, path) as archive:
            infos = archive.infolist()
            lost = _require_no_overlaps(file, infos, archive.start_dir)
            named = [_named(info) for info in infos]
            pairs = zip(infos, named, strict=True)
            entries = tuple(_entry(archive, info, name, info in lost) for info, (name, _) in pairs)
            yield Source(entries, _digest(file), _notes(infos, [how for _, how in named]))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal: the digest of a zip, even of a refused one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(path: Path) -> tuple[str, ...] | None:
    """Return the names of the files in a zip; None for what cannot be opened as one."""
    try:
        with open_zip(path) as source:
            return tuple(entry.name for entry in source.entries if not entry.is_folder)
    except GraderError:
        return None


@contextmanager
def _listing(file: _Bounded, path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED as error:
        raise BadSubmission(_why_unreadable(error, path)) from error
    with archive:
        yield archive


def _why_unreadable(error: Exception, path: Path) -> Message:
    name = visible(from_disk(path.name))
    match error:
        case UnicodeDecodeError():
            return message(
                "{archive} declares that its file names are UTF-8, but they are not. Zip the folder again.",
                archive=name,
            )
        case NotImplementedError():
            return message(
                "{archive} uses a zip feature that few programs support. Zip the folder again, as an ordinary zip.",
                archive=name,
            )
        case zipfile.LargeZipFile():
            return message(
                "{archive} lists far more files than the lab asks for. Zip only the lab's own folder.", archive=name
            )
        case _:
            return message(
                "{archive} is damaged or truncated. Zip the folder again and compare the size after the upload.",
                archive=name,
            )


def _require_no_overlaps(file: _Bounded, infos: list[zipfile.ZipInfo], listing: int) -> set[zipfile.ZipInfo]:
    """Refuse entries that share bytes, as zip bombs do (Fifield 2019: 10 MB hold 281 TB); Python <= 3.11.7 unpacks it.

    `listing` is where the listing begins: entries end before it. Offsets and sizes are in bytes. Returns those that
    are listed and not there, which have no bytes to share.
    """
    ends = {info: _end(file, info) for info in infos}
    spans = sorted((info.header_offset, end, info.orig_filename) for info, end in ends.items() if end is not None)
    for (start, end, name), (following, _, _) in pairwise([*spans, (listing, listing, "")]):
        if start < 0 or end > following:
            sentence = message(
                "{entry} overlaps what follows it in the zip, as in a zip bomb. Zip the folder again.",
                entry=visible(name),
            )
            raise BadSubmission(sentence)
    return {info for info, end in ends.items() if end is None}


def _end(file: _Bounded, info: zipfile.ZipInfo) -> int | None:
    """Return the earliest end of an entry's data, by its own header: the listing may omit its extra field.

    None if there is no such header.
    """
    file.seek(max(info.header_offset, 0))  # a negative one is refused by the caller
    head = file.read(LOCAL_HEADER.size)
    if len(head) < LOCAL_HEADER.size or not head.startswith(b"PK\x03\x04"):
        return None
    _, name, extra = LOCAL_HEADER.unpack(head)
    return info.header_offset + LOCAL_HEADER.size + int(name) + int(extra) + info.compress_size


def _named(info: zipfile.ZipInfo) -> tuple[str, str]:
    """Return the entry's name and its encoding. Uses `orig_filename`, because `filename` is already cut at a NUL."""
    if info.flag_bits & IS_UTF8:
        return info.orig_filename, "utf-8"
    return decode(info.orig_filename.encode("cp437"))  # zipfile read it as cp437: back to the bytes


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, is_lost: bool) -> Entry:
    kind = info.external_attr >> 28  # st_mode's file type if a Unix program wrote the zip; else 0
    is_folder = name.endswith(("/", "\\")) or kind == stat.S_IFDIR >> 12
    chunks = partial(_chunks, archive, info, name)
    if fault := _not_a_file(visible(name), kind):
        return Entry(name, info.file_size, is_folder, chunks, fault, absent=True)
    return Entry(name, info.file_size, is_folder, chunks, _lost(name) if is_lost else _unreadable(info, name))


def _not_a_file(entry: str, kind: int) -> Message | None:
    if kind == stat.S_IFLNK >> 12:
        return message("{entry} is a symbolic link. Put the file itself in its place.", entry=entry)
    if kind not in (0, stat.S_IFREG >> 12, stat.S_IFDIR >> 12):
        return message("{entry} is a device or pipe, not a file. Leave it out.", entry=entry)
    return None


def _lost(name: str) -> Message:
    return message(
        "{entry} is listed in the zip but is not in it: the file is damaged or truncated. Zip the folder again.",
        entry=visible(name),
    )


def _unreadable(info: zipfile.ZipInfo, name: str) -> Message | None:
    entry = visible(name)
    if info.flag_bits & ENCRYPTED:
        return message("{entry} is encrypted. Zip the folder again, without a password.", entry=entry)
    if info.compress_type not in READABLE:
        method = METHODS.get(info.compress_type, f"method {info.compress_type}")
        return message(
            "{entry} is compressed with {method}. Zip the folder again, with ordinary compression (Deflate).",
            entry=entry,
            method=method,
        )
    return None


def _notes(infos: list[zipfile.ZipInfo], encodings: list[str]) -> tuple[Message, ...]:
    notes = []
    first = min((info.header_offset for info in infos), default=0)
    if first > MARK_OF_SPLIT_BYTES:
        notes.append(message("The zip has {size:,} bytes before its first entry; they were not read.", size=first))
    if slashes := sum("\\" in info.orig_filename for info in infos):
        sentence = message(
            "Names with backslashes (from old Windows programs), read as folders: {count:,}.", count=slashes
        )
        notes.append(sentence)
    if chinese := encodings.count("gb18030"):
        notes.append(message("Names without a declared encoding, read as GB18030: {count:,}.", count=chinese))
    return tuple(notes)


def _digest(file: _Bounded) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """Yield the entry's bytes. Raises BadSubmission if they do not match its checksum and length."""
    read = 0
    try:
        with archive.open(info) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                read += len(chunk)
                yield chunk
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise BadLab(message("The zip cannot be read: {why}.", why=error.strerror or "")) from error
        raise BadSubmission(_damaged(name)) from error
    if read != info.file_size:
        raise BadSubmission(_damaged(name))


def _damaged(name: str) -> Message:
    return message(
        "{entry} is damaged inside the zip: its checksum or length is wrong. Zip the folder again and hand that in.",
        entry=visible(name),
    )
