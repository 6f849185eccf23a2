"""Reads tar archives, plain or compressed, with the standard library: in one pass, never seeking back."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import BinaryIO, Self

from grader.probes.archives.entries import CHUNK_BYTES, DAMAGED, Budget, Counted, Item, Kind, opened, raw
from grader.probes.refusals import Refuse

LABEL, NEXT_VOLUME = b"V", b"M"  # GNU tar: the name of a volume, a file that began in the volume before


class _Strict(tarfile.TarInfo):
    """Refuses a broken header: tarfile would take it for the end, and whatever follows would be lost silently."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # zeros: the end
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def list_tar(descriptor: int, file: str, form: str) -> Iterator[Item]:
    """Yield the entries of a tar, and read it to its end. Raises Refuse if it is damaged or no tar."""
    numbers: dict[str, tuple[int, int]] = {}  # of regular files: their number and size, for hard links
    with _open_tar(descriptor, file, form) as archive:
        for number, member in enumerate(_members(archive, file)):
            target = numbers.get(member.linkname) if member.islnk() else None
            if target:
                yield Item(raw(member.name), target[1], "file", same_as=target[0])
                continue
            yield Item(raw(member.name), member.size if member.isreg() else 0, _kind(member))
            if member.isreg():
                numbers[member.name] = number, member.size


def read_tar(descriptor: int, file: str, form: str, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the content of the wanted entries, by number, as far as the archive can be read."""
    last = max(wanted, default=-1)
    with _open_tar(descriptor, file, form) as archive:
        for number, member in enumerate(_members(archive, file)):
            if number in wanted and member.isreg():
                content = archive.extractfile(member)
                if content is not None:
                    yield number, content.read()
            if number >= last:
                return


def _members(archive: tarfile.TarFile, file: str) -> Iterator[tarfile.TarInfo]:
    for member in archive:
        if member.type == NEXT_VOLUME:
            raise Refuse("archive_part", file=file)
        if member.type != LABEL:
            yield member


def _kind(member: tarfile.TarInfo) -> Kind:
    if member.isdir():
        return "folder"
    if member.issym() or member.islnk():
        return "link"
    return "file" if member.isreg() else "device"


@contextmanager
def _open_tar(descriptor: int, file: str, form: str) -> Iterator[tarfile.TarFile]:
    errors = (tarfile.TarError, *DAMAGED, *((_zstd().ZstdError,) if form == "tar.zst" else ()))
    with opened(descriptor) as packed, _unpacked(packed, form) as stream:
        counted = Counted(stream, Budget(file))
        try:
            archive = tarfile.open(  # noqa: SIM115  closed with its stream
                fileobj=counted, mode="r|", tarinfo=_Strict, encoding="utf-8", errors="surrogateescape"
            )
        except errors as error:
            code = "archive_damaged" if form == "tar" or _is_broken(counted, errors) else "archive_no_tar"
            raise Refuse(code, file=file, format=form) from error
        try:
            yield archive
            _drain(counted)  # the checksum of a compressed stream comes last
        except errors as error:
            raise Refuse("archive_damaged", file=file, format=form) from error


def _is_broken(stream: Counted, errors: tuple[type[Exception], ...]) -> bool:
    """Return whether a stream that is no tar cannot even be read to its end."""
    try:
        _drain(stream)
    except errors:
        return True
    return False


def _drain(stream: Counted) -> None:
    while stream.read(CHUNK_BYTES):
        pass


def _unpacked(packed: BinaryIO, form: str) -> BinaryIO:
    match form:
        case "tar.gz":
            return gzip.GzipFile(fileobj=packed)  # type: ignore[return-value]
        case "tar.bz2":
            return bz2.BZ2File(packed)  # type: ignore[return-value]
        case "tar.xz":
            return lzma.LZMAFile(packed)  # type: ignore[return-value]
        case "tar.zst":
            stream: BinaryIO = _zstd().ZstdFile(packed)
            return stream
        case _:
            return packed


def _zstd() -> ModuleType:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        from backports import zstd  # a dependency of py7zr
    found: ModuleType = zstd
    return found
