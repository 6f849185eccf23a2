"""Read an instructor's export from bytes to cells: detect encoding and delimiter, and say where it is broken."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.codepages import likely_encoding
from grader.disk.names import visible, visible_path
from grader.records import Checked, Message, message
from grader.records.errors import BadLab
from reports.gradebooks.sheet import Field, Row, Sheet

LARGEST_SHEET = 50_000_000  # bytes
DELIMITERS = (",", ";", "\t")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
CODE_PAGES = {"cp1252": "Windows-1252", "gb18030": "GB18030"}  # of Windows: no byte of a file says which it is in
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, .xls
_PLAIN = {delimiter: re.compile(f"[^{delimiter}\r\n]*") for delimiter in DELIMITERS}
_QUOTED = re.compile(r'"((?:[^"]++|"")*+)("?)')
_END = re.compile(r"\r\n|\n|\r|\Z")


@dataclass(frozen=True, slots=True)
class Export:
    """The instructor's file, read; `encode` gives the bytes of a text in the file's own encoding."""

    path: Path
    sheet: Sheet
    encoding: str
    bom: bytes
    guessed: bool = False  # the encoding was chosen by the letters that result

    @property
    def name(self) -> str:
        """Return the file's name, fit for a sentence."""
        return visible_path(Path(self.path.name))

    def encode(self, text: str) -> bytes:
        """Return the bytes to write. Only comments can hold other characters: as HTML entities, they are not lost."""
        return self.bom + text.encode(self.encoding, "xmlcharrefreplace")


def read_export(path: Path, encoding: str | None = None) -> Export:
    """Read the file, in this encoding if one is given.

    Raises BadLab, with the line, if it is not a table that can be written back unchanged.
    """
    shown, data = visible_path(path), _bytes(path)
    bom, known = _marked(data, "" if encoding is None else _named(encoding))
    plain = data[len(bom) :]
    used = known or _utf16_without_bom(plain) or likely_encoding(plain)
    sheet = _parsed(_decoded(plain, used, shown), shown)
    return Export(path, sheet, used, bom, guessed=not known and used in CODE_PAGES)


def guessed_encoding(export: Export) -> Iterator[Checked]:
    """Say which encoding was chosen if others would fit as well."""
    if export.guessed:
        said = message(
            "{file} was read as {encoding}. If its letters look wrong, name its encoding with --encoding.",
            file=export.name,
            encoding=CODE_PAGES[export.encoding],
        )
        yield Checked(message("Encoding"), "good", said)


def _bytes(path: Path) -> bytes:
    shown = visible_path(path)
    try:
        if path.stat().st_size > LARGEST_SHEET:
            raise BadLab(message("{file} is too large to be a gradebook. Give the CSV file.", file=shown))
        data = path.read_bytes()
    except OSError as error:
        sentence = message(
            "{file} cannot be read: {why}. Give the CSV file that you exported.",
            file=shown,
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
    if data.startswith(_WORKBOOKS):
        raise BadLab(message("{file} is a workbook. Save it as CSV, and give that file.", file=shown))
    return data


def _marked(data: bytes, named: str) -> tuple[bytes, str]:
    """Return the byte-order mark, and the encoding that it or the instructor names; "" if neither does."""
    for bom, encoding in _BOMS:
        if data.startswith(bom) and encoding.startswith(named):  # "utf-16" is either order of its bytes
            return bom, encoding
    return b"", named


def _named(encoding: str) -> str:
    """Return Python's name of an encoding. Raises BadLab if there is none."""
    try:
        "".encode(encoding)  # not lookup() alone: that also knows "zip" and "rot13", which are no encodings of text
        return codecs.lookup(encoding).name.removesuffix("-sig")
    except (LookupError, ValueError):
        sentence = message(
            "There is no encoding {encoding}. Give a name such as utf-8, cp1252, gb18030, cp1250 or big5.",
            encoding=visible(encoding),
        )
        raise BadLab(sentence) from None


def _decoded(data: bytes, encoding: str, shown: str) -> str:
    """Decode the text. Raises BadLab where a byte does not fit, or if the text could not be written back unchanged."""
    try:
        text = data.decode(encoding)
        if text.encode(encoding) == data:
            return text
        start = 0
    except UnicodeError as error:
        start = getattr(error, "start", 0)
    sentence = message(
        "{file}, line {line}: this is not {encoding}. Name its encoding with --encoding, or save it as CSV UTF-8.",
        file=shown,
        line=1 + data[:start].decode(encoding, "replace").count("\n"),
        encoding=CODE_PAGES.get(encoding, encoding.upper()),
    )
    raise BadLab(sentence)


def _utf16_without_bom(data: bytes) -> str:
    """Recognise UTF-16 by the zero bytes of its Latin letters; no other table contains zero bytes."""
    start = data[:400]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    return "" if not (even or odd) else "utf-16-le" if odd > even else "utf-16-be"


def _parsed(text: str, shown: str) -> Sheet:
    heading = _END.split(re.sub(r'"[^"]*"', "", text), maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=heading.count)
    rows = tuple(_rows(text, delimiter, shown))
    if not rows or len(rows[0].fields) < 2:
        raise BadLab(message("{file}, line 1: there are no headings. Give the CSV file that you exported.", file=shown))
    return Sheet(rows, delimiter)


def _rows(text: str, delimiter: str, shown: str) -> Iterator[Row]:
    place, line = 0, 1
    while place < len(text):
        start, fields = place, list[Field]()
        while True:
            field, place = _field(text, place, delimiter, shown, line + text.count("\n", start, place))
            fields.append(field)
            if not text.startswith(delimiter, place):
                break
            place += 1
        end = _END.match(text, place)
        if end is None:
            sentence = message(
                "{file}, line {line}: text follows a closing quotation mark. Fix this line, or export it again.",
                file=shown,
                line=line + text.count("\n", start, place),
            )
            raise BadLab(sentence)
        place = end.end()
        yield Row(line, tuple(fields), end.group())
        line += max(text.count("\n", start, place), end.group() == "\r")


def _field(text: str, place: int, delimiter: str, shown: str, line: int) -> tuple[Field, int]:
    if text.startswith('"', place):
        quoted = _QUOTED.match(text, place)
        assert quoted is not None
        if not quoted.group(2):
            raise BadLab(_unclosed(shown, line))
        return Field(quoted.group(), quoted.group(1).replace('""', '"')), quoted.end()
    plain = _PLAIN[delimiter].match(text, place)
    assert plain is not None
    return Field(plain.group(), plain.group()), plain.end()


def _unclosed(shown: str, line: int) -> Message:
    return message(
        "{file}, line {line}: a quotation mark is never closed. Fix this line, or export it again.",
        file=shown,
        line=line,
    )
