"""Read Moodle's offline grading worksheet, in several languages: columns, rows, and the student of each row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.gradebook.exports.columns import find_column, listed, named_column, require_cells
from grader.gradebook.exports.matching import Level, Matched, match
from grader.gradebook.exports.sheets import Export
from grader.gradebook.files import Stored
from grader.records import Student, message
from grader.records.errors import BadLab

# English, simplified and traditional Chinese (of several Moodles), German, French, Spanish. The identifier needs no
# heading: it is the first column, and its cells end in a number in every language.
GRADE = ("Grade", "成绩", "分数", "成績", "分數", "評分", "Bewertung", "Note", "Calificación")
MAXIMUM = ("Maximum grade", "最高分", "最高成绩", "最高分數", "最高成績", "Maximale Bewertung", "Beste Bewertung")
NAME = ("Full name", "全名", "姓名", "Vollständiger Name", "Nom complet", "Nombre completo")
EMAIL = ("Email address", "Email", "邮箱地址", "电子邮件地址", "电子邮箱地址", "電子郵件", "電子郵件信箱",
         "E-Mail-Adresse", "Adresse de courriel", "Dirección de correo", "Dirección Email")  # fmt: skip
NUMBER = ("ID number", "学号", "编号", "ID号码", "學號", "ID-Nummer", "Numéro d'identification", "Número de ID")
COMMENTS = ("Feedback comments", "评语反馈", "反馈评论", "反馈评语", "回饋評語", "Feedback als Kommentar",
            "Commentaires de feedback", "Comentarios de retroalimentación")  # fmt: skip
_PARTICIPANT = re.compile(r"\D+(\d+)")  # "Participant 12345", "参与人12345"


@dataclass(frozen=True, slots=True)
class Moodle:
    """A parsed worksheet."""

    export: Export
    column: int
    comments: int | None
    students: tuple[int, ...]

    def match(self, stored: Iterable[Stored]) -> Matched:
        """Match by participant, then by address, then by university number, then by exact name."""
        numbers = {row: (self.participant(row),) for row in self.students}
        levels = (
            Level(numbers, lambda student: _number(student, "moodle")),
            Level(self._cells(EMAIL), lambda student: (student.email,)),
            Level(self._cells(NUMBER), lambda student: _number(student, "gradescope")),
            Level(self._cells(NAME), lambda student: (student.name,)),
        )
        return match(stored, levels, self.students, self.export)

    def participant(self, row: int) -> str:
        """Return the participant's number."""
        found = _PARTICIPANT.fullmatch(self.export.sheet.rows[row].text(0))
        assert found is not None
        return found.group(1)

    def name(self, row: int) -> str:
        """Return the participant's name; "" if the worksheet is anonymous."""
        return self.export.sheet.rows[row].text(find_column(self.export, NAME))

    def possible(self, row: int) -> str:
        """Return the most points that Moodle accepts, as it writes them; "" if not given."""
        return self.export.sheet.rows[row].text(find_column(self.export, MAXIMUM))

    def _cells(self, headings: Sequence[str]) -> dict[int, tuple[str, ...]]:
        column = find_column(self.export, headings)
        return {row: (self.export.sheet.rows[row].text(column),) for row in self.students}


def read_moodle(export: Export, column: str | None) -> Moodle:
    """Parse the worksheet. Raises BadLab if it is not one, or if its grade column is not clear."""
    rows = export.sheet.rows
    filled = tuple(
        number for number, row in enumerate(rows) if number and any(field.text.strip() for field in row.fields)
    )
    for number in filled:
        if not _PARTICIPANT.fullmatch(rows[number].text(0)):
            sentence = message(
                "{file}, line {line}: every line of a Moodle worksheet begins with a participant and a"
                " number. Use the assignment's 'Download grading worksheet'.",
                file=export.name,
                line=rows[number].line,
            )
            raise BadLab(sentence)
    offered = range(1, len(export.sheet.headings))
    chosen = find_column(export, GRADE) if column is None else named_column(export, column, offered)
    if chosen is None:
        sentence = message(
            "{file}, line 1: none of these headings is a known name for the grade column: {columns}. Give it"
            " with --column.",
            file=export.name,
            columns=listed(export.sheet.headings[1:]),
        )
        raise BadLab(sentence)
    require_cells(export, filled, chosen)
    comments = find_column(export, COMMENTS)
    if comments is not None:
        require_cells(export, filled, comments)
    return Moodle(export, chosen, comments, filled)


def _number(student: Student, platform: str) -> tuple[str, ...]:
    return (student.identifier,) if student.identifier and student.platform in ("", platform) else ()
