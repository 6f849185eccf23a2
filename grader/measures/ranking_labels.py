"""Says which classes a ranking's images have, how often they are right, and what of it is not known.

What is not known is equal to nothing: neither two unnamed networks, nor two images whose classes nobody states.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from grader.evidence import Match, ReportedQuery, ReportedRun, RetrievalReport
from grader.evidence.kinds.retrieval import TOP
from grader.records import Cell, Message, message


def class_of(path: str) -> str:
    """Return the class of a library image: its folder."""
    return path.replace("\\", "/").rpartition("/")[0].rpartition("/")[2]


def class_asked(query: ReportedQuery, classes: Container[str]) -> str:
    """Return the class of a query: as stated, else its folder or its name if that is one of the classes, else ""."""
    path = query.query.replace("\\", "/")
    name = path.rpartition("/")[2]
    guesses = (class_of(path), name.rpartition(".")[0] or name)
    return query.label or next((guess for guess in guesses if guess and guess in classes), "")


def same_class(match: Match, label: str) -> bool:
    """Return whether the match has this class. What is not known is equal to nothing."""
    return bool(label) and class_of(match.path) == label


def classes_of(run: ReportedRun) -> frozenset[str]:
    """Return the folders of the matches; none if all are in one, which says where they are and not what they show."""
    folders = frozenset(class_of(match.path) for query in run.queries for match in query.matches)
    return folders if len(folders) > 1 else frozenset()


def rows_of(run: ReportedRun) -> list[tuple[str, Sequence[Match]]]:
    """Return class and matches of each query, as far as the report itself states them."""
    classes = classes_of(run)
    return [(class_asked(query, classes) if classes else "", query.matches) for query in run.queries]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of the top-five and of the top-one matches have the query's class."""

    matches: int
    right: int
    queries: int
    right_first: int
    known: bool = True  # every query has a class, and so has every match

    @property
    def precision(self) -> float | None:
        """Precision@5 as a share; None if classes are not known."""
        return (self.right / self.matches if self.matches else 0.0) if self.known else None

    @property
    def top1(self) -> float | None:
        """A share; None if classes are not known."""
        return (self.right_first / self.queries if self.queries else 0.0) if self.known else None


def count(rows: Iterable[tuple[str, Sequence[Match]]]) -> Counted:
    """Count matches with the query's class; figures that the report states are never used."""
    rows = list(rows)
    right = [[same_class(match, label) for match in matches[:TOP]] for label, matches in rows]
    known = all(label and all(class_of(match.path) for match in matches[:TOP]) for label, matches in rows)
    first = sum(row[0] for row in right if row)
    return Counted(sum(map(len, right)), sum(map(sum, right)), len(right), first, known)


def called(models: Iterable[str]) -> list[Message | str]:
    """Return what to call each network: by its name, or by its place among those that have none."""
    unnamed = itertools.count(1)
    return [model or message("network {number}", number=next(unnamed)) for model in models]


def shown(share: float | None) -> Cell:
    """Return an accuracy as counted, or that nothing can be counted."""
    return message("labels unknown") if share is None else f"{share:.1%}"


def unsure(report: RetrievalReport, too_few: bool) -> Message | None:
    """Return what in the report could not be read and may have cost points; None if nothing did."""
    if report.doubtful and too_few:
        return message(
            "{source}: passages that may be further rankings, but not for certain: {count}. A person must look.",
            source=report.source,
            count=report.doubtful,
        )
    short = any(
        len(query.matches) < TOP or any(match.score is None for match in query.matches[:TOP])
        for run in report.runs
        for query in run.queries
    )
    if report.unread and short:
        return message(
            "{source}: {count} lines of the rankings could not be read, such as '{text}'. A person must look.",
            source=report.source,
            count=report.unread_count,
            text=report.unread[0].text,
        )
    return None
