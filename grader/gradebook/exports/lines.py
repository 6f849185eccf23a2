"""Word what a person should know about an export, one line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from grader.disk.names import visible, visible_path
from grader.gradebook.files import Stored
from grader.gradebook.tables.sheets import Export
from grader.records import Blocked, Checked, Grade, Message, Scalar, message


def wrote(path: Path, said: Message) -> Checked:
    """Report a file that was written."""
    return Checked(message("{file}", file=visible_path(path)), "good", said)


def not_final(one: Stored, exported: bool) -> Checked:
    """Report a grade that still needs a human."""
    grade = one.grade
    if grade.unusable:
        return Checked(message("Not final"), "worse", _unusable(one))
    pending = round(sum(mark.criterion.points for mark in grade.unjudged), 2)
    student = visible(grade.student.name)
    values: dict[str, Scalar] = {"student": student, "total": grade.total, "points": grade.points, "pending": pending}
    asked = [mark.criterion.check for mark in grade.open if grade.asking(mark.criterion.check)]
    if asked and not pending:
        return Checked(message("Not final"), "worse", _asked(grade, asked, exported))
    said = message(
        "{student}: {total:g} of {points:g} points so far; {pending:g} are not marked yet. The grade was"
        " left blank; --so-far exports the points so far.",
        **values,
    )
    if exported:
        said = message(
            "{student}: {total:g} of {points:g} points so far; {pending:g} are not marked yet. The points so far"
            " were exported.",
            **values,
        )
    return Checked(message("Not final"), "worse", said)


def _asked(grade: Grade, criteria: list[str], exported: bool) -> Message:
    values: dict[str, Scalar] = {
        "student": visible(grade.student.name), "total": grade.total, "points": grade.points,
        "criteria": ", ".join(criteria),
    }  # fmt: skip
    if exported:
        return message(
            "{student}: {total:g} of {points:g} points as measured, but a flag asks a person to mark {criteria} first."
            " The measured points were exported.",
            **values,
        )
    return message(
        "{student}: {total:g} of {points:g} points as measured, but a flag asks a person to mark {criteria} first. The"
        " grade was left blank; --so-far exports the measured points.",
        **values,
    )


def _unusable(one: Stored) -> Message:
    causes = (mark.finding.cause for mark in one.grade.marks if isinstance(mark.finding, Blocked))
    return message(
        "{student}: the submission could not be opened, and that is not a zero. {cause} Ask the student for it again,"
        " or export it as 0 points with --unusable zero.",
        student=visible(one.grade.student.name),
        cause=next(causes, message("Its cause is not stored.")),
    )


def no_grade(export: Export, row: int) -> Checked:
    """Report a student in the gradebook who has no grade."""
    said = message("{file}, line {line}: {student}. The row was left unchanged.", **_whose(export, row))
    return Checked(message("No grade for"), "worse", said)


def nothing_submitted(export: Export, row: int) -> Checked:
    """Report a student in the gradebook who is on the roster and handed in nothing."""
    said = message(
        "{file}, line {line}: nothing submitted by {student} was found. The row was left unchanged.",
        **_whose(export, row),
    )
    return Checked(message("No grade for"), "worse", said)


def _whose(export: Export, row: int) -> dict[str, Scalar]:
    line = export.sheet.rows[row]
    shown = " ".join(filter(None, (visible(line.text(0)), visible(line.text(1)))))
    return {"file": export.name, "line": line.line, "student": shown}


def excused(export: Export, row: int, grade: Grade) -> Checked:
    """Report a student who was excused but handed in."""
    line, student = export.sheet.rows[row].line, visible(grade.student.name)
    said = message(
        "{file}, line {line}: {student} remains excused; the grade would be {total:g} points.",
        file=export.name,
        line=line,
        student=student,
        total=grade.total,
    )
    return Checked(message("Excused"), "worse", said)


def scale(export: Export, possible: Iterable[str], grades: Mapping[int, Grade]) -> Iterator[Checked]:
    """Warn if the platform's maximum differs from the rubric's: Moodle silently drops what exceeds it."""
    offered = {grade.points for grade in grades.values()}
    known = {value for text in possible if (value := number(text)) is not None}
    if known and offered and known != offered:
        theirs, ours = (", ".join(f"{value:g}" for value in sorted(values)) for values in (known, offered))
        sentence = message(
            "{file} has a maximum of {theirs} points, the rubric {ours}. Set the assignment's maximum before"
            " you upload.",
            file=export.name,
            theirs=theirs,
            ours=ours,
        )
        yield Checked(message("Points"), "worse", sentence)


def replaced(export: Export, column: int, grades: Mapping[int, Grade]) -> Iterator[Checked]:
    """Report marks that were replaced by different ones."""
    for row, grade in grades.items():
        before = export.sheet.rows[row].text(column)
        if before not in ("", "-") and number(before) != grade.total:
            line = export.sheet.rows[row].line
            said = message(
                "{file}, line {line}: {before} was replaced by {total:g}.",
                file=export.name,
                line=line,
                before=visible(before),
                total=grade.total,
            )
            yield Checked(message("Replaced"), "good", said)


def number(text: str) -> float | None:
    """Parse a number of an export, None if it is none; its decimal separator may be a comma."""
    plain = text.replace(",", ".")
    return float(plain) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", plain) else None


def no_comments(export: Export) -> list[Checked]:
    """Report a worksheet in which no column for comments was found."""
    said = message(
        "{file} has no column for comments that is known by its heading, so only points were filled in. If it has one,"
        " name it with --comments: its heading, or its number (the first column is 1).",
        file=export.name,
    )
    return [Checked(message("Comments"), "good", said)]


def group_counts(group: str, one: Stored, count: int) -> Checked:
    """Report a group whose members all get the grade of one of them."""
    said = message(
        "{group}: {archive} counts for all {count} members.",
        group=visible(group),
        archive=visible(one.grade.archive),
        count=count,
    )
    return Checked(message("Group"), "good", said)


def group_unclear(group: str, several: Iterable[Stored]) -> Checked:
    """Report a group in which several members handed in, so that nobody can say what the others get."""
    said = message(
        "{group}: {archives} are all of this group. Each counts only for the member who handed it in; enter the points"
        " of the others by hand.",
        group=visible(group),
        archives=", ".join(visible(one.grade.archive) for one in several),
    )
    return Checked(message("Group"), "worse", said)
