"""Which format a file is that should have been a zip, told from its first bytes or its name."""

from __future__ import annotations

import re

from grader.errors import BadSubmission
from grader.intake.names import visible
from grader.records import message

HEAD_BYTES = 512  # tar says what it is at byte 257; all others within the first 40

_HEADS = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip file (.gz, .tar.gz)"),
    (b"\xfd7zXZ\x00", "an xz file (.xz, .tar.xz)"),
    (b"BZh", "a bzip2 file (.bz2, .tar.bz2)"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file (.zst)"),
    (b"%PDF", "a PDF document"),
    (b"MZ", "a Windows program (a self-extracting archive?)"),
    (b"\x7fELF", "a Linux program"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it points to"),
    (b"\xd0\xcf\x11\xe0", "an old Microsoft Office document"),
)
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{0,200}?-->\s*)?<(?:!doctype\s+html|html|head|body)", re.I | re.S)

ARCHIVE_SUFFIXES = (
    *(".zip", ".rar", ".7z", ".zipx", ".tgz", ".txz", ".tbz2"),
    *(".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar", ".gz", ".xz", ".bz2", ".zst"),
)


def looks_like_zip(head: bytes) -> bool:
    """True where the first bytes are a zip's: a local header, an empty archive's end, or a mark of split archives.

    Data before the first header (self-extracting programs, a PDF that is also a zip) is refused, though `zipfile` reads
    it: what the platform, a virus scanner and a person see must be what is graded.
    """
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00")


def format_of(head: bytes) -> str:
    """What a file is that begins with `head` and is not a zip, in English with its article; "" if unknown."""
    if _HTML.match(head):
        return "an HTML page (a download that went wrong?)"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((name for start, name in _HEADS if head.startswith(start)), "")


def require_zip(head: bytes, name: str) -> None:
    """BadSubmission that names the format and asks for a zip, unless the file `name` begins like one."""
    if looks_like_zip(head):
        return
    shown = visible(name)
    if not head:
        raise BadSubmission(message("{archive} is empty (0 bytes). Hand in the zip again.", archive=shown))
    if kind := format_of(head):
        text = "{archive} is {kind}, not a zip. Pack the files as .zip and hand that in."
        raise BadSubmission(message(text, archive=shown, kind=kind))
    raise BadSubmission(message("{archive} is not a zip. Pack the files as .zip and hand that in.", archive=shown))


def is_archive_name(name: str) -> bool:
    """True where a file's name says that it is an archive, zip or not: a rar is refused by name, not overlooked."""
    return name.casefold().endswith(ARCHIVE_SUFFIXES)


def without_suffix(name: str) -> str:
    """A file's name without `.zip`, `.tar.gz` and the like; otherwise as it is."""
    for suffix in sorted(ARCHIVE_SUFFIXES, key=len, reverse=True):
        if name.casefold().endswith(suffix):
            return name[: -len(suffix)]
    return name
