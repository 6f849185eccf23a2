"""Open an archive that is not a zip: the sandbox reads it, and a zip is made of what came out and opened as any other.

So the checks on names, links, sizes and limits are those of a zip, and nothing here parses the archive itself.
"""

from __future__ import annotations

import stat
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from grader.disk.names import decode, from_disk, visible, visible_path
from grader.disk.scratch import scratch
from grader.intake.archive import Limits, Source
from grader.intake.formats import HEAD_BYTES, other_archive
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.names import inner_path
from grader.intake.zips import ENCRYPTED, open_zip
from grader.records import Message, message
from grader.records.errors import BadLab, BadSubmission

PASSWORD = ENCRYPTED & 0x1
MODES = {"file": stat.S_IFREG | 0o644, "folder": stat.S_IFDIR | 0o755, "link": stat.S_IFLNK, "device": stat.S_IFIFO}

Repack = Callable[[Path, Path, Limits], tuple[Message, ...]]
"""Makes a zip (second path) of an archive (first path) and returns notes. Raises BadSubmission; BadLab if we failed."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of an archive: the name as bytes, one character each; the size in bytes as declared."""

    name: str
    size: int
    kind: Literal["file", "folder", "link", "device"]
    encrypted: bool
    same_as: int | None  # a hard link: the number of the entry with its content

    @property
    def decoded(self) -> tuple[str, str]:
        """Return the name, ending in a slash if it is a folder's, and its encoding."""
        name, encoding = decode(self.name.encode("latin-1"))
        return (f"{name.rstrip('/')}/" if self.kind == "folder" else name), encoding


def other_format(path: Path) -> str:
    """Return the format of an archive that is not a zip; "" for anything else. Raises BadLab if it is unreadable."""
    try:
        with path.open("rb") as file:
            return other_archive(file.read(HEAD_BYTES), path.name)
    except OSError as error:
        sentence = message("{path} cannot be read: {why}.", path=visible_path(path), why=error.strerror or "")
        raise BadLab(sentence) from error


@contextmanager
def open_repacked(path: Path, repack: Repack, limits: Limits, digest: str) -> Iterator[Source]:
    """Open the archive at `path` by way of a zip; `digest` is that of the archive itself.

    Raises BadSubmission if it cannot be used, BadLab if this machine cannot read it.
    """
    with scratch("repack") as folder:
        target = folder / path.name  # sentences about the zip name the archive
        notes = repack(path, target, limits)
        with open_zip(target) as source:
            read_as = message(
                "{archive} was read as {format}.", archive=visible(from_disk(path.name)), format=other_format(path)
            )
            yield replace(source, digest=digest, notes=(read_as, *notes, *source.notes))


def wanted(listed: Iterable[Listed], limits: Limits) -> tuple[int, ...]:
    """Return the numbers of the entries whose content is needed: work, within the limits, each content once.

    What is left out here without being noise or tools is refused by `select`, which sees every declared size.
    """
    needed: dict[int, None] = {}
    total = count = 0
    for number, entry in enumerate(listed):
        if not _is_work(entry) or entry.size > limits.file_bytes:
            continue
        total, count = total + entry.size, count + 1
        if total > limits.total_bytes or count > limits.entries:
            break
        needed[number if entry.same_as is None else entry.same_as] = None
    return tuple(needed)


def _is_work(entry: Listed) -> bool:
    if entry.kind != "file" or entry.encrypted:
        return False
    try:
        path = inner_path(entry.decoded[0])
    except BadSubmission:  # raised again when the zip is opened
        return False
    return reason_to_leave_out(path, entry.size) == ""


def write_zip(listed: Iterable[Listed], contents: Mapping[int, memoryview], target: Path) -> tuple[Message, ...]:
    """Write a zip with every entry, and with the content of those that have one. Return notes on names.

    An entry without its content keeps its declared size: one that is left out is listed with it, and one that could not
    be read is found to be damaged.
    """
    encodings = []
    try:
        with (
            zipfile.ZipFile(target, "w") as packed,
            warnings.catch_warnings(action="ignore"),
        ):  # of names that come twice
            for number, entry in enumerate(listed):
                content = contents.get(number if entry.same_as is None else entry.same_as, memoryview(b""))
                encodings.append(_add(packed, entry, content))
    except OSError as error:
        sentence = message(
            "{path} cannot be written: {why}. Free some space, or set TMPDIR to a folder that has enough.",
            path=visible_path(target),
            why=error.strerror or "",
        )
        raise BadLab(sentence) from error
    if chinese := encodings.count("gb18030"):
        return (message("Names without a declared encoding, read as GB18030: {count:,}.", count=chinese),)
    return ()


def _add(packed: zipfile.ZipFile, entry: Listed, content: memoryview) -> str:
    info = zipfile.ZipInfo()
    info.filename, encoding = entry.decoded  # not through the constructor, which changes some names
    info.create_system = 3  # Unix: the mode says what is a link
    info.external_attr = MODES[entry.kind] << 16
    packed.writestr(info, content)
    info.file_size = entry.size  # what the listing says, whether its content is here or not
    if entry.encrypted:
        info.flag_bits |= PASSWORD
    return encoding
