"""What became of looking, in a sentence."""

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
    """What became of looking, in a sentence."""
    match outcome:
        case Refused(message=sentence) | Unavailable(message=sentence):
            return sentence
        case Crashed():
            return message("Looking at this file ended in a crash, which says nothing about the student.")
        case TimedOut(seconds=seconds):
            return message(
                "looking took more than {seconds:.0f} seconds; grade it again with a longer --time-limit",
                seconds=seconds,
            )
        case OutOfMemory(megabytes=megabytes):
            return message(
                "looking took more than {megabytes:,} MB of memory; grade it again with a larger --memory",
                megabytes=megabytes,
            )
        case PrintedTooMuch(bytes=limit):
            return message("looking printed more than {limit:,} bytes, and was ended for that", limit=limit)
        case Malformed(reason=reason):
            return message("the sandbox's answer was thrown away: {reason}", reason=said(reason))
        case _:
            assert_never(outcome)
