"""Names inside archives and on disks: decoded, made safe, and made fit to be shown."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Literal

from grader.errors import BadSubmission
from grader.records import Message, message

Encoding = Literal["utf-8", "gb18030", "cp437"]

LONGEST_NAME = 255  # bytes; NAME_MAX of Linux, macOS and Windows
LONGEST_PATH = 1024  # bytes; PATH_MAX of macOS. Linux has 4,096, in which the folder unpacked to must fit as well
LONGEST_RAW = 2 * LONGEST_PATH  # characters; Unicode normalisation takes quadratic time on a long run of accents
LONGEST_SHOWN = 120  # characters of a name in a sentence

_DRIVE = re.compile(r"[A-Za-z]:")


def decode(raw: bytes) -> tuple[str, Encoding]:
    """A name of unstated encoding, and the encoding that fits it: UTF-8, then GB18030 (Chinese Windows), then cp437.

    Guessing libraries get short GBK names wrong, and UTF-8 is never valid by accident: hence the fixed order.
    """
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437"), "cp437"  # the zip format's own; every byte has a character


def from_disk(name: str) -> str:
    """The name of a file as a person reads it. On a disk a name is bytes: Python hides those that fit no encoding."""
    return decode(os.fsencode(name))[0]


def to_disk(name: str) -> str:
    """The name to give to the system, whose bytes are UTF-8 whatever the locale: ASCII has none for a Chinese name."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def visible(name: str) -> str:
    """A name fit for a sentence: what cannot be seen is spelt `<U+202E>`, and at most 120 characters are kept."""
    # cut first: a name of 65,535 bytes need not be spelt out whole
    cut = name if len(name) <= LONGEST_SHOWN else name[: LONGEST_SHOWN - 3] + "..."
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in cut)


def visible_path(path: Path) -> str:
    """A path of this machine, fit for a sentence; its parts may be in different encodings."""
    return visible(str(Path(*map(from_disk, path.parts))))


def inner_path(name: str) -> str:
    """An entry's path below the submission, NFC, with forward slashes; BadSubmission where it would lead elsewhere.

    "" is the submission's own folder (`./`). NFC because macOS writes accents apart, and then `é` is not `é`.
    """
    if "\0" in name:
        raise BadSubmission(message("{entry} has a NUL in its name. Zip the folder anew.", entry=visible(name)))
    if len(name) > LONGEST_RAW:
        raise BadSubmission(_too_long(name))
    path = unicodedata.normalize("NFC", name.replace("\\", "/"))
    if path.startswith("/") or _DRIVE.match(path):
        raise BadSubmission(
            message("{entry} is an absolute path. Zip the folder itself, without full paths.", entry=visible(name))
        )
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadSubmission(
            message("{entry} leads out of the submission ('..'). Zip the folder anew.", entry=visible(name))
        )
    return "/".join(parts)


def require_writable(path: str, deepest: int) -> None:
    """BadSubmission unless a file of this path can be written on every system: length, depth, no control characters."""
    shown = visible(path)
    if any(unicodedata.category(c) == "Cc" for c in path):
        raise BadSubmission(message("{entry} has control characters in its name. Rename it and zip anew.", entry=shown))
    parts = path.split("/")
    if len(parts) > deepest:
        raise BadSubmission(
            message(
                "{entry} lies {depth} levels deep; {most} are allowed. Hand in the lab's own folder.",
                entry=shown,
                depth=len(parts),
                most=deepest,
            )
        )
    longest = max(len(part.encode()) for part in parts)
    if longest > LONGEST_NAME or len(path.encode()) > LONGEST_PATH:
        raise BadSubmission(_too_long(path))


def _too_long(name: str) -> Message:
    return message(
        "The name {entry} is too long: {most} bytes a name and {whole} a path are allowed. Rename it.",
        entry=visible(name),
        most=LONGEST_NAME,
        whole=LONGEST_PATH,
    )
