"""Read the deadlines and extensions of a roster, as people and spreadsheets write them."""

from __future__ import annotations

import re
from datetime import datetime

# 2026-03-01 23:59, 2026/3/1T23:59:00+08:00, 2026年3月1日 23:59, 01.03.2026 23:59; a day before a month needs its dots
_DAY_FIRST = r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})"
_YEAR_FIRST = r"(?P<year>\d{4})(?:-|/|年)(?P<month>\d{1,2})(?:-|/|月)(?P<day>\d{1,2})日?"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,6})?)?"
_OFFSET = r"(?P<offset>Z|[+-]\d\d:?\d\d)"
_MOMENT = re.compile(rf"(?:{_YEAR_FIRST}|{_DAY_FIRST})(?:(?:T|,?\s{{0,3}}){_CLOCK}\s?{_OFFSET}?)?", re.IGNORECASE)
_DAYS = re.compile(r"\+?(\d{1,3}(?:[.,]\d{1,2})?)\s?(?:d|days?|tage?|jours?|días?|天|日)?", re.IGNORECASE)
LAST = (23, 59, 59)  # a deadline without a time of day is that day's end


def due(text: str) -> str | None:
    """Return a moment in ISO 8601, with its offset from UTC if one is written; None if it is not certainly one."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(found[one] or found[other]) for one, other in (("year", "y"), ("month", "m"), ("day", "d")))
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second")) if found["hour"] else LAST
    try:
        moment = datetime(year, month, day, hour, minute, second)
        offset = (found["offset"] or "").upper().replace("Z", "+00:00")
        return datetime.fromisoformat(moment.isoformat() + offset).isoformat()
    except ValueError:  # the 30th of February, 25 o'clock
        return None


def days(text: str) -> float | None:
    """Return a number of days; None if it is none."""
    found = _DAYS.fullmatch(text)
    return float(found[1].replace(",", ".")) if found else None


def is_before(one: str, other: str) -> bool:
    """Compare two moments; those that cannot be compared, because only one has an offset, are in order."""
    first, second = datetime.fromisoformat(one), datetime.fromisoformat(other)
    return (first.tzinfo is None) == (second.tzinfo is None) and first < second
