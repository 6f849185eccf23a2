"""Write an export: pass each format to its renderer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from grader.disk.names import visible_path
from grader.disk.whole import placed, write_output
from grader.gradebook.exports import lines
from grader.gradebook.exports.autograder import autograder_zip
from grader.gradebook.exports.fill import fill_canvas, fill_moodle
from grader.gradebook.exports.groups import with_groups
from grader.gradebook.exports.interface import Exported, Request
from grader.gradebook.files import Stored, read_stored
from grader.gradebook.roster.stored import attended
from grader.labs import the_lab
from grader.records import Grade, Student, message
from grader.records.errors import BadLab

BOM = "\ufeff"  # without it a spreadsheet misreads Chinese names


# Options that only these formats use; elsewhere they would be silently ignored.
MEANT_FOR = {
    "--into": ("canvas", "moodle"),
    "--column": ("canvas", "moodle"),
    "--comments": ("moodle",),
    "--encoding": ("canvas", "moodle", "csv", "junit"),
    "--groups": ("canvas", "moodle", "csv", "junit"),
    "--rubric": ("gradescope-autograder",),
}


def export(request: Request) -> Exported:
    """Write the requested export. Raises BadLab if nothing can be written."""
    _require_sense(request)
    if request.to == "gradescope-autograder":
        return _autograder(request)
    if request.folder is None:
        raise BadLab(message("Give the folder that holds the grades: grade export DIR --to {form}.", form=request.to))
    stored, refusals = read_stored(request.folder)
    if request.zero:
        stored = tuple(replace(one, grade=replace(one.grade, zero=one.grade.unusable)) for one in stored)
    if not stored:
        return Exported((), refusals=refusals)
    stored, grouped = with_groups(stored, request.groups, request.encoding) if request.groups else (stored, ())
    try:
        attendance = attended(request.folder, stored)
    except BadLab as error:
        attendance, refusals = None, (*refusals, error)
    absent = [one.student for one in attendance.absent] if attendance else []
    unclear = attendance.unclear if attendance else ()
    match request.to:
        case "canvas":
            written = fill_canvas(request, stored, absent)
        case "moodle":
            written = fill_moodle(request, stored, absent)
        case "csv":  # everyone is in it: its row without points says nothing about who handed in
            written = _class_file(request, request.folder, stored, [*absent, *unclear])
        case "junit":
            written = _class_file(request, request.folder, stored, absent)
        case "gradescope" | "classroom50":
            written = _each(request, request.folder, stored)
        case _:
            assert_never(request.to)
    unfinished = tuple(lines.not_final(one, _wanted(one.grade, request)) for one in stored if one.grade.needs_human)
    needed = written.needs_human or any(line.state != "good" for line in (*unfinished, *grouped))
    return Exported((*written.lines, *grouped, *unfinished), needed, (*refusals, *written.refusals))


def _require_sense(request: Request) -> None:
    """Raise BadLab for an option that would be ignored."""
    given = {option: getattr(request, option.removeprefix("--")) for option in MEANT_FOR}
    for option, formats in MEANT_FOR.items():
        if given[option] is not None and request.to not in formats:
            sentence = message(
                "{option} works only with --to {formats}. Leave it out.", option=option, formats=", ".join(formats)
            )
            raise BadLab(sentence)
    if request.encoding and not (request.into or request.groups):
        raise BadLab(message("--encoding names the encoding of your file: give --into or --groups, or leave it out."))


def _class_file(request: Request, folder: Path, stored: Sequence[Stored], absent: Sequence[Student]) -> Exported:
    from reports.gradebooks import junit, table

    grades = [replace(one.grade, student=student) for one in stored for student in one.grade.student.each]
    if request.to == "csv":
        name, text = "grades.csv", BOM + table.render(grades, request.so_far, absent)
    else:
        name, text = "junit.xml", junit.render((grade for grade in grades if _wanted(grade, request)), absent)
    path = placed(request.out, folder, name)
    write_output(path, text.encode("utf-8"), [*(one.path for one in stored), *filter(None, (request.groups,))])
    done = message("grades written: {count}", count=sum(_wanted(grade, request) for grade in grades))
    if absent:
        done = message("{done}; listed without a submission: {absent}", done=done, absent=len(absent))
    return Exported((lines.wrote(path, done),))


def _each(request: Request, folder: Path, stored: Sequence[Stored]) -> Exported:
    """Write a file for each submission: beside its grade, at the same place below --out, or to --out itself."""
    name = "results.json" if request.to == "gradescope" else "result.json"
    chosen = [one for one in stored if _wanted(one.grade, request, alone=len(stored) == 1)]
    if request.out is not None and request.out.suffix == ".json":
        if len(stored) > 1:
            values = (visible_path(folder), visible_path(request.out))
            sentence = message(
                "{folder} holds {count} grades, but {out} takes only one. Give the folder of one grade, or a"
                " folder with --out.",
                folder=values[0],
                out=values[1],
                count=len(stored),
            )
            raise BadLab(sentence)
        paths, shown = [request.out for _ in chosen], request.out
    else:
        home = request.out or folder
        paths, shown = [home / one.path.parent.relative_to(folder) / name for one in chosen], home / "..." / name
    for one, path in zip(chosen, paths, strict=True):
        write_output(path, _result(one.grade, request).encode("utf-8"), [each.path for each in stored])
    return Exported((lines.wrote(shown, message("grades written: {count}", count=len(chosen))),))


def _wanted(grade: Grade, request: Request, alone: bool = False) -> bool:
    """Return whether the grade is exported: a platform that asks for one result gets one, final or not.

    Of a class, what could not be opened gets none: there a score of 0 would be a decision that nobody has made.
    """
    if request.takes(grade):
        return True
    return request.to in ("gradescope", "classroom50") and (alone or not grade.unusable)


def _result(grade: Grade, request: Request) -> str:
    from reports.gradebooks import classroom50, gradescope

    if request.to == "gradescope":
        return gradescope.render(grade)
    return classroom50.render(grade, request.environment or {})


def _autograder(request: Request) -> Exported:
    path = placed(request.out, Path(), "autograder.zip")
    data = autograder_zip(request.rubric, path)
    write_output(path, data, [request.rubric] if request.rubric else [])
    sentence = message(
        "{size:.1f} MB. Upload it under 'Configure Autograder'; its README.md explains how {dataset} gets there.",
        size=len(data) / 1e6,
        dataset=the_lab().dataset,
    )
    return Exported((lines.wrote(path, sentence),))
