"""Reads 7z archives with py7zr, which writes into memory here."""

from __future__ import annotations

import lzma
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import PurePath

import py7zr
from py7zr.exceptions import (
    ArchiveError,
    DecompressionBombError,
    PasswordRequired,
    UnsupportedCompressionMethodError,
)
from py7zr.io import Py7zIO, WriterFactory

from grader.probes.archives.entries import DAMAGED, READ_BYTES, Item, Kind, opened, raw
from grader.probes.refusals import Refuse


def list_7z(descriptor: int, file: str) -> Iterator[Item]:
    """Yield the entries of a 7z. Raises Refuse if it is damaged or its listing is encrypted."""
    with _open_7z(descriptor, file) as archive:
        encrypted = archive.needs_password()
        found = _listed(archive)
        folders = {parent for entry in found for parent in _parents(entry.filename)}
        for entry in found:
            # some programs write a folder without saying so
            kind: Kind = "folder" if entry.uncompressed == 0 and entry.filename in folders else _kind(entry)
            size = entry.uncompressed if kind == "file" else 0
            yield Item(raw(entry.filename), size, kind, encrypted and size > 0)


def read_7z(descriptor: int, file: str, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the content of the wanted entries, by number, as far as the archive can be read."""
    with _open_7z(descriptor, file) as archive:
        names = {number: entry.filename for number, entry in enumerate(_listed(archive)) if number in wanted}
        kept = _Memory()
        try:
            archive.extract(targets=list(names.values()), factory=kept)
        except (DecompressionBombError, UnsupportedCompressionMethodError):
            raise
        except (ArchiveError, lzma.LZMAError, *DAMAGED):
            pass  # an entry's checksum is wrong: it is not given, nor what lies behind it
        for number, name in names.items():
            if (content := kept.whole(_written_as(name))) is not None:
                yield number, content


class _Memory(WriterFactory):
    """Keeps the files that py7zr writes. Two of one name are not given: which is meant is not known."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._twice: set[str] = set()

    def create(self, filename: str) -> Py7zIO:
        if filename in self._files:
            self._twice.add(filename)
        self._files[filename] = _File()
        return self._files[filename]

    def whole(self, name: str) -> bytes | None:
        """Return the content of a file that was written to its end and had the right checksum."""
        file = self._files.get(name)
        return bytes(file.content) if file and file.is_whole and name not in self._twice else None


class _File(Py7zIO):
    """The content of one file."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.is_whole = False

    def write(self, s: bytes | bytearray) -> int:
        self.content += s
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        return None

    def size(self) -> int:
        return len(self.content)

    def close(self) -> None:  # py7zr calls it only if the checksum is right
        self.is_whole = True


def _written_as(name: str) -> str:
    """Return the name under which py7zr asks for a file to write to."""
    return PurePath(*(part for part in PurePath(name.lstrip("/")).parts if part != ".")).as_posix()


def _listed(archive: py7zr.SevenZipFile) -> list[py7zr.FileInfo]:
    return archive.list() if hasattr(archive, "files") else []  # an archive of nothing has no header either


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _kind(entry: py7zr.FileInfo) -> Kind:
    if entry.is_symlink:
        return "link"
    if entry.is_directory:
        return "folder"
    return "file" if entry.is_file else "device"


@contextmanager
def _open_7z(descriptor: int, file: str) -> Iterator[py7zr.SevenZipFile]:
    try:
        with opened(descriptor) as packed, py7zr.SevenZipFile(packed, max_extract_size=READ_BYTES) as archive:
            yield archive
    except PasswordRequired as error:
        raise Refuse("archive_encrypted", file=file) from error
    except UnsupportedCompressionMethodError as error:
        raise Refuse("archive_method", file=file, format="7z", problem=str(error.message)) from error
    except DecompressionBombError as error:
        raise Refuse("archive_large", file=file, most=READ_BYTES // 1_000_000_000) from error
    except (ArchiveError, lzma.LZMAError, *DAMAGED) as error:
        raise Refuse("archive_damaged", file=file, format="7z") from error
