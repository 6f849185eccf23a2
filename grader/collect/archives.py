"""Reads archives other than zips in the sandbox, and makes zips of them, which are then opened as any zip is.

Two jobs: the listing, and then the content of those files alone that are work and within the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import NonNegativeInt, TypeAdapter, ValidationError

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

_LISTING = TypeAdapter(tuple[Listed, ...])
_SIZES = TypeAdapter(tuple[tuple[NonNegativeInt, NonNegativeInt], ...])


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
        if not all(_is_possible(one, number) for number, one in enumerate(listed)):
            raise self._failed(_broken())
        return listed

    def contents(self, needed: tuple[int, ...], most: int) -> Mapping[int, memoryview]:
        """Return the content of the needed entries that can be read, by number. Raises BadSubmission or BadLab."""
        if not needed:
            return {}
        reply = self._ask("read_entries", most, wanted=needed)
        data, at = memoryview(reply.arrays["rest"].data), 0
        found = {}
        try:
            for number, size in _SIZES.validate_python(reply.value.get("sizes")):
                found[number] = data[at : at + size]
                at += size
        except ValidationError:
            raise self._failed(_broken()) from None
        if at != len(data):
            raise self._failed(_broken())
        return found

    def _ask(self, function: str, most: int, **inputs: object) -> Reply:
        asked = {"file": self._name, "format": other_format(self.path), "most": most, **inputs}
        probe, files = f"archives.reading.{function}", {"archive": self.path}
        reply = self.sandbox.run(Job(probe, asked, files, {"rest": Rest(most)}, self.limits))
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


def _is_possible(one: Listed, number: int) -> bool:
    """Return whether our own reader could have written this line: a hard link follows its file, and so on."""
    linked = one.same_as is None or 0 <= one.same_as < number
    return linked and 0 <= one.size < 1 << 63 and all(ord(character) < 256 for character in one.name)


def _broken() -> Malformed:
    return Malformed(phrase("answer_no_value"))
