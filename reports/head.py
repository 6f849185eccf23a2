"""Says at the head of a student's page whose it is, and what it was graded with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from grader.records import Grade, Student
from reports.measured import images, offered
from reports.text import NAME_LIMIT, clip, say


def facts(grade: Grade) -> tuple[str, ...]:
    """Say whose submission it is, which one, and with what and when it was graded."""
    made_by = grade.made_by
    said = (
        *_identity(grade.student),
        clip(grade.archive, NAME_LIMIT),
        images(grade) if made_by.dataset else "",
        offered(grade),
        say("graded {when}", when=moment(made_by.graded_at)) if made_by.graded_at else "",
        clip(say("by cnn-lab-grader {version}", version=made_by.grader), NAME_LIMIT),
    )
    return tuple(fact for fact in said if fact)


def _identity(student: Student) -> Iterator[str]:
    """Yield number and address, or a text for each member of a group: joined, the last ones would be cut off."""
    if not student.members:
        yield clip(f"{student.platform.capitalize()} {student.identifier}".strip(), NAME_LIMIT)
        yield clip(student.email, NAME_LIMIT)
    for one in student.members:
        yield " · ".join(clip(text, NAME_LIMIT) for text in (one.name, one.identifier, one.email) if text)


def moment(iso: str) -> str:
    """Format an ISO 8601 time to the minute in UTC; anything else stays unchanged."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return clip(iso, NAME_LIMIT)
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if when.tzinfo else when.strftime("%Y-%m-%d %H:%M")
