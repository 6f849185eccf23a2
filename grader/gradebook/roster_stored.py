"""Keep the roster beside the grades as roster.json, and compare it with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grader.disk.names import visible_path
from grader.disk.whole import made, write_whole
from grader.gradebook.files import Stored, read_text
from grader.gradebook.lock import held
from grader.intake.roster import attendance
from grader.records import Attendance, Roster, message
from grader.records.errors import BadLab

ROSTER_FILE = "roster.json"
_ROSTER: TypeAdapter[Roster] = TypeAdapter(Roster)


def store_roster(folder: Path, roster: Roster) -> None:
    """Write the roster of the grades in a folder, instead of an earlier one. Raises BadLab if it cannot be written."""
    record = _ROSTER.dump_python(roster, mode="json")
    head = {"schema": record.pop("schema")}
    text = json.dumps({**head, **record}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    with held(folder), made(folder):
        write_whole(folder / ROSTER_FILE, text)


def stored_roster(folder: Path) -> Roster | None:
    """Return the roster of the grades in a folder; None if there is none.

    Raises BadLab if this version cannot read it.
    """
    path = folder / ROSTER_FILE
    if not path.exists():
        return None
    try:
        return _ROSTER.validate_json(read_text(path))
    except ValidationError as error:
        first = error.errors()[0]
        sentence = message(
            "{file} is not a roster that this version can read: {reason}. Grade again with --roster, or delete it.",
            file=visible_path(path),
            reason=f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200],
        )
        raise BadLab(sentence) from error


def attended(folder: Path, stored: Sequence[Stored]) -> Attendance | None:
    """Compare the stored roster with the grades; None without a roster. Raises BadLab."""
    roster = stored_roster(folder)
    return roster and attendance(roster, ((one.grade.student, one.grade.archive) for one in stored))
