"""Recognise Moodle's offline grading worksheet in any language."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from grader.gradebook.tables.columns import find_column
from grader.gradebook.tables.sheets import Export

HEADINGS = Path(__file__).with_name("moodle.toml")
# "Participant 12345", "Teilnehmer/in12345", "参与人12345": in every language the first column holds words and a number.
SHORTEST_WORD = 3  # letters of what "Participant" is in any language; a number such as S2023001 has fewer
_PARTICIPANT = re.compile(r"\D+(\d+)\D*|(\d+)\D+")


@cache
def headings(meaning: str) -> tuple[str, ...]:
    """Return what every language calls a column: grade, maximum, name, number or comments."""
    languages = tomllib.loads(HEADINGS.read_text("utf-8")).values()
    return tuple(heading for language in languages for heading in language.get(meaning, ()))


def participant(text: str) -> str:
    """Return the number in "Participant 12345"; "" if there is none."""
    found = _PARTICIPANT.fullmatch(text)
    return (found.group(1) or found.group(2)) if found else ""


def is_worksheet(export: Export) -> bool:
    """Return whether every line begins as a Moodle worksheet's: with one word for all, and a number of its own."""
    texts = [row.text(0) for row in export.sheet.rows[1:] if any(field.text.strip() for field in row.fields)]
    words = {re.sub(r"\d+", "", text).strip() for text in texts}
    is_word = len(words) == 1 and len(min(words)) >= SHORTEST_WORD
    return is_word and all(map(participant, texts)) and find_column(export, headings("grade")) is not None
