"""One budget of time and memory for everything that is done with one submission.

Each part of the work is sure of a share, whatever the others take, and may use what nobody has been promised. So a
submission that wastes the time of one part loses that part, and an honest one whose accuracy takes long keeps the rest.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from grader.evidence import Failure, Refused, TimedOut, Unavailable
from grader.records import message
from grader.sandbox import Called, CodeSandbox, Job, Limits, Reply, Roots, Sandbox

Part = Literal["archives", "reading", "code", "accuracy", "retrieval", "machine"]
KEPT: dict[Part, float] = {"reading": 0.05, "code": 0.15, "accuracy": 0.3, "retrieval": 0.35}  # shares of the time
LAST: Part = "retrieval"  # nothing is kept for others when its turn has come
MACHINE: Part = "machine"  # what is asked of the machine itself costs a submission nothing
PARTS: dict[str, Part] = {  # by how the names of their probes begin, the longest first
    "code.own_network": "accuracy",
    "archives": "archives",
    "documents": "reading",
    "rankings": "reading",
    "answers": "code",
    "code": "code",
    "weights": "accuracy",
    "machine": MACHINE,
    "retrieval": "retrieval",
}
LEAST = 1.0  # seconds: no job gets less, so that each can say what it ran into
ONE_CALL = 0.25  # of what is left for code, at most: a function that never ends leaves time for all others
ENOUGH = 20.0  # seconds for any call: the slowest takes two
CUT = 0.9  # of the time that a job asked for: one with less was cut short; one that asked for what is left was not
HONEST_CODE = 120.0  # seconds: all calls together take 30 on a machine with one slow core
OUT_OF_TIME = "code_out_of_time"

A = TypeVar("A")


class Budget:
    """The time that a submission has, and what each part has taken of it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._taken: dict[Part, float] = defaultdict(float)
        self._hung = False

    def left(self, part: Part, share: float = 1.0) -> Limits:
        """Return the limits of a job that may take this share of what is left for its part."""
        whole = self.limits.seconds
        others = () if part == LAST else [one for one in KEPT if one != part]
        kept = sum(max(0.0, KEPT[one] * whole - self._taken[one]) for one in others)
        left = whole - sum(self._taken.values()) - kept
        return Limits(max(LEAST, share * left), self.limits.megabytes)

    def limits_of(self, job: Job) -> Limits:
        """Return the limits that a job gets: its own, as far as they are left."""
        part = part_of(job)
        if part == MACHINE:
            return job.limits
        left = self.left(part, ONE_CALL if part == "code" else 1.0)
        return Limits(min(job.limits.seconds, left.seconds), min(job.limits.megabytes, left.megabytes))

    def take(self, job: Job, seconds: float) -> None:
        """Note how long a job took."""
        if part_of(job) != MACHINE:
            self._taken[part_of(job)] += min(seconds, job.limits.seconds)  # the start of a sandbox is nobody's fault

    def note_hung(self, job: Job) -> None:
        """Note that a call did not end although it had enough time."""
        self._hung = self._hung or part_of(job) == "code"

    @property
    def code_took_it(self) -> bool:
        """Return whether the submission's own code took the time that its next calls lack."""
        return self._hung or self._taken["code"] >= HONEST_CODE


def part_of(job: Job) -> Part:
    """Return the part of the work that a job belongs to."""
    return next(part for begins, part in PARTS.items() if job.probe.startswith(f"{begins}."))


class Metered:
    """A sandbox whose jobs get what is left of a budget. It is lent: who started it ends it."""

    def __init__(self, sandbox: Sandbox, budget: Budget) -> None:
        self._sandbox = sandbox
        self._budget = budget
        self.name, self.isolated = sandbox.name, sandbox.isolated

    def run(self, job: Job) -> Reply | Failure:
        """Answer one job within the budget."""
        return _timed(replace(job, limits=self._budget.limits_of(job)), self._sandbox.run, self._budget)

    def for_code(self, submission: Path) -> CodeSandbox | None:
        """Return the sandbox for this folder's code, on the same budget."""
        found = self._sandbox.for_code(submission)
        return None if found is None else MeteredCode(found, self._budget)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class MeteredCode:
    """The same for calls. One that was given less time than it may take is not blamed for that."""

    def __init__(self, sandbox: CodeSandbox, budget: Budget) -> None:
        self._sandbox = sandbox
        self._budget = budget

    @property
    def roots(self) -> Roots:
        """Return where student code sees its files."""
        return self._sandbox.roots

    def call(self, job: Job) -> Called:
        """Answer one job within the budget."""
        given = replace(job, limits=self._budget.limits_of(job))
        called = _timed(given, self._sandbox.call, self._budget)
        if not isinstance(called.answer, TimedOut):
            return called
        if given.limits.seconds >= min(ENOUGH, CUT * job.limits.seconds):
            self._budget.note_hung(job)
            return called
        return replace(called, answer=self._cut_short(given.limits.seconds))

    def _cut_short(self, seconds: float) -> Failure:
        if not self._budget.code_took_it:
            sentence = message(
                "only {seconds:.0f} seconds of --time-limit were left for a call; grade again with a longer"
                " --time-limit",
                seconds=seconds,
            )
            return Unavailable(sentence, OUT_OF_TIME)
        sentence = message(
            "It was stopped after {seconds:.0f} seconds, because other functions and scripts of the submission had used"
            " up the time for its code. Mend those that do not finish, then hand it in again.",
            seconds=seconds,
        )
        return Refused(OUT_OF_TIME, sentence)

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sandbox.__exit__(kind, error, trace)


def _timed(job: Job, run: Callable[[Job], A], budget: Budget) -> A:
    started = time.monotonic()
    try:
        return run(job)
    finally:
        budget.take(job, time.monotonic() - started)
