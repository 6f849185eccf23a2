"""Translate the template: comments, docstrings and sentences from a catalogue; the code stays unchanged.

`reference/handout.zh.po` holds them exactly as in the files, with the fields of f-strings. A string is a sentence
if it has a word and a space; one that stays English, such as an axis label, is its own translation.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from babel.messages.pofile import read_po

ENGLISH = "en"
WIDTH = 120  # columns of the template's lines
_PRAGMA = re.compile(r"(fmt|type|noqa): ?\w")  # for tools, not for people
_WORD = re.compile(r"[A-Za-z]{3}")
_FIELD = re.compile(r"\{\{|\}\}|\{(?:[^{}']|'[^']*')*\}")  # of an f-string; quotes in it are single, as unparse writes
_UNBROKEN = re.compile(rf"{_FIELD.pattern}|[!-z|~]+|.", re.DOTALL)  # a field, a word of ASCII without braces, a letter
_REQUIREMENT = re.compile(rb"([^#\n]*# )(.+)")

Catalogue = Mapping[str, str]
Kind = Literal["comment", "docstring", "string", "f-string"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words in a Python file: the text, and the bytes from `begin` to `end` that hold it."""

    kind: Kind
    message: str
    begin: int
    end: int
    column: int  # of `begin` in its line, in bytes
    lines: int


def read_catalogue(content: bytes) -> Catalogue:
    """Return the translations in a .po file, by the English."""
    return {str(entry.id): str(entry.string) for entry in read_po(io.BytesIO(content)) if entry.id and entry.string}


def in_language(files: Mapping[str, bytes], language: str, catalogue: Catalogue) -> dict[str, bytes]:
    """Return the template's files in the catalogue's language: README.md too, with README.en.md beside it."""
    made = {name: _translated(name, content, catalogue) for name, content in files.items()}
    english, own = made["README.md"], made.pop(f"README.{language}.md")
    made["README.en.md"] = english.replace(f"(README.{language}.md)".encode(), b"(README.md)")
    made["README.md"] = own.replace(b"(README.md)", b"(README.en.md)")
    return made


def _translated(name: str, content: bytes, catalogue: Catalogue) -> bytes:
    if name.endswith(".py"):
        return translate(content, catalogue)
    if name == "requirements.txt":
        return _REQUIREMENT.sub(lambda line: line[1] + catalogue.get(said := line[2].decode(), said).encode(), content)
    return content


def translate(source: bytes, catalogue: Catalogue) -> bytes:
    """Translate a Python file with the catalogue; what the catalogue lacks stays unchanged."""
    for text in sorted(texts(source), key=lambda text: -text.begin):
        words = catalogue.get(text.message, text.message)
        if words != text.message:
            source = source[: text.begin] + _written(text, words).encode() + source[text.end :]
    return source


def texts(source: bytes) -> Iterator[Text]:
    """Yield every text in a Python file that is meant for people."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    yield from _comments(source, starts)
    tree = ast.parse(source)
    docstrings = {id(docstring) for docstring in _docstrings(tree)}
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if not isinstance(node, ast.JoinedStr):  # strings in its fields are part of its message
            pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Constant | ast.JoinedStr) and (said := _said(node, id(node) in docstrings)):
            assert node.end_lineno is not None and node.end_col_offset is not None
            begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            yield Text(*said, begin, end, node.col_offset, node.end_lineno - node.lineno + 1)


def _comments(source: bytes, starts: list[int]) -> Iterator[Text]:
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        said = token.string.removeprefix("# ")
        if token.type == tokenize.COMMENT and _WORD.search(said) and not _PRAGMA.match(said):
            row, place = token.start
            column = len(token.line[:place].encode())
            begin = starts[row - 1] + column
            yield Text("comment", said, begin, begin + len(token.string.encode()), column, 1)


def _docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[ast.Expr(value=ast.Constant(value=str()) as docstring), *_])
                | ast.ClassDef(body=[ast.Expr(value=ast.Constant(value=str()) as docstring), *_])
                | ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as docstring), *_])
            ):
                yield docstring


def _said(node: ast.Constant | ast.JoinedStr, is_docstring: bool) -> tuple[Kind, str] | None:
    """Return what a string says; None if it is not a sentence."""
    match node:
        case ast.Constant(value=str(value)):
            message, kind = value, "string"
        case ast.JoinedStr(values=parts):
            message, kind = "".join(map(_part, parts)), "f-string"
        case _:
            return None
    if is_docstring:
        return "docstring", inspect.cleandoc(message)
    sentence = _WORD.search(_FIELD.sub("", message)) and " " in message.strip()
    return (kind, message) if sentence else None  # type: ignore[return-value]


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value).replace("{", "{{").replace("}", "}}")
    return ast.unparse(ast.JoinedStr([part]))[2:-1]  # of f'{...}'


def _written(text: Text, words: str) -> str:
    """Return the source that puts the words in place of the text."""
    indent = "\n" + " " * text.column
    match text.kind:
        case "comment":
            return f"# {words}"
        case "docstring":
            lines = [indent + line if line else "\n" for line in words.split("\n")]
            return '"""' + "".join(lines).strip() + ('"""' if len(lines) == 1 else f'{indent}"""')
    pattern = _UNBROKEN if text.kind == "f-string" else re.compile(r"[!-~]+|.", re.DOTALL)
    pieces = pattern.findall(words)
    if text.lines == 1:
        return _literal(pieces, text.kind)
    return indent.join(_literal(row, text.kind) for row in _rows(pieces, WIDTH - text.column - len('f"",')))


def _literal(pieces: list[str], kind: Kind) -> str:
    fields = kind == "f-string" and any(piece.startswith("{") for piece in pieces)
    said = "".join(piece if fields and piece.startswith("{") else _escaped(piece) for piece in pieces)
    return f'{"f" if fields else ""}"{said}"'


def _escaped(piece: str) -> str:
    return piece.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _rows(pieces: list[str], width: int) -> list[list[str]]:
    """Break the pieces into rows of at most this many columns; a Chinese character takes two."""
    rows: list[list[str]] = [[]]
    used = 0
    for piece in pieces:
        columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in piece)
        if used + columns > width:
            rows.append([])
            used = 0
        rows[-1].append(piece)
        used += columns
    return rows
