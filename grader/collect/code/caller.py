"""Calls one student's functions: finds their file, and imports it as far as it can be."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from grader.collect.code.faults import Doing, disturbed, whose
from grader.collect.code.packages import THERE, Looked, whose_package
from grader.collect.equipment import validated
from grader.disk.scratch import scratch
from grader.evidence import (
    FailedCall,
    Failure,
    Malformed,
    OpenTask,
    Refused,
    Unavailable,
)
from grader.evidence.refusals import refusal
from grader.evidence.wording import heard
from grader.labs import the_lab
from grader.records import Message, Submission, message
from grader.sandbox import ArraySpec, CodeSandbox, Job, Limits, Reply

R = TypeVar("R")

IMPORT_LIMITS = Limits(seconds=20.0, megabytes=3_000)  # no script of the lab takes two seconds
CALL_LIMITS = Limits(seconds=60.0, megabytes=3_000)  # the slowest call takes about two
NEVER = 1e6  # seconds
WHOLE, DEFINITIONS = "whole", "definitions"  # how a script is imported: see probes/code/importing.py
NO_OTHER_TRY = ("code_package", THERE, "code_syntax", "code_disturbed")  # would be refused in the same way again
MOST_NOTEBOOKS, MOST_NOTES = 4, 20
MOST_LOOKED_AT = 200  # files in which a line is looked up
MOST_LINES, LONGEST_LINE = 60, 300  # the last ones that the student's code printed
NO_SANDBOX = message(
    "student code runs only in a sandbox, and this machine has none that is strong enough: 'grade doctor' says what to"
    " install. Or read the code, and give these points by hand: 'grade adjust'"
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


@dataclass(frozen=True, slots=True)
class _Import:
    """How a script can be imported, and why it cannot be."""

    how: str
    broken: Failure | None = None


class Caller:
    """Calls the functions of one submission, each in a separate process; `printed` returns what they printed."""

    def __init__(self, submission: Submission, sandbox: CodeSandbox | None) -> None:
        self._submission = submission
        self._sandbox = sandbox
        self._open: dict[tuple[str, str], OpenTask] = {}
        self._imported: dict[str, _Import] = {}
        self._notes: dict[Message, None] = {}  # as a set in order
        self._printed: list[str] = []
        self._looked: dict[tuple[str, str, int], Looked | None] = {}

    def note_open(self, tasks: Iterable[OpenTask]) -> None:
        """Store the template's open tasks: a function with an open task is not called."""
        self._open = {(task.file, task.number): task for task in tasks}

    @property
    def can_run(self) -> bool:
        """Whether there is a sandbox to run student code in."""
        return self._sandbox is not None

    @property
    def notes(self) -> tuple[Message, ...]:
        """What stood in for something while the scripts were imported, and what was left out of them."""
        return tuple(self._notes)[:MOST_NOTES]

    def will_run(self, script: str) -> bool:
        """Return whether there is a script or a notebook that may hold its functions, and a sandbox to run it in."""
        return self._sandbox is not None and any(self._places(script))

    def call(self, script: str, call: Call) -> Reply | Failure:
        """Call a function of a lab script, or of a notebook. A Failure that the student can fix is Refused."""
        first: Reply | Failure | None = None
        for path in self._places(script):
            reply = self._call_at(path, call)
            if not _is_elsewhere(reply):
                return reply
            first = first or reply
        return first or Refused("missing", message("{file} is missing. Hand it in as well.", file=script))

    def _call_at(self, path: str, call: Call) -> Reply | Failure:
        if (task := self._open.get((path, the_lab().task_number(str(call.function))))) is not None:
            return _not_done(call.function, task)
        return self.call_in(path, call)

    def call_in(self, path: str, call: Call) -> Reply | Failure:
        """Make a call as `call` does, in the file with this path."""
        if self._sandbox is None:
            return Unavailable(NO_SANDBOX)
        if path not in self._imported:
            self._imported[path] = self._import(path)
        found = self._imported[path]
        return found.broken or self._with_data(path, call, found.how)

    def _import(self, path: str) -> _Import:
        """Import a file whole; where that fails, or would train, only what it defines."""
        first = self._try_import(path, WHOLE)
        if first is None or _is_final(first):
            return _Import(WHOLE, first)
        self._printed = []
        second = self._try_import(path, DEFINITIONS)
        if second is None:
            return _Import(DEFINITIONS)
        trains = isinstance(first, Refused) and first.code == "code_script"
        return _Import(DEFINITIONS, second if trains else first)

    def _try_import(self, path: str, how: str) -> Failure | None:
        job = Job("code.importing.try_import", {"file": path, "how": how}, limits=IMPORT_LIMITS)
        reply = self._run(job, Doing(message("importing {file}", file=path), importing=True))
        if not isinstance(reply, Reply):
            return reply
        noted = reply.value.get("notes")
        for note in noted[:MOST_NOTES] if isinstance(noted, list) else ():
            if (sentence := _note(note)) is not None:
                self._notes.setdefault(sentence)
        return None

    def printed(self) -> tuple[str, ...]:
        """Return the last lines that the student's code printed since the previous call of this method."""
        lines, self._printed = self._printed, []
        return tuple(line[:LONGEST_LINE] for line in lines[-MOST_LINES:])

    def refused(self, failure: Failure) -> Failure:
        """Return the failure of a whole observation; it already contains what was printed."""
        self._printed = []
        return failure

    def _places(self, script: str) -> Iterator[str]:
        """Yield what may hold a script's functions: the script nearest to the root, its notebook, other notebooks."""
        parts, stem = self._submission.parts, script.rpartition(".")[0]
        yield from [path for path in parts.sources if path.casefold().rpartition("/")[2] == script][:1]
        named = [path for path in parts.notebooks if path.casefold().rpartition("/")[2] == f"{stem}.ipynb"]
        yield from dict.fromkeys([*named, *parts.notebooks][:MOST_NOTEBOOKS])

    def _with_data(self, path: str, call: Call, how: str) -> Reply | Failure:
        stored = io.BytesIO()
        np.savez(stored, **call.data)  # type: ignore[arg-type]
        with scratch("call") as folder:
            file = folder / "data.npz"
            file.write_bytes(stored.getvalue())
            limits = call.limits or CALL_LIMITS
            within = limits.seconds if call.limits is None else NEVER  # ended from outside: that blames nobody
            inputs = {**call.inputs, "file": path, "how": how, "seconds": within}
            job = Job(call.probe, inputs, {"data": file, **call.files}, call.arrays, limits)
            return self._run(job, Doing(call.function, ours=call.limits is not None))

    def _run(self, job: Job, doing: Doing) -> Reply | Failure:
        assert self._sandbox is not None
        called = self._sandbox.call(job)
        lines = called.printed.splitlines()
        self._printed += lines
        if isinstance(called.answer, Reply):
            return called.answer
        printed = tuple(line[:LONGEST_LINE] for line in lines[-MOST_LINES:])
        answer = called.answer
        if isinstance(answer, Refused):
            answer = whose_package(answer, self._submission, self._look_for)
        return whose(answer, doing, printed, self._sandbox.roots)

    def _look_for(self, module: str, file: str, line: int) -> Looked | None:
        """Look in a process without student code whether a module is there."""
        if (module, file, line) not in self._looked:
            assert self._sandbox is not None
            parts = self._submission.parts
            sources = (*parts.sources, *parts.notebooks)[:MOST_LOOKED_AT]
            inputs = {"name": module, "place": file, "line": line, "files": sources}
            reply = self._sandbox.call(Job("code.absent.look_for", inputs, limits=IMPORT_LIMITS)).answer
            found = validated(Looked, reply.value) if isinstance(reply, Reply) else None
            self._looked[module, file, line] = found if isinstance(found, Looked) else None
        return self._looked[module, file, line]


def observed(record: type[R], fields: dict[str, Any], caller: Caller, failed: Iterable[FailedCall] = ()) -> R | Failure:
    """Build the record of student code, with its output and its failed calls."""
    told = [{"call": one.call, "message": asdict(one.message)} for one in failed]
    found = validated(record, {**fields, "printed": caller.printed(), **({"failed": told} if told else {})})
    if isinstance(found, Malformed):  # only student code can have changed what a probe of ours answers
        return disturbed(message("The code"), found)
    return found


def _not_done(function: str | Message, task: OpenTask) -> Refused:
    place = message("{file}, line {line}", file=task.file, line=task.line)
    return refusal("code_task", {"doing": f"{function}()", "number": task.number, "text": task.text, "place": place})


def _is_elsewhere(reply: Reply | Failure) -> bool:
    """Whether a file does not have the function, so that another may."""
    return isinstance(reply, Refused) and reply.code == "code_function"


def _is_final(failure: Failure) -> bool:
    """Whether importing only the definitions would end in the same way."""
    if isinstance(failure, Refused):
        return failure.code in NO_OTHER_TRY
    return isinstance(failure, Unavailable) and failure.code != "code_network"


def _note(said_by_the_child: Any) -> Message | None:
    try:
        found = heard(said_by_the_child)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, Message) else None
