"""Counts days late on the calendar of the deadline's time zone: the day on which clocks go back has 25 hours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

DAY = timedelta(days=1)


def days_begun(start: datetime, end: datetime, zone: ZoneInfo | None, extra_days: float = 0.0) -> int:
    """Return how many days have begun since `start` and `extra_days` on the calendar; 0 up to that moment.

    An offset such as +02:00 fits several zones. Without the zone itself, the one with the fewest days counts: a doubt
    costs no points.
    """
    if end <= start:
        return 0
    zones = _possible_zones(start) if zone is None else [zone]
    extra = timedelta(days=extra_days)
    days = min(math.ceil((_by_the_clock(start, end, one) - extra) / DAY) for one in zones)
    return max(0 if extra else 1, days)


def named_zone(name: str) -> ZoneInfo | None:
    """Return the time zone of that name, such as Europe/Berlin; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # a path outside, a folder, no such name
        return None


def _by_the_clock(start: datetime, end: datetime, zone: tzinfo) -> timedelta:
    """Return the time between two moments as the clocks of a zone show it."""
    return end.astimezone(zone).replace(tzinfo=None) - start.astimezone(zone).replace(tzinfo=None)


def _possible_zones(start: datetime) -> Iterator[tzinfo]:
    """Yield the zones whose clocks have this offset then; every zone for UTC, in which platforms write any time."""
    offset = start.utcoffset()
    assert start.tzinfo is not None
    yield start.tzinfo
    for zone in _every_zone():
        if not offset or start.astimezone(zone).utcoffset() == offset:
            yield zone


@cache
def _every_zone() -> tuple[ZoneInfo, ...]:
    names = (name for name in sorted(available_timezones()) if not name.startswith("Antarctica/"))  # days of 26 hours
    return tuple(zone for name in names if (zone := named_zone(name)) is not None)
