"""Find out whose a submission is, as far as a name says that no platform wrote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from importlib.resources import files

from grader.intake.formats import without_suffix
from grader.records import Member, Student

LONGEST_NAME = 200  # characters
NAMELESS = "unnamed"

# What students and platforms call a submission, whoever's it is: a name made of nothing else identifies nobody.
_GENERIC = frozenset(files("grader.intake").joinpath("generic_names.txt").read_text("utf-8").split())
_PARTS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")  # of CNNLab5_finalSubmission
_SECOND_DOWNLOAD = re.compile(r"\s*\(\d{1,2}\)$")  # ada (1).zip, as browsers name it
_NO_NUMBER = re.compile(r"\d{1,4}|(?:19|20)\d\d[01]\d[0-3]\d|\d{6}")  # a week, a version, a year; a day, a time of day
_CHINESE = sorted((word for word in _GENERIC if not word.isascii()), key=len, reverse=True)


def identifies(name: str) -> bool:
    """Return whether a file's or folder's name can be somebody's, and is not just submission, lab5 or final (2)."""
    rest = unicodedata.normalize("NFKC", without_suffix(name))[:LONGEST_NAME]
    for word in _CHINESE:  # written without spaces between words
        rest = rest.replace(word, " ")
    if any(not sign.isascii() and unicodedata.category(sign).startswith("S") for sign in rest):
        return True  # letters of another encoding
    parts = [part for written in rest.split("_") for part in _PARTS.findall(written)]
    return not all(_NO_NUMBER.fullmatch(part) if part.isdigit() else _is_generic(part.casefold()) for part in parts)


def _is_generic(word: str) -> bool:
    """Return whether a word says nothing about a person, or is made of such words, as in mysubmission."""
    ends = {0}  # up to where it is made of generic words
    for end in range(1, len(word) + 1):
        if any(word[start:end] in _GENERIC and end - start > 1 for start in ends):
            ends.add(end)
    return len(word) in ends or (len(word) == 1 and word.isascii())


def clean(text: str, fallback: str = NAMELESS) -> str:
    """Make a name fit for one line: NFC, visible, at most 200 characters; `fallback` if nothing is left."""
    composed = unicodedata.normalize("NFC", text[: 4 * LONGEST_NAME])  # cut first: normalising accents is slow
    spaced = " ".join(composed.split())
    seen = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    name = seen[:LONGEST_NAME].strip()
    return name if name.strip(".") else fallback  # "." and ".." are folders, not names


def named(name: str, around: str = "") -> Student:
    """Return the student after whom a file or folder is named, without `.zip`; a guess if it can be anybody's.

    Then the name of the folder `around` it is a better one.
    """
    own = _SECOND_DOWNLOAD.sub("", without_suffix(name))
    if identifies(own):
        return Student(clean(own))
    return Student(clean(around if identifies(around) else without_suffix(name)), guessed=True)


def group(students: Iterable[Student]) -> Student:
    """Return one Student for a group submission: its members, and their names, ids and addresses joined by commas.

    Each of those is as long as `clean` allows; together they may be longer, so that nobody is cut off.
    """
    members = tuple(students)
    return Student(
        name=listed(member.name for member in members),
        identifier=listed(member.identifier for member in members),
        platform=members[0].platform,
        email=listed(member.email for member in members),
        late=any(member.late for member in members),
        members=tuple(Member(one.name, one.identifier, one.email) for one in members) if len(members) > 1 else (),
    )


def listed(texts: Iterable[str]) -> str:
    """Join texts by commas, without the empty ones."""
    return ", ".join(text for text in texts if text)
