"""Look for a student's number or full name inside the name of an archive, such as lab5_20231234.zip."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date

from grader.gradebook.roster.matching import Finder, Rows, letters
from grader.intake.whose import LONGEST_NAME, identifies
from grader.records import Enrolled, same

SHORTEST_NUMBER = 5  # digits
MOST_PARTS = 8  # of a name
_WORDS = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[^\W\d_]+|\d+")


def inside(finder: Finder, name: str) -> Rows:
    """Return the rows whose number or name is part of a name, and nobody else's is."""
    words = _WORDS.findall(unicodedata.normalize("NFKC", name[: 2 * LONGEST_NAME]))
    return tuple(dict.fromkeys((*_numbers_in(finder, words), *_names_in(finder, words))))


def _numbers_in(finder: Finder, words: Sequence[str]) -> Iterator[Enrolled]:
    for place, word in enumerate(words):
        rows = finder.by_number.get(same(word), ()) if _is_number(word) else ()
        rest = (*words[:place], *words[place + 1 :])
        yield from (row for row in rows if not _is_of_another(rest, row))


def _names_in(finder: Finder, words: Sequence[str]) -> Iterator[Enrolled]:
    """Yield the rows whose whole name stands there, beside words that say nothing about a person."""
    parts = [part for word in words for part in _PARTS.findall(word)]
    for start in range(len(parts)):
        for end in range(start + 1, min(len(parts), start + MOST_PARTS) + 1):
            rows = finder.by_name.get(letters("".join(parts[start:end])), ())
            if rows and not identifies(" ".join((*parts[:start], "_", *parts[end:]))):
                yield from rows


def _is_number(word: str) -> bool:
    """Return whether a word can only be somebody's number or login: it is not a date, a year or a generic word."""
    if not word.isdecimal():
        return identifies(word)
    return len(word) >= SHORTEST_NUMBER and not _is_date(word)


def _is_date(digits: str) -> bool:
    if len(digits) == 6:
        digits = f"20{digits}"
    if len(digits) != 8 or not 1990 <= int(digits[:4]) <= 2099:
        return False
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _is_of_another(words: Sequence[str], row: Enrolled) -> bool:
    """Return whether the words beside a number name a person, and not that of the row as far as its script tells."""
    own = {letters(part) for part in row.name.split()}
    rest = " ".join(word for word in words if letters(word) not in own)
    romanised = rest.isascii() and not any(sign.isascii() and sign.isalpha() for sign in row.name)  # zhangwei is 张伟
    return identifies(rest) and not romanised
