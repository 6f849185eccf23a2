"""An unpacked submission on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from grader.records.messages import Message, strict
from grader.records.students import Student

REPORTS = (".pdf", ".md", ".txt", ".docx")  # files that can be a written report
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff")


@strict
@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A regular file below a submission's root: relative `path` with forward slashes; size in bytes."""

    path: str
    size: int

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.rsplit("/", 1)[-1]


@strict
@dataclass(frozen=True, slots=True)
class Parts:
    """The role of each submitted file, as paths relative to the root; chosen by name only, nothing is opened.

    `checkpoints` holds every `final.pth` at the shallowest depth with one: one is right, two need a human.
    """

    checkpoints: tuple[str, ...] = ()
    by_network: tuple[tuple[str, tuple[str, ...]], ...] = ()  # the same for each network, where a lab has several
    other_weights: tuple[str, ...] = ()  # .pth, .pt, ... that are not the hand-in: named when final.pth is missing
    sources: tuple[str, ...] = ()  # .py, the ones nearest to the root first
    notebooks: tuple[str, ...] = ()  # .ipynb, likewise
    history: str = ""  # history.json, "" where there is none
    retrieval: str = ""  # retrieval.json
    rankings: tuple[str, ...] = ()  # other files that may hold a ranking: retrieval.txt, ranking.csv
    reports: tuple[str, ...] = ()  # report.pdf, report.md first, then other .pdf, .md, .txt, .docx
    dataset: tuple[str, ...] = ()  # CIFAR-10 itself, which should not be handed in


@strict
@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a submission names and the grader does not use under that name: `path` as of a file, and `why`.

    It is "absent" if the submission holds nothing of it (a link), "unread" if it holds something that cannot be read,
    "closed" if that is an archive, which may hold anything, and "unclear" if it holds two of that name. Only the first
    is the student's alone: a person decides on the others.
    """

    path: str
    why: Message
    state: Literal["absent", "unread", "closed", "unclear"]

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.rsplit("/", 1)[-1]


def fits(name: str, pattern: str) -> bool:
    """Return whether a file's name, in any case, is this one or fits this pattern, such as *.pth."""
    return fnmatchcase(name.casefold(), pattern.casefold())


def in_question(name: str, files: Iterable[SubmittedFile], left_out: Iterable[LeftOut]) -> LeftOut | None:
    """Return what makes it uncertain which file of this name counts, or what is in it; None if nothing.

    The name is in lower case, and may be a pattern.

    What was left out deeper than a file of that name does not matter. What is missing may be in a closed archive.
    """
    depth = min((file.path.count("/") for file in files if fits(file.name, name)), default=None)
    found = [one for one in left_out if one.state != "absent" and fits(one.name, name)]
    closed = [one for one in left_out if one.state == "closed"] if depth is None else []
    return next((one for one in (*found, *closed) if depth is None or one.path.count("/") <= depth), None)


@strict
@dataclass(frozen=True, slots=True)
class Submission:
    """A submission on disk, unpacked within limits; nothing was executed. All `files` are regular files below `root`.

    `notes` tell a person what was left out, repaired or renamed during intake.
    """

    student: Student
    digest: str
    archive: str
    root: Path
    files: tuple[SubmittedFile, ...]
    parts: Parts
    notes: tuple[Message, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def size(self) -> int:
        """Total size of all files in bytes."""
        return sum(file.size for file in self.files)

    def of(self, network: str) -> Submission:
        """Return the submission as it is for one network of the lab; "" for the only one."""
        found = dict(self.parts.by_network).get(network, self.parts.checkpoints)
        return replace(self, parts=replace(self.parts, checkpoints=found))
