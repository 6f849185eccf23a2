"""Reads RAR archives: rarfile their listing, libarchive their content, which is compared with the listing's checksums.

Neither is enough. rarfile unpacks nothing by itself. libarchive is silent about what a truncated archive lacks, about
the other parts of an archive in several, and, at least in version 3.6, about encrypted entries of RAR5.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Protocol

import rarfile

from grader.probes.archives.entries import DAMAGED, LONGEST_NAME, Budget, Item, Kind, opened, raw
from grader.probes.refusals import Refuse

RAR5 = b"Rar!\x1a\x07\x01\x00"
SONAME = "libarchive.so.13"  # of every version 3, since 2010
UNICODE = 0x0200  # RAR4, flags of an entry: the name is stored as Unicode
SAME_CONTENT = (rarfile.RAR5_XREDIR_HARD_LINK, rarfile.RAR5_XREDIR_FILE_COPY)


class Entry(Protocol):
    """An entry as libarchive gives it."""

    def get_blocks(self) -> Iterator[bytes]:
        """Yield the content in pieces."""
        ...


def list_rar(descriptor: int, file: str) -> Iterator[Item]:
    """Yield the entries of a RAR. Raises Refuse if it is damaged, one of several parts, or its listing is encrypted."""
    numbers: dict[str, tuple[int, int]] = {}
    for number, info in enumerate(_infos(descriptor, file)):
        kind, size = _kind(info), int(info.file_size or 0)
        target = numbers.get(info.file_redir[2]) if info.file_redir and info.file_redir[0] in SAME_CONTENT else None
        if target:
            yield Item(_name(info), target[1], "file", same_as=target[0])
            continue
        encrypted = bool(info.needs_password())
        yield Item(_name(info), size if kind == "file" else 0, kind, encrypted)
        if kind == "file" and not encrypted:
            numbers[info.filename] = number, size


def read_rar(descriptor: int, file: str, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the content of the wanted entries, by number. Raises Refuse if libarchive is missing or cannot read one."""
    infos, budget = _infos(descriptor, file), Budget(file)
    if not wanted:
        return
    last = max(wanted)
    for number, (info, entry) in enumerate(zip(infos, _entries(descriptor, file), strict=False)):
        content = bytearray()
        for block in _blocks(entry, file):  # of all: one that is passed over may hold what a later one refers to
            budget.spend(len(block))
            if number in wanted and len(content) <= info.file_size:
                content += block
        if number in wanted:
            if len(content) != info.file_size or info.CRC not in (None, zlib.crc32(content)):
                problem = f"{info.filename}: CRC"
                raise Refuse("archive_method", file=file, format="RAR", problem=problem)
            yield number, bytes(content)
        if number == last:
            return


def can_unpack() -> bool:
    """Return whether libarchive is on this machine."""
    if sys.platform == "linux":  # asking the system for it starts a program, which finds nothing in the sandbox
        os.environ.setdefault("LIBARCHIVE", SONAME)
    try:
        import libarchive  # noqa: F401
    except (ImportError, OSError, AttributeError, TypeError):  # it names no file, or one without libarchive's functions
        return False
    return True


def _infos(descriptor: int, file: str) -> list[rarfile.RarInfo]:
    blocks: list[rarfile.RarInfo] = []
    try:
        with opened(descriptor) as packed:
            archive = rarfile.RarFile(packed, errors="strict", info_callback=blocks.append)
            with closing(archive):
                infos: list[rarfile.RarInfo] = archive.infolist()
                hidden = archive.needs_password() and not infos
    except rarfile.NeedFirstVolume as error:
        raise Refuse("archive_part", file=file) from error
    except (rarfile.Error, *DAMAGED) as error:
        code = "archive_part" if "next volume" in str(error) else "archive_damaged"
        raise Refuse(code, file=file, **({} if code == "archive_part" else {"format": "RAR"})) from error
    if hidden:
        raise Refuse("archive_encrypted", file=file)
    if not blocks or not _is_complete(blocks[-1], os.fstat(descriptor).st_size):
        raise Refuse("archive_damaged", file=file, format="RAR")
    return infos


def _is_complete(last: rarfile.RarInfo, size: int) -> bool:
    """Return whether this is the block that ends an archive, which may be left out, or ends with the file."""
    return bool(last.type == rarfile.RAR_BLOCK_ENDARC or last.data_offset + last.add_size == size)


def _entries(descriptor: int, file: str) -> Iterator[Entry]:
    """Yield the entries as libarchive sees them, in the archive's order."""
    if not can_unpack():
        raise Refuse("archive_library", file=file, format="RAR", library="libarchive")
    import libarchive

    with opened(descriptor) as packed:
        form = "rar5" if packed.read(len(RAR5)) == RAR5 else "rar"
        os.lseek(packed.fileno(), 0, os.SEEK_SET)
        try:
            with libarchive.fd_reader(packed.fileno(), format_name=form, filter_name="none") as archive:
                yield from archive
        except libarchive.ArchiveError as error:
            raise Refuse("archive_method", file=file, format="RAR", problem=str(error.msg)) from error


def _blocks(entry: Entry, file: str) -> Iterator[bytes]:
    import libarchive

    try:
        yield from entry.get_blocks()
    except libarchive.ArchiveError as error:
        raise Refuse("archive_method", file=file, format="RAR", problem=str(error.msg)) from error


def _name(info: rarfile.RarInfo) -> bytes:
    stored: bytes | None = info.orig_filename
    if stored is None or (isinstance(info, rarfile.Rar3Info) and info.flags & UNICODE):
        return raw(info.filename)
    return stored[:LONGEST_NAME]


def _kind(info: rarfile.RarInfo) -> Kind:
    if info.is_symlink() or info.file_redir:
        return "link"
    if info.is_dir():
        return "folder"
    return "file" if info.is_file() else "device"
