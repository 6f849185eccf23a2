"""Calls one student's functions: finds their file, and decides whose fault a failed call is."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from grader.collect.equipment import validated
from grader.disk.scratch import scratch
from grader.evidence import (
    Crashed,
    FailedCall,
    Failure,
    Malformed,
    OpenTask,
    OutOfMemory,
    PrintedTooMuch,
    Refused,
    TimedOut,
    Unavailable,
)
from grader.evidence.refusals import refusal
from grader.evidence.wording import said
from grader.lab import LAB
from grader.records import Message, Submission, message
from grader.sandbox import ArraySpec, CodeSandbox, Job, Limits, Reply, Roots

R = TypeVar("R")

IMPORT_LIMITS = Limits(seconds=20.0, megabytes=3_000)  # no script of the lab takes two seconds
CALL_LIMITS = Limits(seconds=60.0, megabytes=3_000)  # the slowest call takes about two
MOST_LINES, LONGEST_LINE = 60, 300  # the last ones that the student's code printed
CRASHED_AT = re.compile(r'^  File "([^"]+)", line (\d{1,9}) in ')  # as faulthandler writes
NO_SANDBOX = message(
    "student code runs only in a sandbox, and this machine has none that is strong enough: 'grade doctor' says what to"
    " install"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a student's function: the probe that makes it, its inputs, and the allowed outputs.

    `limits` are for calls that may legitimately take as long as grading: exceeding them is not the student's fault.
    """

    function: str | Message
    probe: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    arrays: Mapping[str, ArraySpec] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    limits: Limits | None = None


class Caller:
    """Calls the functions of one submission, each in a separate process; `printed` returns what they printed."""

    def __init__(self, submission: Submission, sandbox: CodeSandbox | None) -> None:
        self._submission = submission
        self._sandbox = sandbox
        self._open: dict[tuple[str, str], OpenTask] = {}
        self._imported: dict[str, Failure | None] = {}
        self._printed: list[str] = []

    def note_open(self, tasks: Iterable[OpenTask]) -> None:
        """Store the template's open tasks: a function with an open task is not called."""
        self._open = {(task.file, task.number): task for task in tasks}

    @property
    def can_run(self) -> bool:
        """Whether there is a sandbox to run student code in."""
        return self._sandbox is not None

    def will_run(self, script: str) -> bool:
        """Return whether the script exists and there is a sandbox to run it in."""
        return self._sandbox is not None and self._place(script) is not None

    def call(self, script: str, call: Call) -> Reply | Failure:
        """Call a function of a lab script. A Failure that the student can fix is Refused."""
        path = self._place(script)
        if path is None:
            return Refused("missing", message("{file} is missing. Hand it in as well.", file=script))
        if (task := self._open.get((path, LAB.task_number(str(call.function))))) is not None:
            return _not_done(call.function, task)
        return self.call_in(path, call)

    def call_in(self, path: str, call: Call) -> Reply | Failure:
        """Make a call as `call` does, in the file with this path."""
        if self._sandbox is None:
            return Unavailable(NO_SANDBOX)
        if path not in self._imported:
            job = Job("code.running.try_import", {"file": path}, limits=IMPORT_LIMITS)
            reply = self._run(job, _Doing(message("importing {file}", file=path), importing=True))
            self._imported[path] = None if isinstance(reply, Reply) else reply
        broken = self._imported[path]
        return broken or self._with_data(path, call)

    def printed(self) -> tuple[str, ...]:
        """Return the last lines that the student's code printed since the previous call of this method."""
        lines, self._printed = self._printed, []
        return tuple(line[:LONGEST_LINE] for line in lines[-MOST_LINES:])

    def refused(self, failure: Failure) -> Failure:
        """Return the failure of a whole observation; it already contains what was printed."""
        self._printed = []
        return failure

    def _place(self, script: str) -> str | None:
        found = [path for path in self._submission.parts.sources if path.casefold().rpartition("/")[2] == script]
        return found[0] if found else None  # the nearest to the root

    def _with_data(self, path: str, call: Call) -> Reply | Failure:
        stored = io.BytesIO()
        np.savez(stored, **call.data)  # type: ignore[arg-type]
        with scratch("call") as folder:
            file = folder / "data.npz"
            file.write_bytes(stored.getvalue())
            limits = call.limits or CALL_LIMITS
            inputs = {**call.inputs, "file": path, "seconds": limits.seconds}
            job = Job(call.probe, inputs, {"data": file, **call.files}, call.arrays, limits)
            return self._run(job, _Doing(call.function, ours=call.limits is not None))

    def _run(self, job: Job, doing: _Doing) -> Reply | Failure:
        assert self._sandbox is not None
        called = self._sandbox.call(job)
        lines = called.printed.splitlines()
        self._printed += lines
        if isinstance(called.answer, Reply):
            return called.answer
        printed = tuple(line[:LONGEST_LINE] for line in lines[-MOST_LINES:])
        return _whose(called.answer, doing, printed, self._sandbox.roots)


@dataclass(frozen=True, slots=True)
class _Doing:
    """What a process was doing, worded for a sentence."""

    what: str | Message
    importing: bool = False
    ours: bool = False  # its limits are the grader's own


def observed(record: type[R], fields: dict[str, Any], caller: Caller, failed: Iterable[FailedCall] = ()) -> R | Failure:
    """Build the record of student code, with its output and its failed calls."""
    told = [{"call": one.call, "message": asdict(one.message)} for one in failed]
    found = validated(record, {**fields, "printed": caller.printed(), **({"failed": told} if told else {})})
    if isinstance(found, Malformed):  # only student code can have changed what a probe of ours answers
        return _disturbed(message("The code"), found)
    return found


def _not_done(function: str | Message, task: OpenTask) -> Refused:
    place = message("{file}, line {line}", file=task.file, line=task.line)
    return refusal("code_task", {"doing": f"{function}()", "number": task.number, "text": task.text, "place": place})


def _whose(failure: Failure, doing: _Doing, printed: tuple[str, ...], roots: Roots) -> Failure:
    """Assign a failure: what student code does in its own process is for the student to fix; the rest is ours."""
    sentence: Message
    details: tuple[str, ...] = ()
    match failure:
        case Unavailable():
            return failure
        case TimedOut() | OutOfMemory() if doing.ours:
            return failure
        case Refused(code="code_package") if _is_of_the_lab(failure):
            return Unavailable(refusal("code_package_of_ours", dict(failure.message.values)).message)
        case Refused():
            code, sentence, details = failure.code, failure.message, failure.details
        case TimedOut(seconds=seconds):
            code, sentence = "code_late", _late(doing, seconds)
        case OutOfMemory(megabytes=megabytes):
            code, sentence = "code_memory", _too_large(doing, megabytes)
        case PrintedTooMuch(bytes=limit):
            code, sentence = "code_printed", _too_talkative(doing, limit)
        case Malformed():
            return _disturbed(doing.what, failure, printed)
        case Crashed(tail=tail):
            if f"{roots.ours}/" in tail and "Traceback" in tail:
                return failure
            code, sentence, details = "code_crashed", _ended(doing, printed, roots), tuple(tail.splitlines()[-5:])
    return Refused(code, sentence, (*details, *printed))


def _is_of_the_lab(failure: Refused) -> bool:
    """Whether the package that code could not import is one that the grader's machine should have."""
    return str(dict(failure.message.values)["package"]).partition(".")[0] in LAB.packages


def _disturbed(doing: str | Message, found: Malformed, printed: tuple[str, ...] = ()) -> Refused:
    sentence = message(
        "{doing} interfered with the result that the grader reads ({reason}): do not write to files that you did not"
        " open, and do not change the modules that you import.",
        doing=doing,
        reason=said(found.reason),
    )
    return Refused("code_disturbed", sentence, printed)


def _ended(doing: _Doing, printed: tuple[str, ...], roots: Roots) -> Message:
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


def _late(doing: _Doing, seconds: float) -> Message:
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


def _too_large(doing: _Doing, megabytes: int) -> Message:
    return message(
        "{doing} used more than {megabytes:,} MB of memory and was stopped.",
        doing=doing.what,
        megabytes=megabytes,
    )


def _too_talkative(doing: _Doing, limit: int) -> Message:
    return message(
        "{doing} printed more than {limit:,} bytes and was stopped. Print at most once per epoch.",
        doing=doing.what,
        limit=limit,
    )
