"""Bytes of a submitted document to text, in whatever encoding a student's editor left them."""

from __future__ import annotations

import os
from collections.abc import Mapping

MOST_BYTES = 20_000_000


def read_bytes(files: Mapping[str, int], name: str) -> bytes:
    """The start of a file, at most 20 MB."""
    with os.fdopen(os.dup(files[name]), "rb") as file:
        file.seek(0)
        return file.read(MOST_BYTES)


def decode(data: bytes) -> str:
    """Text of a file: a byte-order mark decides, then UTF-8, then GB18030 (Chinese Windows), then what can be read."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell's redirection writes UTF-16
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def storable(text: str) -> str:
    r"""Text that UTF-8 can hold: JSON may spell half a character, "\ud800", which no file can keep."""
    return text.encode("utf-8", "replace").decode("utf-8")
