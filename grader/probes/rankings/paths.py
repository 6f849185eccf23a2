"""Finds names of image files in a line of text."""

from __future__ import annotations

import re

LONGEST = 500  # characters that are kept, the last ones: what is in front belongs to the student's machine
ENDING = re.compile(
    r"\.(?:jpe?g|png|bmp|gif|webp|tiff?|p[bgnp]m|jfif|hei[cf]|avif)(?![^\W_]|\.\w{2,4}(?!\w))", re.IGNORECASE
)
_BEFORE = re.compile(r"[\s'\"`,;|<>{}=\[\]*、。!?]|:(?<!(?<![^\W_])[a-zA-Z]:)")  # C: is a drive
_LEADING = re.compile(r"[\s'\"`<{\[*,;=>→|]+")


def ends(text: str) -> list[int]:
    """Return the positions where names of images end in the text."""
    return [match.end() for match in ENDING.finditer(text)] if "." in text else []


def start(text: str, end: int, floor: int = 0) -> int:
    """Return where the name that ends at `end` begins, if it contains no blank; not before `floor`."""
    piece = text[max(floor, end - LONGEST) : end]
    last = floor if end - floor <= LONGEST else end - LONGEST
    for match in _BEFORE.finditer(piece):
        last = end - len(piece) + match.end()
    opened = text.rfind("(", last, end)
    return opened + 1 if opened >= 0 and ")" not in text[opened:end] else last


def cleaned(text: str) -> str:
    """Clean a path from a line of text: `slashed`, without surrounding characters."""
    text = _LEADING.sub("", text, count=1) if text[:1] and _LEADING.match(text) else text
    text = text.rstrip(" \t'\"`]}>*,;|")
    if text.startswith("(") and ")" not in text:
        text = text[1:]
    return slashed(text)


def slashed(text: str) -> str:
    """Return a path with forward slashes, without a leading ./; if it is long, only its end."""
    text = re.sub(r"[\\/]+", "/", text.strip())
    while text.startswith("./"):
        text = text[2:]
    return text[-LONGEST:]
