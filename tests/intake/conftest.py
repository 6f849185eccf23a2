"""Archives made by hand: `zip_of` writes the bytes itself, for `zipfile` will not write what we must refuse to read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.errors import BadSubmission
from grader.intake import Archive, Limits, open_submission
from grader.records import Student, Submission


@dataclass(frozen=True)
class Part:
    """One entry of a zip, every field free to lie."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    method: int = 0
    attributes: int = 0
    size: int | None = None  # declared, in the listing
    local_name: bytes | None = None
    local_extra: bytes = b""
    offset: int | None = None  # declared, in the listing
    extra: bytes = b""
    crc: int | None = None
    version: int = 20

    def packed(self) -> bytes:
        if self.method != 8:
            return self.data
        deflate = zlib.compressobj(wbits=-15)
        return deflate.compress(self.data) + deflate.flush()

    def header(self) -> tuple[int, ...]:
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        size = len(self.data) if self.size is None else self.size
        return (self.version, self.flags, self.method, 0, 0x21, crc, len(self.packed()), size)


def zip_bytes(*parts: Part, before: bytes = b"") -> bytes:
    body, listing = before, b""
    for part in parts:
        name = part.name if part.local_name is None else part.local_name
        offset = len(body) if part.offset is None else part.offset
        head = struct.pack("<4s5H3L2H", b"PK\x03\x04", *part.header(), len(name), len(part.local_extra))
        body += head + name + part.local_extra + part.packed()
        place = (len(part.name), len(part.extra), 0, 0, 0, part.attributes, offset)
        listing += struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 0x0314, *part.header(), *place) + part.name + part.extra
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(parts), len(parts), len(listing), len(body), 0)
    return body + listing + end


@pytest.fixture(scope="session")
def part() -> type[Part]:
    return Part


@pytest.fixture(scope="session")
def zip_of() -> Callable[..., bytes]:
    return zip_bytes


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Submission]:
    """Open bytes, a zip of {name: content}, or a folder; where it is refused, nothing may be left behind."""

    def open_it(content: bytes | dict[str, bytes] | Path, limits: Limits | None = None) -> Submission:
        into = tmp_path / "into"
        path = content if isinstance(content, Path) else tmp_path / "lab5.zip"
        if isinstance(content, dict):
            content = zip_bytes(*(Part(name.encode(), data, flags=0x800) for name, data in content.items()))
        if isinstance(content, bytes):
            path.write_bytes(content)
        try:
            return open_submission(Archive(path, Student("Ada Ng")), into, limits or Limits())
        except BadSubmission:
            assert list(into.iterdir()) == []
            raise

    return open_it


@pytest.fixture
def refused(opened: Callable[..., Submission]) -> Callable[..., str]:
    """Open what must be refused; the sentence that the student gets."""

    def open_it(content: bytes | dict[str, bytes] | Path, limits: Limits | None = None) -> str:
        with pytest.raises(BadSubmission) as caught:
            opened(content, limits)
        sentence = caught.value.message.english()
        assert sentence.isprintable()
        assert sentence.endswith(".")
        return sentence

    return open_it
