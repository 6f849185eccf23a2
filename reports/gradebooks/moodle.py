"""Moodle: fills the offline grading worksheet, and names the folders of the feedback zip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from grader.records import Grade
from reports.gradebooks.shared import guarded, number, standing
from reports.gradebooks.sheet import Place, Sheet
from reports.marks import edition, score
from reports.text import titled, visible

NAME_CHARACTERS = 60  # of a folder's name, so that the path stays short enough to unpack on every system
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f_/\\:*?\"<>|]+")


def render(sheet: Sheet, column: int, comments: int | None, grades: Mapping[int, Grade]) -> str:
    """Fill totals into the worksheet, and comments if it has a column for them and the cell is blank."""
    changes: dict[Place, str] = {(row, column): number(grade.total) for row, grade in grades.items()}
    if comments is not None:
        free = (row for row in grades if not sheet.rows[row].text(comments))
        changes |= {(row, comments): comment(grades[row]) for row in free}
    return sheet.written(changes)


def comment(grade: Grade) -> str:
    """Render what the student reads next to the mark. Moodle treats it as HTML: hence the escapes and line breaks."""
    shown = edition(grade, "student")
    lines = [*standing(grade), *(f"{titled(mark.criterion)} {score(mark)}" for mark in shown.marks)]
    return guarded("<br>".join(escape(line) for line in lines))


def folder(name: str, participant: str) -> str:
    """Name the folder of a student's feedback. Moodle splits it at `_`, and ignores names starting with `.` or `~`."""
    plain = " ".join(_NOT_IN_A_NAME.sub(" ", visible(name[:NAME_CHARACTERS])).split()).lstrip(".~ ")
    return f"{plain or 'student'}_{participant}_assignsubmission_file"
