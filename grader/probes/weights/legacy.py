"""Reads a checkpoint of the form that torch.save wrote before version 1.6, into the parts of today's zip form.

The file is a row of pickles (a magic number, the version of the format, facts about the machine, the saved object, the
keys of its storages) and then each storage: how many elements, and the elements. torch fills a storage only if its key
is listed, and otherwise leaves it over uninitialised memory; so each storage that the object needs must be there once,
with as many elements as the object says. Numbers are little-endian whatever the machine: torch swaps when it writes.

Nothing is unpickled here: pickles are only walked, operation by operation.
"""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Iterator, Mapping

from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.weights.pickles import PICKLE_BYTES
from grader.probes.weights.references import WIDTHS, Copy, Storage
from grader.probes.weights.unpickle import NEWEST_PROTOCOL

MAGIC = 0x1950A86A20F9469CFC6C  # torch/serialization.py, MAGIC_NUMBER
VERSION = 1001  # PROTOCOL_VERSION: the only one there ever was
MOST_STORAGES = 50_000
MOST_FACTS = 1_000  # bytes of the pickle about the machine
COUNT_BYTES = 8  # before each storage: how many elements it has, int64
_NUMBERS = frozenset({"BININT", "BININT1", "BININT2", "LONG1"})
_TEXTS = frozenset({"BINUNICODE", "SHORT_BINSTRING"})
_AROUND = frozenset({"PROTO", "EMPTY_LIST", "MARK", "APPEND", "APPENDS", "BINPUT", "LONG_BINPUT", "STOP"})


def read_legacy(data: bytes, name: str) -> tuple[bytes, dict[str, bytes]]:
    """Return data.pkl as the zip form has it, and the bytes of its storages by their keys in it. Raises Refuse."""
    file = io.BytesIO(data)
    try:
        for wanted in (MAGIC, VERSION):
            _expect(file, wanted, name)
        for _ in _operations(file, name, MOST_FACTS):
            pass
        copy = Copy(name)
        for operation, argument, raw in _operations(file, name, PICKLE_BYTES):
            copy.add(operation, argument, raw)
        keys = _keys(file, name)
    except (ValueError, IndexError, UnicodeError, OverflowError, AttributeError) as error:
        if not file.read(1):  # a pickle ends with the file
            raise Refuse("truncated", file=name) from error
        raise _problem(name, phrase("index_damaged", kind=type(error).__name__)) from error
    if len(set(keys)) != len(keys):
        raise _problem(name, phrase("record_twice"))
    if keys_missing := copy.storages.keys() - set(keys):
        raise _problem(name, phrase("storage_missing", count=len(keys_missing)))
    places = _storages(data, file.tell(), keys, copy.storages, name)
    return copy.pickled(), _records(data, copy, places, name)


def _operations(file: io.BytesIO, name: str, most: int) -> Iterator[tuple[str, object, bytes]]:
    """Walk one pickle: each operation's name, its argument, and its bytes. The file then stands behind the pickle."""
    data, first = file.getbuffer(), file.tell()
    for operation, argument, place in pickletools.genops(file):
        assert place is not None
        if file.tell() - first > most:
            raise _problem(name, phrase("index_large", size=most))
        if operation.name == "PROTO" and isinstance(argument, int) and argument > NEWEST_PROTOCOL:
            raise Refuse("pickle", file=name, problem=phrase("pickle_protocol", number=argument))
        yield operation.name, argument, bytes(data[place : file.tell()])


def _expect(file: io.BytesIO, wanted: int, name: str) -> None:
    """Read a pickle that is nothing but this number."""
    read = [(operation, argument) for operation, argument, _ in _operations(file, name, MOST_FACTS)]
    numbers = [argument for operation, argument in read if operation in _NUMBERS]
    if numbers != [wanted] or {operation for operation, _ in read} - _NUMBERS - {"PROTO", "STOP"}:
        raise _problem(name, phrase("legacy_start"))


def _keys(file: io.BytesIO, name: str) -> list[str]:
    """Read the pickle that lists the storages in the order in which they follow."""
    keys = []
    for operation, argument, _ in _operations(file, name, PICKLE_BYTES):
        if operation in _TEXTS:
            keys.append(str(argument))
        elif operation not in _AROUND:
            raise Refuse("pickle", file=name, problem=phrase("pickle_operation", operation=operation))
        if len(keys) > MOST_STORAGES:
            raise _problem(name, phrase("records_many", count=len(keys)))
    return keys


def _storages(data: bytes, place: int, keys: list[str], wanted: Mapping[str, Storage], name: str) -> dict[str, int]:
    """Return where the elements of each storage begin; what follows the last storage is never read."""
    places = {}
    for key in keys:
        if key not in wanted:
            raise _problem(name, phrase("storage_unknown"))
        if len(data) - place < COUNT_BYTES:
            raise Refuse("truncated", file=name)
        (count,) = struct.unpack_from("<q", data, place)
        place += COUNT_BYTES
        if count != wanted[key].count:
            raise _problem(name, phrase("storage_size", count=count, wanted=wanted[key].count))
        places[key] = place
        place += wanted[key].size
        if place > len(data):
            raise Refuse("truncated", file=name)
    return places


def _records(data: bytes, copy: Copy, places: Mapping[str, int], name: str) -> dict[str, bytes]:
    """Cut out each part of a storage that is referred to: together no more than the file has."""
    widths = {part: WIDTHS[copy.storages[part.key].kind] for part in copy.parts}
    if sum(part.count * width for part, width in widths.items()) > len(data):
        raise _problem(name, phrase("records_beyond_file", size=len(data)))
    records = {}
    for part, number in copy.parts.items():
        start = places[part.key] + part.start * widths[part]
        records[str(number)] = data[start : start + part.count * widths[part]]
    return records


def _problem(name: str, problem: Phrase) -> Refuse:
    return Refuse("records", file=name, problem=problem)
