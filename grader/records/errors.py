"""Errors that a person must act on. A weak submission is never an error: it is a value (see `records`)."""

from __future__ import annotations

from grader.records import Message


class GraderError(Exception):
    """Says what happened, where, and what to do next; the command line prints it unchanged."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


class BadSubmission(GraderError):
    """The archive cannot be graded: the student must hand in another one."""


class BadLab(GraderError):
    """The lab is misconfigured (rubric, option, path): the instructor must fix it."""


class MissingData(GraderError):
    """CIFAR-10 is missing and could not be fetched, or the files found are not CIFAR-10."""
