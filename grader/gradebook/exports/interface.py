"""Define what an export is asked for, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from grader.records import Checked, Grade
from grader.records.errors import BadLab

Format = Literal["csv", "canvas", "moodle", "gradescope", "junit", "classroom50", "gradescope-autograder"]
FORMATS: tuple[str, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Request:
    """The parsed command line. `environment` is the process's: Classroom 50's runner names the student there."""

    to: Format
    folder: Path | None = None
    into: Path | None = None
    column: str | None = None
    comments: str | None = None
    encoding: str | None = None
    groups: Path | None = None
    out: Path | None = None
    rubric: Path | None = None
    so_far: bool = False  # write also what still needs a human, with the points so far
    zero: bool = False  # count what could not be opened as 0 points
    environment: Mapping[str, str] | None = None

    def takes(self, grade: Grade) -> bool:
        """Return whether the grade is exported: not before it is final, unless its points so far are asked for."""
        return not grade.needs_human or (self.so_far and not grade.unexamined)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written and what a person should know, line by line, and the grades that could not be read."""

    lines: tuple[Checked, ...]
    needs_human: bool = False
    refusals: tuple[BadLab, ...] = ()
