"""Where a sandbox shows things to student code: it says so with each job, and a process answers one job."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Roots:
    """Absolute paths of folders, inside the sandbox."""

    submission: str
    given: str  # files of the lab that may be left out of a submission
    work: str  # small, and all that may be written to besides temporary folders
    ours: str  # the grader's own code


_ROOTS: ContextVar[Roots] = ContextVar("roots")


def use_roots(found: Roots) -> None:
    """Answer from here on for a sandbox with these folders."""
    _ROOTS.set(found)


def roots() -> Roots:
    """The folders of the sandbox that this job is answered in. Raises LookupError where it shows no submission."""
    return _ROOTS.get()
