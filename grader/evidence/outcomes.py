"""Outcomes of observing a submission (`Seen`, `Refused`, `TimedOut`, ...), collected in an Evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, Union, cast

from pydantic import Field, TypeAdapter

import grader.evidence.kinds  # noqa: F401 - every kind registers itself
from grader.evidence.kinds.files import Claims
from grader.evidence.kinds.given_weights import GivenWeights
from grader.evidence.kinds.weights import (
    Accuracy,
    Checkpoint,
    Diagnosis,
    Generalisation,
    Measurement,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
)
from grader.evidence.registry import KINDS, kind_of
from grader.evidence.wording import Wording
from grader.records import Message, Student, message, strict

if TYPE_CHECKING:
    Record = object
else:
    Record = Union[tuple(KINDS.values())]  # noqa: UP007 - built from what is registered


@strict
@dataclass(frozen=True, slots=True)
class Seen:
    """The probe reported; the record was validated."""

    value: Annotated[Record, Field(discriminator="kind")]
    outcome: Literal["seen"] = "seen"


@strict
@dataclass(frozen=True, slots=True)
class Refused:
    """What was handed in cannot be used, but the student can fix it: the message says how. `code` is the kind."""

    code: str
    message: Message
    details: tuple[str, ...] = ()
    outcome: Literal["refused"] = "refused"


@strict
@dataclass(frozen=True, slots=True)
class Crashed:
    """The child process died. `tail` holds its last lines."""

    tail: str
    outcome: Literal["crashed"] = "crashed"


@strict
@dataclass(frozen=True, slots=True)
class TimedOut:
    """The child process was stopped at its time limit."""

    seconds: float
    outcome: Literal["timed out"] = "timed out"


@strict
@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The child process was stopped at its memory limit."""

    megabytes: int
    outcome: Literal["out of memory"] = "out of memory"


@strict
@dataclass(frozen=True, slots=True)
class PrintedTooMuch:
    """The child process was stopped because it printed too much; limit in bytes."""

    bytes: int
    outcome: Literal["printed too much"] = "printed too much"


@strict
@dataclass(frozen=True, slots=True)
class Malformed:
    """The child's answer does not have the expected form; all of it is discarded."""

    reason: Wording
    outcome: Literal["malformed"] = "malformed"


@strict
@dataclass(frozen=True, slots=True)
class Unavailable:
    """Observation was impossible: no data set, no sandbox. Never the student's fault. `code` is the kind, or ""."""

    message: Message
    code: str = ""
    outcome: Literal["unavailable"] = "unavailable"


NOT_LOOKED_AT = "not_looked_at"

# What is observed of each network, where a lab has several.
OF_NETWORKS: tuple[type[object], ...] = (
    Preprocessing, Claims, Checkpoint, Accuracy, Measurement, OwnNetwork, Generalisation, Diagnosis, PreprocessingChoice
)  # fmt: skip

Failure = Refused | Crashed | TimedOut | OutOfMemory | PrintedTooMuch | Malformed | Unavailable
Observation = Seen | Failure

Observations = tuple[tuple[str, Annotated[Observation, Field(discriminator="outcome")]], ...]

R = TypeVar("R")


@strict
@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was observed of one submission; the sole input of judging."""

    student: Student
    digest: str
    archive: str
    observations: Observations  # by record kind
    notes: tuple[Message, ...] = ()
    sandbox: str = ""
    isolated: bool = True  # whether that sandbox kept this machine out of reach
    network: str = ""  # the one that the records of weights are about, where a lab has several
    networks: tuple[tuple[str, Observations], ...] = ()  # the same records for each of the others, by its name
    schema: Literal["evidence/2"] = "evidence/2"

    def observation(self, record: type[object]) -> Observation:
        """Return the outcome for this kind of record."""
        kind = kind_of(record)
        for name, outcome in self.observations:
            if name == kind:
                return outcome
        return Unavailable(
            message("{kind} was not looked at when this was graded. Grade it again.", kind=kind), NOT_LOOKED_AT
        )

    def of(self, network: str) -> Evidence:
        """Return what was observed with the records of weights of this network; "" for all as they are."""
        if not network or network == self.network:
            return self
        kinds = {kind_of(record) for record in (*OF_NETWORKS, GivenWeights)}  # that is looked at for the first alone
        others = tuple((kind, found) for kind, found in self.observations if kind not in kinds)
        own = next((found for name, found in self.networks if name == network), ())
        return replace(self, observations=(*others, *own), network=network, networks=())

    @property
    def by_network(self) -> tuple[Evidence, ...]:
        """Return the evidence about each network."""
        return (self, *(self.of(name) for name, _ in self.networks))

    def seen(self, record: type[R]) -> R | None:
        """Return the record itself; None if it was not seen."""
        outcome = self.observation(record)
        return cast("R", outcome.value) if isinstance(outcome, Seen) else None


def not_looked_at(outcome: Observation) -> bool:
    """Whether evidence holds nothing of a kind because the version that collected it did not know the kind."""
    return isinstance(outcome, Unavailable) and outcome.code == NOT_LOOKED_AT


EVIDENCE: TypeAdapter[Evidence] = TypeAdapter(Evidence)
