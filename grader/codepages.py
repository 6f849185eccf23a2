"""Tells the encodings of Windows apart where a file's bytes fit more than one: by the letters that result.

GB18030 gives nearly every pair of bytes a character, so a German or French text in Windows-1252 decodes as Chinese.
But Chinese text has long runs of bytes beyond ASCII, and a Western word has single letters between ASCII ones.
"""

from __future__ import annotations

import re
from typing import Literal

Encoding = Literal["utf-8", "cp1252", "gb18030"]

READ = 1_000_000  # bytes; enough to tell, whatever a file's size
MOST_BROKEN = 10  # of so many characters beyond ASCII, one may be broken UTF-8
_RUN = re.compile(rb"([A-Za-z]?)([\x80-\xff]+)(?=([A-Za-z]?))")  # with the ASCII letter before and the one after
_SMALL = re.compile(rb"[\xdf-\xff]+")  # of Windows-1252; in GB18030 characters of the rarer half
_PUNCTUATION = re.compile(rb"[\xa1-\xa3][\xa1-\xbf]")  # of GB18030; in Windows-1252 two symbols in a row
_COMMON = re.compile(
    rb"[\xb0-\xbf\xd7].|[\xc0-\xd7][^\xe0-\xff]"
)  # of GB18030's most used; else a symbol or two capitals


def likely_encoding(data: bytes) -> Encoding:
    """Return the encoding that gives the most plausible letters; that all of the text decodes is not certain."""
    start = data[:READ]
    if _is_utf8(start):
        return "utf-8"
    if not _decodes(start, "cp1252") and _decodes(start, "gb18030"):
        return "gb18030"
    chinese = western = 0
    for found in _RUN.finditer(start):
        before, run, after = found.groups()
        if _looks_chinese(before, run, after):
            chinese += len(run)
        else:
            western += len(run)
    return "gb18030" if chinese > western else "cp1252"


def _is_utf8(data: bytes) -> bool:
    """Return whether the text is UTF-8 but for a rare broken byte. Of GB18030's pairs a third pass as UTF-8."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return broken * MOST_BROKEN <= len(text) - len(text.encode("ascii", "ignore"))


def _decodes(data: bytes, encoding: Encoding) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _looks_chinese(before: bytes, run: bytes, after: bytes) -> bool:
    if len(run) < 2 or ((before or after) and _SMALL.fullmatch(run)):
        return False
    if len(run) > 2 or not (before or after):
        return True  # a run of two alone is one Chinese character: no Western word consists of two accented letters
    capital_inside = before.islower() and 0xC0 <= run[0] <= 0xDE
    return capital_inside or bool(_PUNCTUATION.match(run) or _COMMON.match(run))
