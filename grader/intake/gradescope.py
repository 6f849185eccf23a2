"""Read Gradescope's metadata: who handed in which `submission_M` of an export, and what an autograder is given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from grader.intake.archive import MEGABYTE
from grader.intake.whose import clean, group
from grader.records import Student

METADATA = "submission_metadata.yml"
AUTOGRADER, AUTOGRADER_METADATA = "submission", "submission_metadata.json"  # side by side in /autograder
LARGEST_METADATA = 8 * MEGABYTE  # bytes; it holds earlier results as well. PyYAML takes seconds
LONGEST_MOMENT = 60  # characters
# Ruby's "2024-11-02 22:26:04.204912000 Z" in exports, "2018-07-01T14:22:32.365935-07:00" for autograders
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)(?:\.\d{1,12})?\s?(?P<zone>Z|UTC|[-+]\d\d:?\d\d)", re.ASCII
)
DEEPEST_METADATA = 50  # levels; an autograder's results inside go to about 8


def students(export: Path) -> dict[str, Student]:
    """Return the student by folder name, for every `submission_M` that the export's metadata describes.

    Metadata that is missing, too large, malformed or hostile gives fewer entries, never an error: the submissions can
    be graded under their folders' names.
    """
    return {
        folder: replace(group(members), submitted=moment(_mapping(entry).get(":created_at")))
        for folder, entry in _mapping(_read(export / METADATA)).items()
        if isinstance(folder, str) and (members := _submitters(entry))
    }


def autograder_student(submission: Path) -> Student | None:
    """Return the student whose submission an autograder was started for, with time and deadline; None anywhere else.

    An extension is stored with the student; in a group, the latest deadline applies to everyone.
    """
    metadata = submission.parent / AUTOGRADER_METADATA
    if submission.name != AUTOGRADER or not metadata.is_file():
        return None
    try:
        if metadata.stat().st_size > LARGEST_METADATA:
            return None
        fields = _mapping(json.loads(metadata.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return None
    users = fields.get("users")
    listed = [_mapping(one) for one in users] if isinstance(users, list) else []
    members = [student for one in listed if (student := _student(one, "")) is not None]
    if not members:
        return None
    own = [moment(_mapping(one.get("assignment")).get("due_date")) for one in listed]
    latest = max(filter(None, own), key=datetime.fromisoformat, default="")
    due = latest or moment(_mapping(fields.get("assignment")).get("due_date"))
    return replace(group(members), submitted=moment(fields.get("created_at")), due=due)


def moment(value: object) -> str:
    """Convert a time from the platform to ISO 8601 with its own offset; "" for a time without one, or no time."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) and len(value) <= LONGEST_MOMENT else None
    if found is None:
        return ""
    zone = "+00:00" if found["zone"] in ("Z", "UTC") else found["zone"]
    try:
        when = datetime.fromisoformat(f"{found['date']}T{found['time']}{zone}")
        when.astimezone(UTC)  # fails for a time that cannot be compared with others
        return when.isoformat()
    except (ValueError, OverflowError):
        return ""


def _read(path: Path) -> object:
    import yaml  # late: it takes longer to import than all of this package

    # BaseLoader gives texts, lists and mappings only. SafeLoader would make 7 of the student number 007 and stop at
    # Ruby's tags, which Gradescope writes.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        if path.stat().st_size > LARGEST_METADATA:
            return {}
        text = path.read_text("utf-8")
        if _is_too_deep(yaml.parse(text, loader)):
            return {}
        return yaml.load(text, loader)  # noqa: S506  less than safe_load can do
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}


def _is_too_deep(events: Iterable[object]) -> bool:
    """Return whether lists and mappings are nested beyond DEEPEST_METADATA; reads only as many events as needed.

    Loading recurses: where Python would raise RecursionError, PyYAML's C code crashes the process (seen with 100,000
    brackets), after minutes, because its scanner takes quadratic time on them.
    """
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind in ("SequenceStartEvent", "MappingStartEvent")
        depth -= kind in ("SequenceEndEvent", "MappingEndEvent")
        if depth > DEEPEST_METADATA:
            return True
    return False


def _submitters(entry: object) -> tuple[Student, ...]:
    listed = _mapping(entry).get(":submitters")
    if not isinstance(listed, list):
        return ()
    return tuple(student for one in listed if (student := _student(_mapping(one), ":")) is not None)


def _student(fields: Mapping[object, object], mark: str) -> Student | None:
    """Read one member of a group, whose field names begin with `mark`."""
    name, sid, email = (_text(fields.get(mark + key)) for key in ("name", "sid", "email"))
    shown = name or email or sid
    return Student(shown, sid, "gradescope", email) if shown else None


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return clean(value, fallback="") if isinstance(value, str) else ""
