"""Decodes a submitted document, in whatever encoding a student's editor used."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping

from grader.codepages import likely_encoding

MOST_BYTES = 20_000_000


def read_bytes(files: Mapping[str, int], name: str) -> bytes:
    """Read the start of a file, at most 20 MB."""
    with os.fdopen(os.dup(files[name]), "rb") as file:
        file.seek(0)
        return file.read(MOST_BYTES)


def decode(data: bytes) -> str:
    """Decode a file: by its byte-order mark, else as the encoding that its letters fit; what is broken is replaced."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell's redirection writes UTF-16
        return data.decode("utf-16", "replace")
    plain = data.removeprefix(codecs.BOM_UTF8)
    return plain.decode(likely_encoding(plain), "replace")


def storable(text: str) -> str:
    r"""Make text encodable as UTF-8: JSON may contain lone surrogates such as "\ud800", which cannot be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")
