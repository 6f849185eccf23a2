"""Equipment for measuring a submission, and validation of a child's answers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from grader.dataset import ImageSet
from grader.evidence import Malformed
from grader.evidence.wording import phrase
from grader.records import Message
from grader.sandbox import Limits, Sandbox

CHECKPOINT_LIMITS = Limits()

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Equipment:
    """The equipment for measuring a submission. `images` is a Message if there are none: why, and what to run."""

    images: ImageSet | Message
    sandbox: Sandbox
    device: str = "cpu"
    threads: int = 1
    limits: Limits = CHECKPOINT_LIMITS
    weights_dir: Path | None = None  # ImageNet weights, in addition to torch's own cache
    part: int | None = None  # measure only this many test images, for a quick look; all by default
    choose_preprocessing: bool = True  # by measurement, where the code does not say: a rubric can forbid it


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def validated(record: type[R], fields: dict[str, Any]) -> R | Malformed:
    """Build a record from a child's fields; an answer that does not fit is discarded as a whole."""
    try:
        return TypeAdapter(record).validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        return Malformed(phrase("answer_field", field=field[:200], problem=first["msg"][:200]))
