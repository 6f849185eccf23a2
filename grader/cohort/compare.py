"""Compares the submissions of a class, and flags those that hold the same weights.

A flag names the others, says what else would explain it, and is taken away when its cause is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.cohort.entries import Entry, read_entries
from grader.cohort.settled import Settled, about, read_settled, write_settled
from grader.disk.names import from_disk, visible
from grader.gradebook.adjust import Roll, find
from grader.gradebook.files import Changed, save
from grader.gradebook.lock import held
from grader.records import Flag, Message, message
from grader.records.errors import BadLab

KINDS = frozenset({"same weights"})  # of the flags that are raised here
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Alike:
    """Submissions that share something, by its digest, and what a person found out about them."""

    shared: str
    entries: tuple[Entry, ...]
    settled: Settled | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What is alike in a class, the grades whose flags changed, and what could not be compared."""

    alike: tuple[Alike, ...]
    changed: tuple[Changed, ...]
    count: int  # submissions that were compared
    refusals: tuple[BadLab, ...]

    @property
    def of_class(self) -> frozenset[Path]:
        """The grades of this class whose submissions are like another one."""
        return frozenset(entry.stored.path for one in self.alike for entry in one.entries if not entry.of)


def compare(folder: Path, earlier: Sequence[Path] = ()) -> Compared:
    """Compare the stored submissions with each other and with earlier classes, and store the flags. Raises BadLab."""
    before = [read_entries(path, from_disk(path.resolve().name)) for path in earlier]
    with held(folder):
        return _compared(folder, before)


def settle(folder: Path, student: str, finding: Settled, earlier: Sequence[Path] = ()) -> Compared:
    """Keep what a person found out about everything that a student's submission shares, and compare again.

    Of `finding`, `shared` and `hand_ins` are filled in here. Raises BadLab, also if nothing is shared.
    """
    before = [read_entries(path, from_disk(path.resolve().name)) for path in earlier]
    with held(folder):
        entries, _ = read_entries(folder)
        one = find(Roll([entry.stored for entry in entries], folder), student, shortened=True)
        found = [
            alike
            for alike in _alike((*entries, *(entry for some, _ in before for entry in some)))
            if any(entry.stored.path == one.path for entry in alike.entries)
        ]
        if not found:
            sentence = message(
                "The submission of {student} shares no weights with another one: there is nothing to settle.",
                student=visible(one.grade.student.name),
            )
            raise BadLab(sentence)
        hand_ins = [tuple(entry.stored.grade.hand_in for entry in alike.entries) for alike in found]
        new = (
            replace(finding, shared=alike.shared, hand_ins=those) for alike, those in zip(found, hand_ins, strict=True)
        )
        write_settled(folder, (*read_settled(folder), *new))
        return _compared(folder, before)


def _compared(folder: Path, before: Sequence[tuple[tuple[Entry, ...], tuple[BadLab, ...]]]) -> Compared:
    entries, refusals = read_entries(folder)
    settled = read_settled(folder)
    others = tuple(entry for some, _ in before for entry in some)
    found = [
        replace(one, settled=about(settled, one.shared, [entry.stored.grade.hand_in for entry in one.entries]))
        for one in _alike((*entries, *others))
    ]
    flags: dict[Path, list[Flag]] = defaultdict(list)
    for one in found:
        if one.settled is None or one.settled.found == "copied":
            for entry in one.entries:
                flags[entry.stored.path] += [] if entry.of else _flags(entry, one)
    changed = tuple(_changed(entries, flags))
    save(changed)
    wrong = (*refusals, *(refusal for _, some in before for refusal in some))
    return Compared(tuple(found), changed, len(entries), wrong)


def _alike(entries: Iterable[Entry]) -> Iterator[Alike]:
    """Yield the submissions of different people that hold the same weights, at least one of this class among them."""
    holding: dict[str, dict[Path, Entry]] = defaultdict(dict)
    for entry in entries:
        for weights in entry.weights:
            holding[weights.values][entry.stored.path] = entry
    for shared, held_by in holding.items():
        found = [one for one in held_by.values() if any(not one.is_shared_with(other) for other in held_by.values())]
        if any(not one.of for one in found):
            yield Alike(shared, tuple(found))


def _flags(entry: Entry, alike: Alike) -> list[Flag]:
    others = [other for other in alike.entries if not entry.is_shared_with(other)]
    names = ", ".join(_named(other) for other in others[:MOST_NAMED]) + (", …" if len(others) > MOST_NAMED else "")
    file = next(weights.file for weights in entry.weights if weights.values == alike.shared)
    said = message(
        "{file} holds exactly the same weights as the submission of {others}. A file that was handed on would explain"
        " it; so would agreed teamwork, or the same script with the same seed on the same kind of machine. The"
        " comparison cannot tell who trained first: ask before you conclude anything.",
        file=file,
        others=names,
    )
    return [Flag("same weights", _with_finding(said, alike.settled), shared=alike.shared)]


def _named(entry: Entry) -> str:
    name = f"{visible(entry.student.name)} ({visible(entry.stored.grade.archive)})"
    return f"{name}, {visible(entry.of)}" if entry.of else name


def _with_finding(said: Message, settled: Settled | None) -> Message:
    if settled is None:
        return said
    return message(
        "{said} {by} found on {on} that it was copied: {reason}",
        said=said,
        by=settled.by,
        on=settled.on,
        reason=settled.reason,
    )


def _changed(entries: Iterable[Entry], flags: dict[Path, list[Flag]]) -> Iterator[Changed]:
    for entry in entries:
        stored = entry.stored
        others = [flag for flag in stored.grade.flags if flag.kind not in KINDS]
        now = tuple(dict.fromkeys((*others, *flags.get(stored.path, ()))))
        if now != stored.grade.flags:
            yield Changed(stored.path, stored.grade, replace(stored.grade, flags=now))
