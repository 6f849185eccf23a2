"""Define the values of this stage: an archive and its owner, the limits, and a listing that is not yet trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.disk.names import from_disk
from grader.records import Message, Student

MEGABYTE = 1_000_000
MOST_SHOWN = 3  # pieces in a name


@dataclass(frozen=True, slots=True)
class Piece:
    """A file or archive of several that were handed in together, and its name without what the platform added."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Archive:
    """One submission: an archive, a folder, or the `pieces` of it, whose first is at `path`; and whose it is."""

    path: Path
    student: Student
    pieces: tuple[Piece, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the file or folder as a person reads it; of several, those of the first."""
        if not self.pieces:
            return from_disk(self.path.name)
        shown = [from_disk(piece.path.name) for piece in self.pieces[:MOST_SHOWN]]
        return ", ".join([*shown, *(["..."] if len(self.pieces) > MOST_SHOWN else [])])


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one submission may unpack to; the lab's own submission is under 20 MB.

    Only unpacked files count: a data set or a virtual environment inside is left out, whatever its size.
    """

    total_bytes: int = 200 * MEGABYTE
    file_bytes: int = 100 * MEGABYTE
    entries: int = 2_000
    depth: int = 20  # folders and the file's own name together


LIMITS = Limits()

# A listing is read whole before it can be judged, so it has a bound of its own. It is far above `Limits.entries`: a
# virtual environment with torch (some 30,000 files) is left out with a note and need not be refused.
LISTING_BYTES = 8 * MEGABYTE
LISTING_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing: the name decoded but unchecked, the size in bytes as declared."""

    name: str
    size: int
    is_folder: bool
    chunks: Callable[[], Iterator[bytes]]  # read it in pieces; raises BadSubmission if it is damaged
    fault: Message | None = None  # why it must not be unpacked; said only if it would be
    path: Path | None = None  # on disk, where it is a file or a link there
    closed: bool = False  # an archive that could not be opened: what is missing may be in it
    absent: bool = False  # the fault is that nothing is there: a link, a device


@dataclass(frozen=True, slots=True)
class Source:
    """An opened archive or folder: what is in it, read only when asked for."""

    entries: tuple[Entry, ...]
    digest: str  # SHA-256 of a zip's bytes; "" for a folder, whose digest follows from its files
    notes: tuple[Message, ...] = ()
