"""The subject of observation, and one independent observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from grader.collect.code.caller import Caller
from grader.collect.equipment import Equipment
from grader.evidence import Failure, OpenTask
from grader.records import Submission

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Subject:
    """A submission with what observing it needs: its callable functions, its open tasks, the equipment."""

    submission: Submission
    equipment: Equipment
    caller: Caller
    open_tasks: tuple[OpenTask, ...] = ()


@dataclass(frozen=True, slots=True)
class Look(Generic[R]):
    """One independent observation: the kind of record, and the function that makes it. Never raises."""

    record: type[R]
    run: Callable[[Subject], R | Failure]
    calls_code: bool = False  # it is seen only where student code can be run
