"""Explains in a sentence why a record is missing."""

from __future__ import annotations

from typing import assert_never

from grader.evidence.outcomes import (
    Crashed,
    Failure,
    Malformed,
    OutOfMemory,
    PrintedTooMuch,
    Refused,
    TimedOut,
    Unavailable,
)
from grader.evidence.wording import said
from grader.records import Message, message


def explain(outcome: Failure) -> Message:
    """Explains in a sentence why a record is missing."""
    match outcome:
        case Refused(message=sentence) | Unavailable(message=sentence):
            return sentence
        case Crashed():
            return message("The process that examined this file crashed, which says nothing about the student.")
        case TimedOut(seconds=seconds):
            return message(
                "the process took more than {seconds:.0f} seconds; grade again with a longer --time-limit",
                seconds=seconds,
            )
        case OutOfMemory(megabytes=megabytes):
            return message(
                "the process used more than {megabytes:,} MB of memory; grade again with a larger --memory",
                megabytes=megabytes,
            )
        case PrintedTooMuch(bytes=limit):
            return message("the process printed more than {limit:,} bytes and was stopped", limit=limit)
        case Malformed(reason=reason):
            return message("the sandbox's answer was discarded: {reason}", reason=said(reason))
        case _:
            assert_never(outcome)
