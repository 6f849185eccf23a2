"""Records of what was handed in and what it states: files, open tasks, history, claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Lines, Name, Share
from grader.evidence.registry import record
from grader.evidence.wording import Wording
from grader.records import LeftOut, Parts, SubmittedFile, strict


@record
@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a submission, by name and size in bytes, and what was left out of it."""

    files: tuple[SubmittedFile, ...]
    parts: Parts
    left_out: Annotated[tuple[LeftOut, ...], Field(max_length=100)] = ()
    kind: Literal["layout"] = "layout"


@strict
@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task of the template that still raises NotImplementedError with its number."""

    number: Name  # "2.1"
    text: Name
    file: Name
    line: Count


@record
@dataclass(frozen=True, slots=True)
class Tasks:
    """The template's unfinished tasks, in the order of files and lines; empty for a submission without the template."""

    open: Annotated[tuple[OpenTask, ...], Field(max_length=50)]
    kind: Literal["tasks"] = "tasks"

    def numbers(self, file: str = "") -> str:
        """Return the task numbers of one file or of all as text: "2.1, 2.2"; "" if there are none."""
        return ", ".join(task.number for task in self.open if not file or task.file == file)


@strict
@dataclass(frozen=True, slots=True)
class Epoch:
    """One record of a history; accuracies in percent as written; None where missing or not a finite number."""

    epoch: int
    learning_rate: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None


@record
@dataclass(frozen=True, slots=True)
class History:
    """The training history as handed in, in its original order."""

    source: Name
    epochs: Annotated[tuple[Epoch, ...], Field(max_length=5000)]
    not_numbers: Count = 0  # values that are NaN, infinite or no number at all
    fractions: bool = False  # accuracies were written as 0 to 1 and are given here in percent
    model: Name = ""
    recipe: Name = ""
    resumed_from: Name = ""
    kind: Literal["history"] = "history"


@strict
@dataclass(frozen=True, slots=True)
class Claim:
    """An accuracy that the submission states, as a share, with the words around it."""

    accuracy: Share
    source: Name
    line: Count  # 0 where lines mean nothing
    quote: Name
    certain: bool = True  # False: shown, but held against nobody


@record
@dataclass(frozen=True, slots=True)
class Claims:
    """Every test accuracy that a submission states, in the order in which they were found."""

    claims: Annotated[tuple[Claim, ...], Field(max_length=100)]
    unread: Annotated[tuple[Wording, ...], Field(max_length=50)] = ()  # files that could not be read, with the reason
    kind: Literal["claims"] = "claims"

    @property
    def certain(self) -> tuple[Claim, ...]:
        """The claims that were read with certainty: the only ones that a figure may be held against."""
        return tuple(claim for claim in self.claims if claim.certain)


@strict
@dataclass(frozen=True, slots=True)
class ReportPage:
    """A part of a written report: one page of a PDF, or some lines. `first` is the page or line number, from 1."""

    file: Name
    unit: Literal["page", "line"]
    first: Count
    lines: Lines


@record
@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The text of the written report, for a person to mark. `whole` is False if only the beginning was kept."""

    pages: Annotated[tuple[ReportPage, ...], Field(max_length=300)]
    whole: bool = True
    unread: Annotated[tuple[Wording, ...], Field(max_length=50)] = ()  # files that could not be read, with the reason
    kind: Literal["written_report"] = "written_report"
