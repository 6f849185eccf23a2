"""Reads archives other than zips in the sandbox, and makes zips of them, which are then opened as any zip is.

Two jobs: the listing, and then the content of those files alone that are work and within the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge
from pydantic import ConfigDict, TypeAdapter, ValidationError

from grader.disk.names import from_disk, visible
from grader.evidence import Failure, Malformed, Refused
from grader.evidence.explain import explain
from grader.evidence.wording import phrase
from grader.intake import Limits as Unpacked
from grader.intake import Listed, Repack, other_format, wanted, write_zip
from grader.records import Message, message
from grader.records.errors import BadLab, BadSubmission, GraderError
from grader.sandbox import Job, Limits, Reply, Rest, Sandbox

LISTING_BYTES = 32_000_000
STAFF_ACT = {"archive_library", "archive_method"}  # the archive may be sound: nobody is asked to hand it in again

Count = Annotated[int, Ge(0)]
_LISTING = TypeAdapter(tuple[Listed, ...], config=ConfigDict(extra="forbid"))
_SIZES = TypeAdapter(dict[Count, Count])


def repacker(sandbox: Sandbox, limits: Limits) -> Repack:
    """Return what makes a zip of an archive, wherever its file came from, with the sandbox's help."""

    def repack(path: Path, target: Path, unpacked: Unpacked) -> tuple[Message, ...]:
        reader = _Reader(path, sandbox, limits)
        listed = reader.listing()
        needed = wanted(listed, unpacked)
        return write_zip(listed, reader.contents(needed, sum(listed[number].size for number in needed)), target)

    return repack


@dataclass(frozen=True, slots=True)
class _Reader:
    """Asks the sandbox about one archive."""

    path: Path
    sandbox: Sandbox
    limits: Limits

    def listing(self) -> tuple[Listed, ...]:
        """Return every entry. Raises BadSubmission or BadLab."""
        reply = self._ask("list_entries", LISTING_BYTES)
        data = reply.arrays["rest"].tobytes()
        if reply.value.get("bytes") != len(data):
            raise self._failed(_broken())
        try:
            listed = _LISTING.validate_json(data)
        except ValidationError:
            raise self._failed(_broken()) from None
        if any(one.same_as is not None and one.same_as >= at for at, one in enumerate(listed)):
            raise self._failed(_broken())  # a hard link follows its file
        return listed

    def contents(self, needed: tuple[int, ...], most: int) -> Mapping[int, memoryview]:
        """Return the content of the needed entries that can be read, by number. Raises BadSubmission or BadLab."""
        if not needed:
            return {}
        reply = self._ask("read_entries", most, wanted=needed)
        data, at = memoryview(reply.arrays["rest"]).cast("B"), 0
        try:
            sizes = _SIZES.validate_python(dict(reply.value.get("sizes", ())))
        except (ValidationError, TypeError, ValueError):
            raise self._failed(_broken()) from None
        if sum(sizes.values()) != len(data):
            raise self._failed(_broken())
        found = {}
        for number, size in sizes.items():
            found[number] = data[at : at + size]
            at += size
        return found

    def _ask(self, function: str, most: int, **inputs: object) -> Reply:
        asked = {"file": self._name, "format": other_format(self.path), "most": most, **inputs}
        reply = self.sandbox.run(
            Job(
                f"archives.reading.{function}", asked, {"archive": self.path}, {"rest": Rest(most)}, self.limits
            )  # fmt: skip
        )
        if isinstance(reply, Reply):
            return reply
        raise self._failed(reply)

    @property
    def _name(self) -> str:
        return visible(from_disk(self.path.name))

    def _failed(self, failure: Failure) -> GraderError:
        if isinstance(failure, Refused):
            return (BadLab if failure.code in STAFF_ACT else BadSubmission)(failure.message)
        sentence = message(
            "{archive} could not be opened: {why}. If that does not help, unpack it by hand and grade the folder.",
            archive=self._name,
            why=explain(failure),
        )
        return BadLab(sentence)


def _broken() -> Malformed:
    return Malformed(phrase("answer_no_value"))
