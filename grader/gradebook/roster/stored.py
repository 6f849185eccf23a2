"""Keep the roster beside the grades as roster.json, and compare it with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grader.disk.names import visible_path
from grader.disk.whole import made, write_whole
from grader.gradebook.files import LARGEST, Stored
from grader.gradebook.lock import held
from grader.gradebook.roster.matching import attendance
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
    try:
        if not path.exists():
            return None
        if path.stat().st_size > LARGEST:
            raise _unread(path, f"> {LARGEST:,}")
        return _ROSTER.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise _unread(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]) from error
    except OSError as error:
        raise _unread(path, error.strerror or str(error)) from error


def _unread(path: Path, reason: str) -> BadLab:
    return BadLab(
        message(
            "{file} is not a roster that this version can read ({reason}). Grade again with --roster, or delete it.",
            file=visible_path(path),
            reason=reason,
        )
    )


def attended(folder: Path, stored: Sequence[Stored], unread: int = 0) -> Attendance | None:
    """Compare the stored roster with the grades; None without a roster. Raises BadLab.

    So many more grades are in the folder, but cannot be read.
    """
    roster = stored_roster(folder)
    return None if roster is None else attendance(roster, (one.grade.student for one in stored), unread)
