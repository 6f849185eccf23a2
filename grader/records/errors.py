"""Errors that a person must act on. A weak student is never one of them: that is a value (see `records`)."""

from __future__ import annotations

from grader.records import Message


class GraderError(Exception):
    """Says what happened, where, and what to do next; the command line prints it as it is."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


class BadSubmission(GraderError):
    """The archive cannot be graded at all: the student must hand in another one."""


class BadLab(GraderError):
    """The lab itself is wrong (rubric, option, path): the instructor must mend it."""


class MissingData(GraderError):
    """CIFAR-10 is not here and could not be fetched, or what was found is not CIFAR-10."""
