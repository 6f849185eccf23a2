"""Reads the records of a PyTorch checkpoint from a file, or says what the file is instead.

Nothing is unpickled here. The result is a fresh archive written by us from the checked records, so that what was
checked and what torch reads cannot differ.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import BinaryIO

from grader.probes.refusals import Phrase, Refuse, phrase

PICKLE_BYTES = 20_000_000  # data.pkl of a 100 million parameter network is well under 1 MB
MOST_RECORDS = 50_000  # one for each tensor and a few more
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"Rar!", "archive", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "7-Zip"),
    (b"\x1f\x8b", "archive", "gzip"),
    (b"BZh", "archive", "bzip2"),
    (b"\xfd7zXZ", "archive", "xz"),
    (b"\x89HDF", "other_format", "HDF5 (Keras)"),
    (b"\x93NUMPY", "other_format", "NumPy"),
    (b"\x89PNG", "other_format", "PNG"),
    (b"\xff\xd8\xff", "other_format", "JPEG"),
    (b"%PDF", "other_format", "PDF"),
    (b"GGUF", "other_format", "GGUF"),
)
LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch/serialization.py, MAGIC_NUMBER, pickled in any protocol
_RECORD = re.compile(r"data/\d+")
_KEPT = ("data.pkl", "byteorder", "version")


def read_container(file: BinaryIO, name: str) -> tuple[bytes, io.BytesIO]:
    """Read the pickle of a checkpoint, and write a clean archive to load it from. Raises Refuse.

    Args:
        file: the checkpoint, opened for reading and seekable.
        name: what to call it in a refusal.
    """
    sniff(file, name)
    try:
        with zipfile.ZipFile(file) as archive:
            return _copy_records(archive, file.seek(0, io.SEEK_END), name)
    except Refuse:
        raise
    except zipfile.BadZipFile as error:
        if str(error).startswith("Bad CRC-32"):
            raise Refuse("records", file=name, problem=phrase("checksum")) from error
        raise Refuse("truncated", (str(error),), file=name) from error
    except MemoryError:
        raise
    except Exception as error:  # zipfile lets at least eight other kinds through
        raise Refuse("records", file=name, problem=phrase("archive_damaged", kind=type(error).__name__)) from error


def sniff(file: BinaryIO, name: str) -> None:
    """Refuse every file whose first bytes identify it as something else."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(1024)
    file.seek(0)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if size == 0:
        raise Refuse("empty", file=name)
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise Refuse("html", file=name)
    if start.startswith(b"version https://git-lfs"):
        raise Refuse("lfs", file=name, size=size)
    if start[8:10] == b'{"' and int.from_bytes(start[:8], "little") < size:
        raise Refuse("other_format", file=name, format="safetensors")
    for signature, code, kind in SIGNATURES:
        if start.startswith(signature):
            raise Refuse(code, file=name, format=kind)
    if start[:1] == b"\x80" and LEGACY_MAGIC in start[:32]:
        raise Refuse("legacy", file=name)
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        raise Refuse("plain_pickle", file=name)
    if start.startswith(b"PK\x05\x06"):
        raise Refuse("plain_zip", file=name)  # an archive of nothing
    if not start.startswith(b"PK\x03\x04"):
        raise Refuse("unknown", file=name, start=_visible(start[:16]))


def _copy_records(archive: zipfile.ZipFile, size: int, name: str) -> tuple[bytes, io.BytesIO]:
    entries = archive.infolist()
    top = _top_folder(entries, name)
    _check_records(entries, size, name)
    clean = io.BytesIO()
    pickled = b""
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as target:
        for entry in entries:
            inner = entry.filename[len(top) :]
            if not entry.filename.startswith(top) or not (inner in _KEPT or _RECORD.fullmatch(inner)):
                continue  # serialisation ids and the like: nothing that a weight needs
            data = archive.read(entry)
            target.writestr(f"archive/{inner}", data)
            pickled = data if inner == "data.pkl" else pickled
    clean.seek(0)
    return pickled, clean


def _top_folder(entries: list[zipfile.ZipInfo], name: str) -> str:
    names = [entry.filename for entry in entries]
    pickles = [item for item in names if item == "data.pkl" or item.endswith("/data.pkl")]
    if not pickles:
        raise Refuse("plain_zip", file=name)
    top = min(pickles, key=len).removesuffix("data.pkl")
    if any(item.startswith(f"{top}code/") or item == f"{top}constants.pkl" for item in names):
        raise Refuse("torchscript", file=name)
    return top


def _check_records(entries: list[zipfile.ZipInfo], size: int, name: str) -> None:
    names = [entry.filename for entry in entries]
    problem: Phrase | None = None
    if len(names) > MOST_RECORDS:
        problem = phrase("records_many", count=len(names))
    elif len(set(names)) != len(names):
        problem = phrase("record_twice")
    elif any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        problem = phrase("repacked")
    elif sum(entry.file_size for entry in entries) > size or any(e.file_size != e.compress_size for e in entries):
        problem = phrase("records_beyond_file", size=size)
    elif any(e.filename.endswith("data.pkl") and e.file_size > PICKLE_BYTES for e in entries):
        problem = phrase("index_large", size=PICKLE_BYTES)
    if problem:
        raise Refuse("records", file=name, problem=problem)


def _visible(data: bytes) -> str:
    text = data.decode("ascii", "replace")
    return repr(text) if text.isprintable() else data.hex(" ")
