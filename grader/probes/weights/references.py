"""Copies a pickle operation by operation, with its references to storages written as the zip form has them.

torch.save refers to a storage by a tuple, ("storage", class, key, device, elements) and, before version 1.6, one value
more: None, or which part of the storage is meant. It then also wrapped the first use of every module's class,
("module", class, file, source). Both are built from plain values only, so their meaning is known without loading
anything; what refers to something in any other way is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grader.probes.refusals import Refuse, phrase
from grader.probes.weights.pickles import PICKLE_BYTES

WIDTHS = {
    "Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1, "Bool": 1,
}  # fmt: skip  # bytes of an element, by the name of the storage's class
_KINDS: dict[str, Literal["text", "number", "class"]] = {
    "BINUNICODE": "text", "SHORT_BINSTRING": "text", "BINSTRING": "text", "GLOBAL": "class",
    "BININT": "number", "BININT1": "number", "BININT2": "number", "LONG1": "number",
}  # fmt: skip
_PUT = frozenset({"BINPUT", "LONG_BINPUT"})
_GET = frozenset({"BINGET", "LONG_BINGET"})


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage that a pickle needs: what its elements are, and how many it has."""

    kind: str  # a key of WIDTHS
    count: int

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.count * WIDTHS[self.kind]


@dataclass(frozen=True, slots=True)
class Part:
    """Elements of a storage that a tensor may reach; nearly always all of them."""

    key: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that the pickle built by one operation, `raw`; "tuple" by several, "other" is not known."""

    kind: Literal["text", "number", "class", "none", "tuple", "other"]
    content: str | int | tuple[_Value, ...] = ""
    raw: bytes | None = None


_OTHER = _Value("other")


class Copy:
    """The copy as it grows. `storages` by their keys in the old file; `parts` in the order of their new keys."""

    def __init__(self, file: str) -> None:
        self.storages: dict[str, Storage] = {}
        self.parts: dict[Part, int] = {}
        self._file = file
        self._chunks: list[bytes] = []
        self._size = 0
        self._memo: dict[int, _Value] = {}
        self._left_out: set[int] = set()  # places of the memo that the copy does not fill
        self._row: list[_Value] | None = None  # what was pushed since the last MARK; None: not known
        self._mark = 0  # chunks before it
        self._puts: list[int] = []  # places of the memo filled since
        self._last = _OTHER

    def add(self, operation: str, argument: object, raw: bytes) -> None:
        """Copy the next operation. Raises Refuse."""
        if operation == "BINPERSID":
            self._replace()
            return
        if operation == "MARK":
            self._row, self._mark, self._puts, self._last = [], len(self._chunks), [], _OTHER
        elif operation in _PUT:
            self._put(int(str(argument)))
        elif operation in _GET:
            raw = self._get(int(str(argument)), raw)
        elif operation in _KINDS or operation == "NONE":
            self._push(_Value(_KINDS.get(operation, "none"), _content(operation, argument), raw))
        elif operation == "TUPLE" and self._row is not None:
            self._last, self._row = _Value("tuple", tuple(self._row)), None
        elif operation == "TUPLE3" and self._row is not None and len(self._row) >= 3:
            self._row[-3:] = [_Value("tuple", tuple(self._row[-3:]))]
            self._last = _OTHER
        elif operation != "PROTO":
            self._row, self._last = None, _OTHER
        self._write(raw)

    def pickled(self) -> bytes:
        """Return the copy."""
        return b"".join(self._chunks)

    def _write(self, raw: bytes) -> None:
        self._size += len(raw)
        if self._size > PICKLE_BYTES:
            raise Refuse("records", file=self._file, problem=phrase("index_large", size=PICKLE_BYTES))
        self._chunks.append(raw)

    def _push(self, value: _Value) -> None:
        self._last = value
        if self._row is not None:
            self._row.append(value)

    def _put(self, place: int) -> None:
        self._memo[place] = self._last
        self._left_out.discard(place)
        self._puts.append(place)

    def _get(self, place: int, raw: bytes) -> bytes:
        """Push what the memo has; where the copy did not fill its place, by the operation that built it."""
        value = self._memo.get(place, _OTHER)
        self._push(value)
        if place not in self._left_out:
            return raw
        if value.raw is None:
            raise self._strange()
        return value.raw

    def _replace(self) -> None:
        """Put the reference that was just built into the zip form's words."""
        built = self._last.content if self._last.kind == "tuple" else ()
        del self._chunks[self._mark :]
        self._left_out.update(self._puts)
        match built:
            case (_Value("text", "storage"), _Value("class", str(kind)), _Value("text", str(key)), *rest):
                self._write(self._storage(kind, key, rest))
            case (_Value("text", "module"), _Value("class", _, bytes(raw)), _, _):
                self._write(raw)
            case _:
                raise self._strange()
        self._row, self._puts, self._last = None, [], _OTHER

    def _storage(self, named: str, key: str, rest: Sequence[_Value]) -> bytes:
        kind = named.removeprefix("torch.").removeprefix("cuda.").removesuffix("Storage")
        if f"{kind}Storage" != named.rpartition(".")[2] or kind not in WIDTHS:
            code = "quantised" if kind.startswith(("QInt", "QUInt")) else "global"
            raise Refuse(code, file=self._file, **({"name": named[:200]} if code == "global" else {}))
        match rest:
            case (_Value("text"), _Value("number", int(count)), _Value("none")):
                part = Part(key, 0, count)
            case (
                _Value("text"),
                _Value("number", int(count)),
                _Value("tuple", (_Value("text"), _Value("number", int(start)), _Value("number", int(seen)))),
            ):
                part = Part(key, start, seen)
            case _:
                raise self._strange()
        storage = self.storages.setdefault(key, Storage(kind, count))
        if storage != Storage(kind, count) or min(part.start, part.count) < 0 or part.start + part.count > count:
            raise Refuse("records", file=self._file, problem=phrase("storage_differs"))
        number = self.parts.setdefault(part, len(self.parts))
        return _reference(kind, str(number), part.count)

    def _strange(self) -> Refuse:
        return Refuse("pickle", file=self._file, problem=phrase("pickle_operation", operation="BINPERSID"))


def _content(operation: str, argument: object) -> str | int:
    if isinstance(argument, int):
        return argument
    text = argument if isinstance(argument, str) else ""
    return text.replace(" ", ".") if operation == "GLOBAL" else text


def _reference(kind: str, key: str, count: int) -> bytes:
    number = count.to_bytes(8, "little", signed=True)
    return (
        b"(" + _text("storage") + b"ctorch\n" + f"{kind}Storage\n".encode() + _text(key) + _text("cpu")
        + b"\x8a\x08" + number + b"tQ"
    )  # fmt: skip


def _text(word: str) -> bytes:
    data = word.encode()
    return b"X" + struct.pack("<I", len(data)) + data
