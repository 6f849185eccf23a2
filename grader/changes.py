"""Stored grades that become others: all of them written, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.disk.names import visible_path
from grader.disk.whole import write_all
from grader.mark import to_json
from grader.records import Grade, message
from grader.records.errors import BadLab


@dataclass(frozen=True, slots=True)
class Changed:
    """A stored grade before and after."""

    path: Path
    before: Grade
    after: Grade


def save(changed: Sequence[Changed]) -> None:
    """Write all of the grades, or none. Raises BadLab."""
    try:
        write_all({one.path: to_json(one.after) for one in changed})
    except OSError as error:
        place = visible_path(changed[0].path.parent)
        text = "{folder} cannot be written: {why}. Every grade is as it was. Make room there, or mend its permissions."
        raise BadLab(message(text, folder=place, why=error.strerror or str(error))) from error
