"""Decides whose fault a failed call is: a student's, who is told what to do, or ours, which costs nobody a point."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.collect.code.packages import OF_OURS
from grader.evidence import (
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
from grader.sandbox import Roots

CRASHED_AT = re.compile(r'^  File "([^"]+)", line (\d{1,9}) in ')  # as faulthandler writes


@dataclass(frozen=True, slots=True)
class Doing:
    """What a process was doing, worded for a sentence."""

    what: str | Message
    importing: bool = False
    ours: bool = False  # its limits are the grader's own


def whose(failure: Failure, doing: Doing, printed: tuple[str, ...], roots: Roots) -> Failure:
    """Assign a failure: what student code does in its own process is for the student to fix; the rest is ours."""
    sentence: Message
    details: tuple[str, ...] = ()
    match failure:
        case Unavailable():
            return failure
        case TimedOut() | OutOfMemory() if doing.ours:
            return failure
        case Refused(code=code) if code in OF_OURS:
            return Unavailable(failure.message, code)
        case Refused():
            code, sentence, details = failure.code, failure.message, failure.details
        case TimedOut(seconds=seconds):
            code, sentence = "code_late", _late(doing, seconds)
        case OutOfMemory(megabytes=megabytes):
            code, sentence = "code_memory", _too_large(doing, megabytes)
        case PrintedTooMuch(bytes=limit):
            code, sentence = "code_printed", _too_talkative(doing, limit)
        case Malformed():
            return disturbed(doing.what, failure, printed)
        case Crashed(tail=tail):
            if f"{roots.ours}/" in tail and "Traceback" in tail:
                return failure
            code, sentence, details = "code_crashed", _ended(doing, printed, roots), tuple(tail.splitlines()[-5:])
    return Refused(code, sentence, (*details, *printed))


def disturbed(doing: str | Message, found: Malformed, printed: tuple[str, ...] = ()) -> Refused:
    """Refuse because student code changed what a probe answers."""
    sentence = message(
        "{doing} interfered with the result that the grader reads ({reason}): do not write to files that you did not"
        " open, and do not change the modules that you import.",
        doing=doing,
        reason=said(found.reason),
    )
    return Refused("code_disturbed", sentence, printed)


def _ended(doing: Doing, printed: tuple[str, ...], roots: Roots) -> Message:
    """Say where the interpreter crashed, if it managed to print that before it ended: see worker.py."""
    within = f"{roots.submission}/"
    places = (CRASHED_AT.search(line) for line in printed)
    place = next((found for found in places if found and found[1].startswith(within)), None)
    if place is None:
        return message("The process ended during {doing}, before it returned a result.", doing=doing.what)
    return message(
        "The process crashed during {doing} ({file}, line {line}), before it returned a result.",
        doing=doing.what,
        file=place[1].removeprefix(within),
        line=int(place[2]),
    )


def _late(doing: Doing, seconds: float) -> Message:
    if doing.importing:
        return message(
            "{doing} took more than {seconds:g} seconds: the file seems to start training when it is imported. Put the"
            ' training code into functions, and call them under: if __name__ == "__main__":',
            doing=doing.what,
            seconds=seconds,
        )
    return message(
        "{doing} did not finish within {seconds:g} seconds on a small example: look for an infinite loop.",
        doing=doing.what,
        seconds=seconds,
    )


def _too_large(doing: Doing, megabytes: int) -> Message:
    return message(
        "{doing} used more than {megabytes:,} MB of memory and was stopped.",
        doing=doing.what,
        megabytes=megabytes,
    )


def _too_talkative(doing: Doing, limit: int) -> Message:
    return message(
        "{doing} printed more than {limit:,} bytes and was stopped. Print at most once per epoch.",
        doing=doing.what,
        limit=limit,
    )
