"""Reads the records of a PyTorch checkpoint of the zip form, as torch.save has written it since version 1.6.

Nothing is unpickled here. The result is a fresh archive written by us from the checked records, so that what was
checked and what torch reads cannot differ.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.weights.formats import name_zip
from grader.probes.weights.pickles import PICKLE_BYTES

MOST_RECORDS = 50_000  # one for each tensor and a few more
_RECORD = re.compile(r"data/\d+")
_KEPT = ("data.pkl", "byteorder", "version")


def read_container(file: BinaryIO, name: str) -> tuple[bytes, io.BytesIO]:
    """Read the pickle of a checkpoint of the zip form, and write a clean archive to load it from. Raises Refuse.

    Args:
        file: the checkpoint, opened for reading and seekable.
        name: what to call it in a refusal.
    """
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


def write_archive(pickled: bytes, records: Mapping[str, bytes]) -> io.BytesIO:
    """Write an archive of the zip form around a pickle; `records` are the storages by their keys."""
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as target:
        target.writestr("archive/data.pkl", pickled)
        target.writestr("archive/byteorder", b"little")
        target.writestr("archive/version", b"3\n")
        for key, data in records.items():
            target.writestr(f"archive/data/{key}", data)
    clean.seek(0)
    return clean


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
        raise name_zip(names, name)
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
