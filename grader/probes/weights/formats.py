"""Tells from a file's first bytes whether it can hold a checkpoint, and names it for what it is if not."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import BinaryIO, Literal

from grader.probes.refusals import Refuse
from grader.probes.weights.pickles import named_by

Form = Literal["zip", "legacy", "safetensors"]

SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"Rar!", "archive", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "7-Zip"),
    (b"\x1f\x8b", "archive", "gzip"),
    (b"BZh", "archive", "bzip2"),
    (b"\xfd7zXZ", "archive", "xz"),
    (b"\x89HDF", "other_framework", "HDF5 (Keras)"),
    (b"\x93NUMPY", "arrays", "NumPy (.npy)"),
    (b"\x89PNG", "other_format", "PNG"),
    (b"\xff\xd8\xff", "other_format", "JPEG"),
    (b"%PDF", "other_format", "PDF"),
    (b"GGUF", "other_format", "GGUF"),
)
LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch/serialization.py, MAGIC_NUMBER, pickled in any protocol
LEGACY_TAR = (b"sys_info", b"pickle", b"storages", b"tensors")  # the members of the format before 0.1.10
USTAR = slice(257, 262)  # where a tar archive says that it is one
SEEN = 1024  # bytes looked at
# An ONNX model is a protocol buffer: the version of its format, then who wrote it, a short text.
_ONNX = re.compile(rb"\x08[\x01-\x20]\x12([\x01-\x3f])[ -~]")
_SAVED_MODEL = b"\x08\x01\x12"  # a protocol buffer too: version 1 of its schema, then a long message
# Names in a zip that tell who wrote it: the code of the refusal, what it is called, the names, of which one is enough.
ZIPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("other_framework", "Keras", ("model.weights.h5",)),
    ("other_framework", "TensorFlow", ("saved_model.pb", "keras_metadata.pb", ".data-00000-of-00001")),
    ("program", "torch.export", ("models/model.json", "serialized_exported_program.json")),
    ("arrays", "NumPy (.npz)", (".npy",)),
)


def sniff(file: BinaryIO, name: str) -> Form:
    """Return the form of a checkpoint. Raises Refuse for every file whose first bytes say that it is something else."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(SEEN)
    file.seek(0)
    if size == 0:
        raise Refuse("empty", file=name)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < size:
        return "safetensors"
    if start[:1] == b"\x80" and LEGACY_MAGIC in start[:32]:
        return "legacy"
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    raise _named(start, size, file, name)


def name_zip(names: Iterable[str], name: str) -> Refuse:
    """Name an archive that is no checkpoint by the names of what it holds."""
    last = [item.lower() for item in names]
    for code, kind, marks in ZIPS:
        if any(item.endswith(mark) for item in last for mark in marks):
            return Refuse(code, file=name, format=kind)
    return Refuse("plain_zip", file=name)


def _named(start: bytes, size: int, file: BinaryIO, name: str) -> Refuse:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return Refuse("html", file=name)
    if start.startswith(b"version https://git-lfs"):
        return Refuse("lfs", file=name, size=size)
    for signature, code, kind in SIGNATURES:
        if start.startswith(signature):
            return Refuse(code, file=name, format=kind)
    if start[USTAR] == b"ustar":
        return _tar(start, name)
    if onnx := _ONNX.match(start):
        told = start[4 : 4 + onnx[1][0]]
        if told.isascii() and told.decode("ascii").isprintable():
            return Refuse("program", file=name, format="ONNX")
    if start.startswith(_SAVED_MODEL) or start.startswith(b"model_checkpoint_path:"):
        return Refuse("other_framework", file=name, format="TensorFlow")
    if start[4:8] == b"TFL3":
        return Refuse("other_framework", file=name, format="TensorFlow Lite")
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return named_by(file, name)
    if start.startswith(b"PK\x05\x06"):
        return Refuse("plain_zip", file=name)  # an archive of nothing
    return Refuse("unknown", file=name, start=_visible(start[:16]))


def _tar(start: bytes, name: str) -> Refuse:
    first = start[:100].rstrip(b"\0").split(b"/")[0]
    return Refuse("legacy_tar", file=name) if first in LEGACY_TAR else Refuse("archive", file=name, format="tar")


def _visible(data: bytes) -> str:
    text = data.decode("ascii", "replace")
    return repr(text) if text.isprintable() else data.hex(" ")
