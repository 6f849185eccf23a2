"""The text of written reports, for the person who marks them: bounded, and harmless to show."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack

import pytest
from pydantic import TypeAdapter

from grader.evidence import WrittenReport
from grader.evidence.wording import english
from grader.probes.documents.report_text import MOST_CHARACTERS, PIECE, WIDTH, read_report


def read(*files: tuple[str, str | bytes]) -> WrittenReport:
    with ExitStack() as stack:
        descriptors = {}
        for name, content in files:
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            descriptors[name] = file.fileno()
        value, arrays = read_report({"names": list(descriptors)}, descriptors)
    assert arrays == {}
    return TypeAdapter(WrittenReport).validate_json(json.dumps(value, allow_nan=False))


def test_lines_are_given_as_they_stand_without_blank_ones():
    (page,) = read(("report.md", "# Trend\n\nIt rises.\n  indented\n")).pages
    assert (page.file, page.unit, page.first) == ("report.md", "line", 1)
    assert page.lines == ("# Trend", "It rises.", "  indented")


def test_a_paragraph_that_is_one_line_is_broken_and_not_cut():
    words = [f"word{number}" for number in range(150)]
    (page,) = read(("report.md", " ".join(words))).pages
    assert max(map(len, page.lines)) <= WIDTH
    assert "".join(page.lines).split() == words
    (page,) = read(("report.md", "字" * 500)).pages
    assert "".join(page.lines) == "字" * 500


def test_a_long_report_comes_in_pieces_that_say_where_they_begin():
    pages = read(("report.txt", "\n".join(f"line {n}" for n in range(1, 251)))).pages
    assert [(page.first, len(page.lines)) for page in pages] == [(1, PIECE), (101, PIECE), (201, 50)]


def test_what_goes_on_for_ever_is_cut_and_said_to_be():
    report = read(("report.md", "a line of words\n" * 100_000), ("other.md", "more"))
    assert not report.whole
    assert sum(len(line) for page in report.pages for line in page.lines) <= MOST_CHARACTERS
    assert {page.file for page in report.pages} == {"report.md"}


def test_a_report_that_just_fits_is_whole():
    assert read(("report.md", "x" * 1000)).whole
    assert read(("report.md", "")).pages == ()


@pytest.mark.parametrize("data", ["趋势".encode("gb18030"), "趋势".encode("utf-16"), "\ufeff趋势".encode()])
def test_other_encodings_are_read(data):
    assert read(("report.md", data)).pages[0].lines == ("趋势",)


def test_escape_codes_and_markup_are_text():
    (page,) = read(("report.md", "\x1b[31mred\x1b[0m <script>x</script>\u200b")).pages
    assert page.lines == ("red <script>x</script>",)


def test_what_cannot_be_read_is_named_with_its_reason():
    report = read(("report.docx", b"PK"), ("broken.pdf", b"%PDF-1.4 nothing"), ("report.md", "text"))
    assert [page.file for page in report.pages] == ["report.md"]
    assert english(report.unread[0]) == "report.docx (a Word file: hand in a PDF)"
    assert english(report.unread[1]).startswith("broken.pdf (")
