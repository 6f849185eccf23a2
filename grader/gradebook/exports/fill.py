"""Fill in a copy of the instructor's own export, and report every student who is on one side only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grader.disk.whole import placed, write_output, zipped
from grader.gradebook.exports import lines
from grader.gradebook.exports.canvas import read_canvas
from grader.gradebook.exports.interface import Exported, Request
from grader.gradebook.exports.matching import Matched
from grader.gradebook.exports.moodle import Moodle, read_moodle
from grader.gradebook.files import Stored, whole
from grader.gradebook.tables.sheets import Export, guessed_encoding, read_export
from grader.records import Checked, Grade, Student, message
from grader.records.errors import BadLab


def fill_canvas(request: Request, stored: Sequence[Stored], absent: Iterable[Student] = ()) -> Exported:
    """Write a copy of the gradebook with one column filled in; `absent` are known to have handed in nothing."""
    from reports.gradebooks import canvas

    export = _into(request)
    book = read_canvas(export, request.column)
    matched = book.match(stored, absent)
    excused = [row for row in matched.grades if canvas.excused(export.sheet.rows[row], book.column)]
    grades = {row: grade for row, grade in _to_fill(matched, request).items() if row not in excused}
    path = _beside(request, export)
    write_output(path, export.encode(canvas.render(export.sheet, book.column, grades)), _inputs(request, stored))
    done = [lines.excused(export, row, matched.grades[row].grade) for row in excused]
    done += [*lines.scale(export, (book.possible,), grades), *lines.replaced(export, book.column, grades)]
    return _filled(path, export, matched, grades, done)


def fill_moodle(request: Request, stored: Sequence[Stored], absent: Iterable[Student] = ()) -> Exported:
    """Write the worksheet with grades and comments, and the zip with the students' pages; `absent` have no page."""
    from reports.gradebooks import moodle

    export = _into(request)
    book = read_moodle(export, request.column, request.comments)
    matched = book.match(stored, absent)
    grades = _to_fill(matched, request)
    path, inputs = _beside(request, export), _inputs(request, stored)
    write_output(path, export.encode(moodle.render(export.sheet, book.column, book.comments, grades)), inputs)
    feedback = path.with_name(f"{path.stem}.feedback.zip")
    unshown: list[BadLab] = []
    write_output(feedback, zipped(_pages(book, {row: matched.grades[row] for row in grades}, unshown)), inputs)
    count = len(grades) - len(unshown)
    sentence = message("reports: {count}, for 'Upload multiple feedback files in a zip'", count=count)
    done = [lines.wrote(feedback, sentence)]
    done += lines.no_comments(export) if book.comments is None else []
    done += lines.scale(export, (book.possible(row) for row in grades), grades)
    done += lines.replaced(export, book.column, grades)
    return replace(_filled(path, export, matched, grades, done), refusals=tuple(unshown))


def _pages(book: Moodle, stored: Mapping[int, Stored], unshown: list[BadLab]) -> Iterator[tuple[str, bytes]]:
    """Redraw the pages in the students' edition: the page beside a grade may be the one for staff.

    Add to `unshown` why a page cannot be drawn.
    """
    from reports.gradebooks import moodle
    from reports.html import render

    for row, one in stored.items():
        try:
            grade = whole(one.grade, one.path)
        except BadLab as error:
            unshown.append(error)
            continue
        folder = moodle.folder(book.name(row) or grade.student.name, book.participant(row))
        yield f"{folder}/report.html", render(grade, "student").encode()


def _into(request: Request) -> Export:
    if request.into is None:
        sentence = message(
            "--into is missing: give the file that you exported from {platform}. It is copied, never changed.",
            platform=request.to.capitalize(),
        )
        raise BadLab(sentence)
    return read_export(request.into, request.encoding)


def _beside(request: Request, export: Export) -> Path:
    source = export.path
    return placed(request.out, source.parent, f"{source.stem}.graded{source.suffix}")


def _inputs(request: Request, stored: Iterable[Stored]) -> list[Path]:
    given = (request.into, request.groups)
    return [*(one.path for one in stored), *(path for path in given if path is not None)]


def _to_fill(matched: Matched, request: Request) -> dict[int, Grade]:
    grades = {row: one.grade for row, one in matched.grades.items()}
    return {row: grade for row, grade in grades.items() if request.takes(grade)}


def _filled(
    path: Path, export: Export, matched: Matched, grades: Mapping[int, Grade], more: Sequence[Checked]
) -> Exported:
    """Report on a filled export. Students who handed nothing in are listed, but do not need a human."""
    done = lines.wrote(path, message("rows filled: {count}, from {source}", count=len(grades), source=export.name))
    missing = [
        lines.nothing_submitted(export, row) if row in matched.absent else lines.no_grade(export, row)
        for row in matched.rows_without
    ]
    needed = bool(matched.lines) or any(line.state != "good" for line in more)
    return Exported((done, *guessed_encoding(export), *more, *matched.lines, *missing), needed)
