"""Holds the folders that a sandbox shows to student code: each job states them, and a process answers one job."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Roots:
    """Absolute paths of folders inside the sandbox."""

    submission: str
    given: str  # files of the lab that may be left out of a submission
    work: str  # small, and all that may be written to besides temporary folders
    ours: str  # the grader's own code


_ROOTS: ContextVar[Roots] = ContextVar("roots")


def use_roots(found: Roots) -> None:
    """Use these folders from now on."""
    _ROOTS.set(found)


def roots() -> Roots:
    """Return the folders of this job's sandbox. Raises LookupError if it shows no submission."""
    return _ROOTS.get()


def in_submission(path: str) -> bool:
    """Whether a path lies in the submission; no path does while none is shown."""
    found = _ROOTS.get(None)
    return found is not None and Path(path).is_relative_to(found.submission)
