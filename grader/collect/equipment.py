"""Equipment for measuring a submission, and validation of a child's answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from grader.collect.budget import Budget, Metered, Part
from grader.dataset import ImageSet
from grader.evidence import Malformed
from grader.evidence.wording import phrase
from grader.records import Message
from grader.sandbox import Limits, Sandbox

DEFAULT = Limits()

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Equipment:
    """The equipment for measuring submissions. `images` is a Message if there are none: why, and what to run.

    `limits` are those of one submission; `budget` is what it has left of them, once `begun` has begun it.
    """

    images: ImageSet | Message
    sandbox: Sandbox
    device: str = "cpu"
    threads: int = 1  # processors for one job: weights and rankings use as many processes, of one thread each
    limits: Limits = DEFAULT
    weights_dir: Path | None = None  # ImageNet weights, in addition to torch's own cache
    part: int | None = None  # measure only this many test images, for a quick look; all by default
    choose_preprocessing: bool = True  # by measurement, where the code does not say: a rubric can forbid it
    budget: Budget | None = None
    kept: Path | None = None  # folder of features that were computed before; None: each is computed
    skip: frozenset[type[Any]] = frozenset()  # records that no criterion reads
    sharing: int = 1  # networks of the submission that share what is left for the accuracy

    def left(self, part: Part, share: float = 1.0) -> Limits:
        """Return the limits of a job that may take this share of what its part of the budget has left."""
        shared = share / self.sharing if part == "accuracy" else share
        return (self.budget or Budget(self.limits)).left(part, shared)


def begun(equipment: Equipment) -> Equipment:
    """Return the equipment for one submission, whose jobs all share one budget from now on."""
    if equipment.budget is not None:
        return equipment
    budget = Budget(equipment.limits)
    return replace(equipment, sandbox=Metered(equipment.sandbox, budget), budget=budget)


@cache  # to make one takes milliseconds
def _reader(record: Any) -> Any:
    return TypeAdapter(record)


def validated(record: type[R], fields: dict[str, Any]) -> R | Malformed:
    """Build a record from a child's fields; an answer that does not fit is discarded as a whole."""
    kind: Any = record  # for mypy, a type that varies has no hash
    try:
        reader: TypeAdapter[R] = _reader(kind)
        return reader.validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        return Malformed(phrase("answer_field", field=field[:200], problem=first["msg"][:200]))
