"""The table in which a person marks what is still open: one row per open criterion. Headings are keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from grader.records import Grade
from reports.gradebooks.shared import clipped, guarded, number
from reports.marks import found
from reports.text import clip, words

TO_FILL = ("points", "reason")
HEADINGS = ("student", "criterion", *TO_FILL, "maximum", "found", "submission")
NAME_LIMIT = 300  # characters


def render(grades: Iterable[tuple[str, Grade]]) -> str:
    """Render the open criteria of (folder, grade), with what was found for each, and line ends as in RFC 4180."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for folder, grade in grades:
        for mark in grade.open:
            criterion = guarded(clip(mark.criterion.check, NAME_LIMIT))
            asked = (flag.message for flag in grade.asking(mark.criterion.check))
            said = guarded(clipped("\n".join(map(words, (found(mark.finding).reason, *asked)))))
            # the folder is not guarded: it must be found again, and the grader makes no folder that begins a formula
            writer.writerow((folder, criterion, "", "", number(mark.criterion.points), said, submission(grade)))
    return text.getvalue()


def submission(grade: Grade) -> str:
    """Identify what is marked; "" if it has no digest. The prefix keeps a spreadsheet from reading a number."""
    return f"sha256:{grade.digest[:16]}" if grade.digest else ""
