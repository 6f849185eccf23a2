"""Decode names from disks and archives, and make them fit to show to a person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

Encoding = Literal["utf-8", "gb18030", "cp437"]

LONGEST_SHOWN = 120  # characters of a name in a sentence


def decode(raw: bytes) -> tuple[str, Encoding]:
    """Decode a name of unknown encoding as UTF-8, GB18030 (Chinese Windows) or cp437, and return which fitted first.

    Guessing libraries get short GBK names wrong, and UTF-8 is never valid by accident: hence the fixed order.
    """
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437"), "cp437"  # the zip format's own; every byte has a character


def from_disk(name: str) -> str:
    """Return a file's name as a person reads it.

    On disk a name is bytes; Python escapes those that it cannot decode.
    """
    return decode(os.fsencode(name))[0]


def to_disk(name: str) -> str:
    """Return the name to pass to the system: UTF-8 bytes in any locale, because ASCII cannot spell a Chinese name."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def visible(name: str) -> str:
    """Make a name fit for a sentence: spell invisible characters as `<U+202E>`, and keep at most 120 characters."""
    # cut first: a name of 65,535 bytes need not be spelt out in full
    cut = name if len(name) <= LONGEST_SHOWN else name[: LONGEST_SHOWN - 3] + "..."
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in cut)


def visible_path(path: Path) -> str:
    """Make a path of this machine fit for a sentence; its parts may be in different encodings."""
    return visible(str(Path(*map(from_disk, path.parts))))
