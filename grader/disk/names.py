"""Names on disks and in archives: decoded, and made fit to be shown to a person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

Encoding = Literal["utf-8", "gb18030", "cp437"]

LONGEST_SHOWN = 120  # characters of a name in a sentence


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
