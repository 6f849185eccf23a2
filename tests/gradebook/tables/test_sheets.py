"""An instructor's export comes back unchanged, or is refused with a message that names file and line."""

from __future__ import annotations

import codecs
import csv
import html
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.gradebook.tables.sheets import guessed_encoding, read_export
from grader.records.errors import BadLab

TEXTS = {
    "comma": 'Name,Mark,"a ""quoted"" one"\r\n"Ng, Ada",1, spaced \r\n',
    "semicolon": "Name;Mark;Note\nNg, Ada;1,5;x\n",
    "tab": "Name\tMark\nNg, Ada\t1;2\n",
    "line breaks in cells": 'Name,Note\n"Ada\nNg","one\r\ntwo"\nBen,\n',
    "old Macintosh": "Name,Mark\rAda,1\r",
    "no line break at the end": "Name,Mark\nAda,1",
    "blank lines and short rows": "Name,Mark\n\n,\nAda\n",
    "quotes within": 'Name,Mark\nA"d"a,1\n',
    "formulas of the instructor's own": "Name,Mark\n=SUM(A1),+1\n",
    "Chinese": "姓名,成绩\n吴雅达,90\n",
}
ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "BOM": ("utf-8", codecs.BOM_UTF8),
    "utf-16 of Excel": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16 the other way": ("utf-16-be", codecs.BOM_UTF16_BE),
    "gb18030": ("gb18030", b""),
}


def file(folder: Path, data: bytes) -> Path:
    path = folder / "book.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_read_is_written_back_byte_for_byte(tmp_path: Path, text: str, encoding: str) -> None:
    codec, bom = ENCODINGS[encoding]
    data = bom + TEXTS[text].encode(codec)
    export = read_export(file(tmp_path, data))
    assert export.encode(export.sheet.written({})) == data


@pytest.mark.parametrize("text", ["comma", "semicolon", "tab", "line breaks in cells", "Chinese"])
def test_cells_are_those_that_another_reader_finds(tmp_path: Path, text: str) -> None:
    export = read_export(file(tmp_path, TEXTS[text].encode("gb18030" if text == "Chinese" else "utf-8")))
    reader = csv.reader(io.StringIO(TEXTS[text], newline=""), delimiter=export.sheet.delimiter)
    assert [[field.text for field in row.fields] for row in export.sheet.rows] == list(reader)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(st.text("ab,;\t\n\"' é吴", max_size=5), min_size=2, max_size=4), min_size=1, max_size=4))
def test_any_table_is_read_as_it_was_meant(tmp_path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    export = read_export(file(tmp_path, text.getvalue().encode()))
    assert [[field.text for field in row.fields] for row in export.sheet.rows] == rows
    changed = export.sheet.written({(0, 1): 'new "cell",\nquoted'})
    assert next(csv.reader(io.StringIO(changed, newline="")))[1] == 'new "cell",\nquoted'


def test_a_row_knows_its_line_of_the_file(tmp_path: Path) -> None:
    rows = read_export(file(tmp_path, b'Name,Note\n"two\nlines",x\r\nAda,1\n')).sheet.rows
    assert [row.line for row in rows] == [1, 2, 4]


def test_a_new_cell_is_quoted_only_where_it_must_be(tmp_path: Path) -> None:
    sheet = read_export(file(tmp_path, b'Name;Mark\nAda;\nBen;""\n')).sheet
    assert sheet.written({(1, 1): "3.5", (2, 1): "4", (1, 0): "a;b"}) == 'Name;Mark\n"a;b";3.5\nBen;"4"\n'


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("姓名,分数\n吴雅达,1\n".encode("gb18030") + b"\xce\xe2\xd1,2\n", "book.csv, line 3: this is not GB18030"),
        ("Name,Mark\nИван,1\nПётр,2\n".encode("cp1251") + b"\xcc\xe8\xe0,1\n", "line 4: this is not GB18030. Name its"),
        ("Name,Mark\nРене,1\nИнес,1\nЁ,1".encode() + b"\nRen\xe9,2\n", "book.csv, line 5: this is not UTF-8"),
        (codecs.BOM_UTF8 + b"Name,Mark\n\xff,1\n", "book.csv, line 2: this is not UTF-8. Name its encoding"),
        (codecs.BOM_UTF16_LE + "Name,Mark\nA".encode("utf-16-le") + b"\x00", "book.csv, line 2: this is not UTF-16"),
        (b'Name,Mark\n"Ada,1\nBen,2\n', "book.csv, line 2: a quotation mark is never closed"),
        (b'Name,Mark\nBen,2\n"Ada"x,1\n', "book.csv, line 3: text follows a closing quotation mark"),
        (b"", "book.csv, line 1: there are no headings"),
        (b"just a text\n", "book.csv, line 1: there are no headings"),
        (b"PK\x03\x04rest of a workbook", "book.csv is a workbook. Save it as CSV"),
    ],
)
def test_what_cannot_be_read_is_refused_where_it_is_broken(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(BadLab) as refused:
        read_export(file(tmp_path, data))
    assert sentence in str(refused.value)


WESTERN = {
    "one name": "Name,Mark\nBjörn,2\n",
    "German": "Kennung;Vollständiger Name;Bewertung\nTeilnehmer/in1;Jürgen Groß;\nTeilnehmer/in2;Anna Weiß;zu spät\n",
    "French": "Identifiant,Nom complet,Note,Commentaires\nParticipant 1,Zoé Lefèvre,,l’été « déjà »\n",
    "Spanish": "Nombre,Nota,Comentario\nÁngela Peña,1,¿Qué?\nIñigo Núñez,2,¡bien!\n",
    "Finnish": "Nimi,Arvosana\nPäivi Hämäläinen,1\nMatti Kääriäinen,2\n",
    "Danish": "Navn,Karakter\nÅse Kjær,1\nBjørn Ødegård,2\n",
    "capitals": "NAME,NOTE\nMÜLLER,1\nLEFÈVRE,2\n",
    "quotes and signs": "Name,Note\nAda,don’t – 10 °C “hot” 5 €\n",
}
CHINESE = {
    "one name": "Name,Mark\n吴雅达,2\n",
    "a rare character": "Name,Mark\n朱镕基,2\n",
    "one character": "Name,Mark,Late\nAda,2,是\n",
    "between Latin letters": "Name,Mark,Note\nAda,2,用ResNet20训练\n",
    "punctuation": "Name,Mark,Note\nAda,2,“好”，ok\n",
    "a group": "Name,Mark\n一班A,2\n一班B,3\n",
}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(text, "cp1252") for text in WESTERN.values()] + [(text, "gb18030") for text in CHINESE.values()],
    ids=[*WESTERN, *(f"Chinese: {name}" for name in CHINESE)],
)
def test_western_and_chinese_letters_of_windows_are_told_apart(tmp_path: Path, text: str, encoding: str) -> None:
    export = read_export(file(tmp_path, text.encode(encoding)))
    assert (export.encoding, export.guessed) == (encoding, True)
    assert "\n".join(export.sheet.delimiter.join(field.text for field in row.fields) for row in export.sheet.rows) == (
        text.rstrip("\n")
    )
    assert export.encode(export.sheet.written({})) == text.encode(encoding)


def test_what_was_guessed_is_told_with_what_to_do(tmp_path: Path) -> None:
    (line,) = guessed_encoding(read_export(file(tmp_path, WESTERN["German"].encode("cp1252"))))
    assert line.said.english() == (
        "book.csv was read as Windows-1252. If its letters look wrong, name its encoding with --encoding."
    )
    assert not tuple(guessed_encoding(read_export(file(tmp_path, WESTERN["German"].encode()))))


@pytest.mark.parametrize(
    ("data", "named", "name"),
    [
        ("Name,Mark\nŁukasz Żak,1\n".encode("cp1250"), "cp1250", "Łukasz Żak"),
        ("Name,Mark\nИванов,1\n".encode("cp1251"), "windows-1251", "Иванов"),
        ("Name,Mark\n陳大文,1\n".encode("big5"), "Big5", "陳大文"),
        ("Name,Mark\n吴雅达,1\n".encode("gb18030"), "gbk", "吴雅达"),
        (codecs.BOM_UTF8 + "Name,Mark\n吴雅达,1\n".encode(), "utf8", "吴雅达"),
        ("Name,Mark\n吴雅达,1\n".encode("utf-16"), "utf-16", "吴雅达"),
    ],
)
def test_an_encoding_that_is_named_is_used(tmp_path: Path, data: bytes, named: str, name: str) -> None:
    export = read_export(file(tmp_path, data), named)
    assert export.sheet.rows[1].text(0) == name
    assert not export.guessed
    assert export.encode(export.sheet.written({})) == data


@pytest.mark.parametrize("named", ["zip", "nothing", "", "undefined", "\x00"])
def test_a_name_of_no_encoding_is_refused(tmp_path: Path, named: str) -> None:
    with pytest.raises(BadLab, match="There is no encoding"):
        read_export(file(tmp_path, b"Name,Mark\nAda,1\n"), named)


def test_an_encoding_that_does_not_fit_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(BadLab, match=r"book\.csv, line 2: this is not UTF-8\."):
        read_export(file(tmp_path, b"Name,Mark\nRen\xe9,1\n"), "utf-8")


def test_a_comment_that_the_encoding_lacks_loses_nothing(tmp_path: Path) -> None:
    export = read_export(file(tmp_path, WESTERN["German"].encode("cp1252")))
    written = export.encode(export.sheet.written({(1, 2): "zu spät, 迟到"}))
    assert html.unescape(written.decode("cp1252").splitlines()[1]).endswith(";zu spät, 迟到")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadLab, match=r"none\.csv cannot be read: No such file"):
        read_export(tmp_path / "none.csv")
