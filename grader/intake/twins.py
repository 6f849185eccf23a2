"""Files whose names are the same, or nearly: equal ones cost nothing, and of different ones a person says which counts.

"Nearly" is by case alone. Such files are kept under their own names, for on Linux code may import both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.disk.names import to_disk, visible
from grader.intake.selection import MOST_NAMED
from grader.intake.writing import Written
from grader.labs import the_lab
from grader.records import LeftOut, Message, message


def settle(written: Written, into: Path) -> tuple[Message, ...]:
    """Delete what is there twice, add what is unclear to what was left out, and return notes for people."""
    for second, own in list(written.seconds.items()):
        if own in written.files and written.files[own].digest == written.files[second].digest:
            written.drop(second, into)
    unclear = [
        LeftOut(own, _why(second, own, (into / to_disk(own)).is_dir()), "unclear")
        for second, own in written.seconds.items()
    ]
    notes = [left.why for left in unclear]
    for first, second in list(_by_case(written.files)):
        is_one = written.files[first].digest == written.files[second].digest
        if _name(first) not in the_lab().asked_for:
            notes.append(_only_case(first, second))
        elif not is_one:
            unclear.append(LeftOut(second, _which(first, second), "unclear"))
            notes.append(unclear[-1].why)
        elif _name(first) in the_lab().results:  # which letters it has matters to nobody; to an import it does
            written.drop(second, into)
    written.left_out += unclear
    return (*notes[:MOST_NAMED], *more(len(notes) - MOST_NAMED))


def left_out_notes(left_out: Iterable[LeftOut]) -> tuple[Message, ...]:
    """Return what a person should know about what could not be unpacked."""
    why = list(dict.fromkeys(left.why for left in left_out if left.state != "unclear"))
    notes = [message("Left out: {why}", why=one) for one in why[:MOST_NAMED]]
    return (*notes, *more(len(why) - MOST_NAMED))


def more(count: int) -> tuple[Message, ...]:
    """Say how many of the same kind are not listed."""
    return (message("And {count:,} more like these.", count=count),) if count > 0 else ()


def _by_case(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs that differ only in case; first the one in the letters of the lab, which are small."""
    seen: dict[str, str] = {}
    for path in sorted(paths, reverse=True):
        if (first := seen.setdefault(path.casefold(), path)) != path:
            yield first, path


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()


def _why(second: str, own: str, is_folder: bool) -> Message:
    if is_folder:
        return message(
            "{entry} is both a file and a folder; the file was kept as {other}. Rename one of them.",
            entry=visible(own),
            other=visible(second),
        )
    return message(
        "{entry} is in the submission twice, with different contents; the second was kept as {other}. A person"
        " must find out which one counts. Hand in one file of each name.",
        entry=visible(own),
        other=visible(second),
    )


def _which(first: str, second: str) -> Message:
    return message(
        "{first} and {second} differ in case and in content, and the lab asks for one file of that name. A person must"
        " find out which one counts. Hand in one of them.",
        first=visible(first),
        second=visible(second),
    )


def _only_case(first: str, second: str) -> Message:
    return message(
        "{first} and {second} differ only in case: Windows and macOS can hold only one of them.",
        first=visible(first),
        second=visible(second),
    )
