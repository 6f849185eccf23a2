"""What people found out about submissions that are alike: kept beside the grades, for as long as nothing is new."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import TypeAdapter, ValidationError

from grader.disk.names import visible_path
from grader.disk.whole import write_whole
from grader.gradebook.files import text_in
from grader.gradebook.journal import OURS
from grader.records import message, strict
from grader.records.errors import BadLab

FILE = "alike.json"  # among what is no grade
Found = Literal["innocent", "agreed", "copied"]
FOUND: tuple[Found, ...] = get_args(Found)


@strict
@dataclass(frozen=True, slots=True)
class Settled:
    """A person's finding about submissions, by their digests, that share something, by its digest."""

    shared: str
    hand_ins: tuple[str, ...]
    found: Found
    reason: str
    by: str
    on: str


_ALL: TypeAdapter[tuple[Settled, ...]] = TypeAdapter(tuple[Settled, ...])


def read_settled(folder: Path) -> tuple[Settled, ...]:
    """Return what was found out about the grades in a folder, the earliest first. Raises BadLab."""
    path = folder / OURS / FILE
    if not path.is_file():
        return ()
    try:
        return _ALL.validate_json(text_in(path))
    except ValidationError as error:
        first = error.errors()[0]
        sentence = message(
            "{file} cannot be read by this version: {reason}. Mend it, or move it away to decide again.",
            file=visible_path(path),
            reason=f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200],
        )
        raise BadLab(sentence) from error


def write_settled(folder: Path, settled: Sequence[Settled]) -> None:
    """Write all findings; the caller holds the lock. Raises OSError."""
    path = folder / OURS / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _ALL.dump_json(tuple(settled), indent=1).decode())


def about(settled: Sequence[Settled], shared: str, hand_ins: Collection[str]) -> Settled | None:
    """Return the last finding that was about all of these submissions and what they share."""
    fitting = [one for one in settled if one.shared == shared and set(hand_ins) <= set(one.hand_ins)]
    return fitting[-1] if fitting else None
