"""An instructor's export comes back unchanged, or is refused with a message that names file and line."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.gradebook.exports.sheets import read_export
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
        (b"Name,Mark\nAda,1\nRen\xe9,2\n", "book.csv, line 3: the encoding is not UTF-8, UTF-16 or GB18030"),
        (codecs.BOM_UTF8 + b"Name,Mark\n\xff,1\n", "book.csv, line 2: the encoding is not"),
        (codecs.BOM_UTF16_LE + "Name,Mark\nA".encode("utf-16-le") + b"\x00", "book.csv, line 2: the encoding is not"),
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


def test_western_letters_that_pass_for_chinese_ones_keep_their_bytes_and_their_cells(tmp_path: Path) -> None:
    data = b"Name,Mark\nBj\xf6rn,2\n"
    export = read_export(file(tmp_path, data))
    assert export.encode(export.sheet.written({(1, 1): "5"})) == data.replace(b"2", b"5")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadLab, match=r"none\.csv cannot be read: No such file"):
        read_export(tmp_path / "none.csv")
