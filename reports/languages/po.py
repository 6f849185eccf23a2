"""Catalogues as gettext writes them, read directly: there is no compiled copy that could be older than its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HEADER = """\
# Templates are English sentences; fields in braces stay as they are. Made and checked by: python -m reports.languages
msgid ""
msgstr ""
"Language: zh_CN\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
_LINE = re.compile(r'(msgid |msgstr |)"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_MEANT = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_WRITTEN = {meant: f"\\{letter}" for letter, meant in _MEANT.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A template, what it is in the other language ("" for not yet), and the files that say it."""

    template: str
    translation: str
    files: tuple[str, ...] = ()


def read_po(text: str) -> Iterator[Entry]:
    """The entries in their order, without the header. ValueError for what write_po never writes."""
    for block in text.strip().split("\n\n"):
        files: list[str] = []
        pieces = {"msgid": "", "msgstr": ""}
        keyword = ""
        for line in block.split("\n"):
            if line.startswith("#"):
                files += line[3:].split() if line.startswith("#: ") else []
            elif found := _LINE.fullmatch(line):
                keyword = found[1].strip() or keyword
                pieces[keyword] += _ESCAPE.sub(lambda one: _MEANT[one[1]], found[2])
            else:
                raise ValueError(f"neither msgid nor msgstr: {line[:80]}")
        if pieces["msgid"]:
            yield Entry(pieces["msgid"], pieces["msgstr"], tuple(files))


def write_po(entries: Iterable[Entry]) -> str:
    """The catalogue, an entry a block."""
    return "\n".join([HEADER, *map(_block, entries)])


def _block(entry: Entry) -> str:
    flag = "#, python-brace-format\n" if "{" in entry.template else ""  # for editors and msgfmt, which then check
    files = f"#: {' '.join(entry.files)}\n" if entry.files else ""
    return f"{files}{flag}msgid {_quoted(entry.template)}\nmsgstr {_quoted(entry.translation)}\n"


def _quoted(text: str) -> str:
    return '"' + "".join(_WRITTEN.get(character, character) for character in text) + '"'
