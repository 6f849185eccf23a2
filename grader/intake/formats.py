"""Identify the format of a file that was handed in as an archive, from its first bytes or its name."""

from __future__ import annotations

import re

from grader.disk.names import visible
from grader.records import message
from grader.records.errors import BadSubmission

HEAD_BYTES = 512  # tar says what it is at byte 257; all others within the first 40

_HEADS = (
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip (.gz, .tar.gz)"),
    (b"\xfd7zXZ\x00", "xz (.xz, .tar.xz)"),
    (b"BZh", "bzip2 (.bz2, .tar.bz2)"),
    (b"\x28\xb5\x2f\xfd", "Zstandard (.zst)"),
    (b"%PDF", "PDF"),
    (b"MZ", "EXE (Windows)"),
    (b"\x7fELF", "ELF (Linux)"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"version https://git-lfs", "Git LFS pointer"),
    (b"\xd0\xcf\x11\xe0", "Microsoft Office"),
)
_OTHER_ARCHIVES = {
    "tar": "tar",
    "gzip (.gz, .tar.gz)": "tar.gz",
    "xz (.xz, .tar.xz)": "tar.xz",
    "bzip2 (.bz2, .tar.bz2)": "tar.bz2",
    "Zstandard (.zst)": "tar.zst",
    "7z": "7z",
    "RAR": "RAR",
}
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{0,200}?-->\s*)?<(?:!doctype\s+html|html|head|body)", re.I | re.S)

ARCHIVE_SUFFIXES = (
    *(".zip", ".rar", ".7z", ".zipx", ".tgz", ".txz", ".tbz2"),
    *(".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar", ".gz", ".xz", ".bz2", ".zst"),
)


def looks_like_zip(head: bytes) -> bool:
    """Return whether the first bytes are a zip's: a local header, an empty archive's end, or a split archive's mark.

    Data before the first header (self-extracting programs, a PDF that is also a zip) is refused, though `zipfile` reads
    it: what the platform, a virus scanner and a person see must be what is graded.
    """
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00")


def format_of(head: bytes) -> str:
    """Return the proper name of the format that begins with `head`, the same in every language; "" if unknown."""
    if _HTML.match(head):
        return "HTML"
    if head[257:262] == b"ustar":
        return "tar"
    return next((name for start, name in _HEADS if head.startswith(start)), "")


def other_archive(head: bytes, name: str) -> str:
    """Return the format of an archive that is not a zip but can be read in the sandbox; "" for anything else.

    A tar of before 1988 has no mark: its name counts.
    """
    kind = format_of(head)
    if kind == "" and name.casefold().endswith(".tar") and head and not looks_like_zip(head):
        return "tar"
    return _OTHER_ARCHIVES.get(kind, "")


def require_zip(head: bytes, name: str) -> None:
    """Raise BadSubmission, naming the format, unless the file `name` begins like a zip."""
    if looks_like_zip(head):
        return
    shown = visible(name)
    if not head:
        raise BadSubmission(message("{archive} is empty (0 bytes). Hand in the zip again.", archive=shown))
    if kind := format_of(head):
        sentence = message(
            "{archive} is not a zip; its format is {kind}. Pack the files as .zip and hand that in.",
            archive=shown,
            kind=kind,
        )
        raise BadSubmission(sentence)
    raise BadSubmission(message("{archive} is not a zip. Pack the files as .zip and hand that in.", archive=shown))


def is_archive_name(name: str) -> bool:
    """Return whether a file's name says that it is an archive, zip or not: none is overlooked."""
    return name.casefold().endswith(ARCHIVE_SUFFIXES)


def without_suffix(name: str) -> str:
    """Return a file's name without `.zip`, `.tar.gz` and the like."""
    for suffix in sorted(ARCHIVE_SUFFIXES, key=len, reverse=True):
        if name.casefold().endswith(suffix):
            return name[: -len(suffix)]
    return name
