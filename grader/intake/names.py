"""Check names inside archives: decide where an entry goes, and refuse bad names."""

from __future__ import annotations

import re
import unicodedata

from grader.disk.names import visible
from grader.records import Message, message
from grader.records.errors import BadSubmission

LONGEST_NAME = 255  # bytes; NAME_MAX of Linux, macOS and Windows
LONGEST_PATH = 1024  # bytes; PATH_MAX of macOS. Linux has 4,096, in which the folder unpacked to must fit as well
LONGEST_RAW = 2 * LONGEST_PATH  # characters; Unicode normalisation takes quadratic time on a long run of accents

_DRIVE = re.compile(r"[A-Za-z]:/")
_ON_A_DRIVE = re.compile(r"[A-Za-z]:")  # a name like any other but on Windows, where it lies elsewhere


class BadName(BadSubmission):
    """A name that no file here can have, and that leads nowhere else: it costs its entry, not the submission."""


def inner_path(name: str) -> str:
    """Return an entry's path in the submission, NFC, with forward slashes. Raises BadSubmission if it leads elsewhere.

    "" is the submission's own folder (`./`). NFC because macOS writes accents apart, and then `é` is not `é`.
    Raises BadName if it is too long, or leads elsewhere on Windows alone.
    """
    if "\0" in name:  # where it ends depends on the program that reads it
        raise BadSubmission(
            message("{entry} has a NUL character in its name. Zip the folder again.", entry=visible(name))
        )
    path = name.replace("\\", "/")
    _require_inside(path, name)
    if len(name) > LONGEST_RAW:
        raise BadName(_too_long(name))
    path = unicodedata.normalize("NFC", path)
    _require_inside(path, name)  # again: the sign for kelvin becomes a letter
    if _ON_A_DRIVE.match(path):
        raise BadName(
            message("{entry} begins like the name of a drive. Rename it and zip the folder again.", entry=visible(name))
        )
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _require_inside(path: str, name: str) -> None:
    if path.startswith("/") or _DRIVE.match(path):
        raise BadSubmission(
            message("{entry} is an absolute path. Zip the folder itself, without full paths.", entry=visible(name))
        )
    if ".." in path.split("/"):
        raise BadSubmission(
            message("{entry} points outside the submission ('..'). Zip the folder again.", entry=visible(name))
        )


def require_writable(path: str, deepest: int) -> None:
    """Raise BadName unless this path can be written on every system: length, depth, no control characters."""
    shown = visible(path)
    if any(unicodedata.category(c) == "Cc" for c in path):
        raise BadName(
            message("{entry} has control characters in its name. Rename it and zip the folder again.", entry=shown)
        )
    parts = path.split("/")
    if len(parts) > deepest:
        raise BadName(
            message(
                "{entry} is {depth} levels deep; at most {most} are allowed. Hand in only the lab's own folder.",
                entry=shown,
                depth=len(parts),
                most=deepest,
            )
        )
    longest = max(len(part.encode()) for part in parts)
    if longest > LONGEST_NAME or len(path.encode()) > LONGEST_PATH:
        raise BadName(_too_long(path))


def _too_long(name: str) -> Message:
    return message(
        "The name {entry} is too long: at most {most} bytes per name and {whole} per path are allowed. Rename it.",
        entry=visible(name),
        most=LONGEST_NAME,
        whole=LONGEST_PATH,
    )
