"""Reads from stored grades and evidence what is compared between submissions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.evidence import Checkpoint, Evidence, GivenWeights
from grader.gradebook.evidence import read_evidence
from grader.gradebook.files import EVIDENCE_FILE, Stored, read_stored
from grader.gradebook.roster.matching import Finder
from grader.gradebook.roster.stored import stored_roster
from grader.records import Student
from grader.records.errors import BadLab


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights in a submission, and the digest of its values."""

    file: str
    values: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission: its stored grade, its groups on the roster, and its weights. `of` is an earlier class's folder."""

    stored: Stored
    groups: frozenset[str]
    weights: tuple[Weights, ...]
    of: str = ""

    @property
    def student(self) -> Student:
        """Return whose it is."""
        return self.stored.grade.student

    def is_shared_with(self, other: Entry) -> bool:
        """Return whether both belong to one person or one group, who may hand in the same."""
        if not self.of and not other.of and self.groups & other.groups:
            return True
        return any(one.is_certainly(another) for one in self.student.each for another in other.student.each)


def read_entries(folder: Path, of: str = "") -> tuple[tuple[Entry, ...], tuple[BadLab, ...]]:
    """Read the submissions of a class, and why others cannot be compared. Raises BadLab if there is no grade."""
    stored, refusals = read_stored(folder)
    roster = stored_roster(folder)
    finder = None if roster is None else Finder(roster)
    entries, wrong = list[Entry](), list(refusals)
    for one in stored:
        path = one.path.with_name(EVIDENCE_FILE)
        try:
            evidence = read_evidence(path, one.grade) if path.is_file() else None
        except BadLab as error:
            wrong.append(error)
            continue
        weights = tuple(_weights(evidence)) if evidence else ()
        entries.append(Entry(one, _groups(finder, one.grade.student), weights, of))
    return tuple(entries), tuple(wrong)


def _weights(evidence: Evidence) -> Iterable[Weights]:
    """Yield the weights of each network; none that are exactly a file that students are given."""
    given = evidence.seen(GivenWeights)
    if given and any(start.same and start.of_the_lab for start in given.compared):
        return
    for one in evidence.by_network:
        checkpoint = one.seen(Checkpoint)
        if checkpoint and checkpoint.values:
            yield Weights(checkpoint.path, checkpoint.values)


def _groups(finder: Finder | None, student: Student) -> frozenset[str]:
    if finder is None:
        return frozenset()
    found = [finder.find(one) for one in student.each]
    return frozenset(rows[0].group for rows in found if len(rows) == 1 and rows[0].group)
