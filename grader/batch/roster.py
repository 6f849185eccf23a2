"""Bring the roster of a class into a run: read it, or take the stored one, and look for each submission in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.batch.enrolment import Enrolment, Unlisted, enrol
from grader.disk.names import visible
from grader.gradebook.roster.read import read_roster
from grader.gradebook.roster.stored import stored_roster
from grader.intake import Archive
from grader.marking.lateness import moment
from grader.marking.rubric import Rubric
from grader.records import Checked, Roster, message
from grader.records.errors import BadLab

MOST_NAMED = 5  # archives in a sentence


@dataclass(frozen=True, slots=True)
class Entries:
    """What a run grades, the roster to store with it, and what a person should know about both."""

    archives: tuple[Archive, ...]
    roster: Roster | None = None  # None: what is stored stays
    lines: tuple[Checked, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where the roster comes from: the instructor's file, else what an earlier run stored in the output folder."""

    file: Path | None
    encoding: str | None
    out: Path


def entries(archives: Sequence[Archive], source: Source, rubric: Rubric) -> Entries:
    """Look for each submission on the roster, if there is one. Raises BadLab if the roster cannot be used."""
    if source.file is None:
        stored = stored_roster(source.out)
        if stored is None:
            return Entries(tuple(archives))
        enrolment = enrol(archives, stored)
        return Entries(enrolment.archives, None, tuple(_lines(enrolment, stored)))
    read = read_roster(source.file, source.encoding)
    _require_zone(read.roster, rubric)
    enrolment = enrol(archives, read.roster)
    return Entries(enrolment.archives, read.roster, (*read.lines, *_lines(enrolment, read.roster)))


def _require_zone(roster: Roster, rubric: Rubric) -> None:
    """Raise BadLab if a late policy would have to guess in which time zone a deadline is."""
    if rubric.late is None or rubric.late.time_zone:
        return
    for row in roster.students:
        if row.due and moment(row.due) is None:
            sentence = message(
                "{file}, line {line}: the deadline {due} has no time zone. Write it as {example}, or set time_zone in"
                " the table [late] of the rubric.",
                file=roster.source,
                line=row.line,
                due=row.due,
                example=f"{row.due}+02:00",
            )
            raise BadLab(sentence)


def _lines(enrolment: Enrolment, roster: Roster) -> Iterator[Checked]:
    for one in enrolment.unlisted:
        yield _contested(one, roster) if one.beside else _several(one, roster) if one.rows else _not_there(one, roster)
    for group in enrolment.unclear:
        said = message(
            "{group}: several members handed in. Each submission counts only for its own member; enter the points of"
            " the others by hand.",
            group=visible(group),
        )
        yield Checked(message("Group"), "worse", said)


def _not_there(one: Unlisted, roster: Roster) -> Checked:
    said = message(
        "{archive} ({student}) matches no line of {file} for certain. It is graded all the same. If the student is on"
        " it, complete that line, or put the number into the archive's name, and grade again.",
        archive=visible(one.archive.name),
        student=visible(one.archive.student.name),
        file=roster.source,
    )
    return Checked(message("Not on the roster"), "worse", said)


def _contested(one: Unlisted, roster: Roster) -> Checked:
    said = message(
        "{archive} and {others} could all be of {student}, line {line} of {file}, and nothing says which one counts."
        " {archive} is graded apart. Remove what does not count, and grade again.",
        archive=visible(one.archive.name),
        others=", ".join(map(visible, one.beside[:MOST_NAMED])),
        student=visible(one.rows[0].shown),
        line=one.rows[0].line,
        file=roster.source,
    )
    return Checked(message("Not on the roster"), "worse", said)


def _several(one: Unlisted, roster: Roster) -> Checked:
    said = message(
        "{archive} ({student}) could belong to several lines of {file}: {lines}. It is graded all the same. Put the"
        " student's number into the archive's name, and grade again.",
        archive=visible(one.archive.name),
        student=visible(one.archive.student.name),
        lines=", ".join(str(row.line) for row in one.rows),
        file=roster.source,
    )
    return Checked(message("Not on the roster"), "worse", said)
