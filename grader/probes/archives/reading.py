"""Lists what is in an archive, and reads the files that the grader then asks for; it judges nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from grader.probes.archives.entries import Item, few
from grader.probes.refusals import Refuse

Answer = tuple[dict[str, Any], Mapping[str, bytes]]


def list_entries(inputs: dict[str, Any], files: Mapping[str, int]) -> Answer:
    """Return the listing as JSON, in an array; its length is in the answer, so that a broken one can be told.

    A name is given by its bytes, each as one character: it need not be valid in any encoding.
    """
    file, form = str(inputs["file"]), str(inputs["format"])
    items = [_plain(item) for item in few(_list(files["archive"], file, form), file)]
    listing = json.dumps(items, separators=(",", ":")).encode()
    if len(listing) > int(inputs["most"]):
        raise Refuse("archive_many", file=file)
    return {"bytes": len(listing)}, {"listing": listing}


def read_entries(inputs: dict[str, Any], files: Mapping[str, int]) -> Answer:
    """Return the content of the wanted entries, one after the other: their numbers and sizes, then the bytes.

    What cannot be read is left out.
    """
    file, form = str(inputs["file"]), str(inputs["format"])
    left = int(inputs["most"])
    found: list[tuple[int, bytes]] = []
    for number, content in _read(files["archive"], file, form, frozenset(inputs["wanted"])):
        left -= len(content)
        if left < 0:
            raise Refuse("archive_damaged", file=file, format=form)  # more than it lists
        found.append((number, content))
    sizes = [(number, len(content)) for number, content in found]
    return {"sizes": sizes}, {str(at): content for at, (_, content) in enumerate(found)}


def describe_archives(inputs: dict[str, Any], files: Mapping[str, int]) -> Answer:
    """Report what this machine can unpack beside what Python alone can."""
    del inputs, files
    from grader.probes.archives.rars import can_unpack

    return {"rar": can_unpack()}, {}


def _list(descriptor: int, file: str, form: str) -> Iterator[Item]:
    match form:
        case "7z":
            from grader.probes.archives.sevenzips import list_7z

            return list_7z(descriptor, file)
        case "RAR":
            from grader.probes.archives.rars import list_rar

            return list_rar(descriptor, file)
        case _:
            from grader.probes.archives.tars import list_tar

            return list_tar(descriptor, file, form)


def _read(descriptor: int, file: str, form: str, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    match form:
        case "7z":
            from grader.probes.archives.sevenzips import read_7z

            return read_7z(descriptor, file, wanted)
        case "RAR":
            from grader.probes.archives.rars import read_rar

            return read_rar(descriptor, file, wanted)
        case _:
            from grader.probes.archives.tars import read_tar

            return read_tar(descriptor, file, form, wanted)


def _plain(item: Item) -> dict[str, object]:
    return {**asdict(item), "name": item.name.decode("latin-1")}
