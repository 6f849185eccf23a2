"""Find an image set on this machine: in the cache, where the user says, or where torchvision leaves it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from grader.dataset.cache import default_cache, home_folder, usual_cache
from grader.dataset.commands import fetch_command
from grader.dataset.edition import CIFAR10, Edition, Unusable
from grader.dataset.image_set import ImageSet, images_path
from grader.dataset.layouts import Copy, copies_at, readable
from grader.dataset.store import Named, kept_or_put, open_set, sound, stored, verified
from grader.records import Message, message, stacked
from grader.records.errors import MissingData

FORMS = "`cifar-10-batches-py`, `cifar-10-batches-bin`, `cifar-10-python.tar.gz`, `cifar-10-binary.tar.gz`"
Found = TypeVar("Found")


class Wanted(Named, Protocol[Found]):
    """A set that can be looked for; `Found` is a copy of it that was seen but not opened."""

    @property
    def forms(self) -> str:
        """The folders and files that it lies in, for messages."""

    def stored(self, cache: Path) -> ImageSet | None:
        """Return the set in the cache; None if there is none. Raises Unusable if it is damaged."""

    def copies(self, places: Sequence[Path], named: bool) -> Iterator[Found]:
        """Yield the copies at exactly these places, which the user has named or not; first what needs no reading."""

    def place(self, copy: Found) -> Path:
        """Return where a copy is."""

    def adopted(self, copy: Found, cache: Path, named: bool) -> ImageSet:
        """Verify the copy and keep it in the cache. Raises Unusable.

        A set that is there already will do for a copy that nobody named. One that was named is read all the same: the
        cache must not silently replace it where it is bad.
        """


def usual_places() -> tuple[Path, ...]:
    """Return where copies usually are: `root="./data"` is from torchvision's tutorials, the others are habits.

    A cache that can only be read is such a place too.
    """
    home, usual = home_folder(), usual_cache()
    homes = (Path(),) if home is None else (Path(), home)
    only_read = () if usual is None or usual == default_cache() else (usual,)
    return (*only_read, *(place / name for place in homes for name in ("data", "datasets")))


@dataclass(frozen=True, slots=True)
class _Pinned:
    """An edition, as a set that is wanted; a Path is a folder of prepared .npy files, used in place."""

    edition: Edition
    forms: str = FORMS

    @property
    def name(self) -> str:
        return self.edition.name

    @property
    def folder(self) -> str:
        return self.edition.folder

    def stored(self, cache: Path) -> ImageSet | None:
        return stored(cache, self.edition)

    def copies(self, places: Sequence[Path], named: bool) -> Iterator[Copy | Path]:
        del named
        yield from (place for place in places if readable(images_path(place, "test")))
        for place in places:
            yield from copies_at(place, self.edition)

    def place(self, copy: Copy | Path) -> Path:
        return copy if isinstance(copy, Path) else copy.place

    def adopted(self, copy: Copy | Path, cache: Path, named: bool) -> ImageSet:
        if isinstance(copy, Path):
            return open_set(copy, self.edition)
        kept = sound(cache, self.edition) if named else None
        if kept is None:
            return kept_or_put(cache, self.edition, lambda: copy.batches(self.edition))
        for _ in verified(self.edition, copy.batches(self.edition)):
            pass
        return kept


def find_cifar10(
    data: Path | None, cache: Path, places: Sequence[Path] | None = None, edition: Edition = CIFAR10
) -> ImageSet | None:
    """Find CIFAR-10 without the network; return None if there is none. See `find`."""
    return find(_Pinned(edition), data, cache, places)


def find(
    wanted: Wanted[Found], data: Path | None, cache: Path, places: Sequence[Path] | None = None
) -> ImageSet | None:
    """Find a set without the network; return None if there is none.

    With `data` (a folder or an archive), look only there, and raise MissingData if nothing there is usable. Without it,
    look in the cache, then in `places` (`usual_places()` unless given), skipping broken copies. A copy in another
    form is verified and kept in the cache. Raises MissingData if the cache is damaged and there is nothing else.
    """
    if data is not None:
        return _find_in(data, cache, wanted)
    damage: Message | None = None
    try:
        if kept := wanted.stored(cache):
            return kept
    except Unusable as error:
        damage = error.message
    copies = (copy for place in (usual_places() if places is None else places) for copy in _copies(place, wanted))
    found, _ = _first_usable(copies, cache, wanted)
    if found is None and damage is not None:
        raise MissingData(message("{folder}: the cached copy of {name} is damaged ({reason}); run `{command}`",
                                  folder=str(cache / wanted.folder), name=wanted.name,
                                  reason=damage, command=fetch_command()))  # fmt: skip
    return found


def nothing_here(cache: Path, wanted: Named = CIFAR10) -> MissingData:
    """Return the error for a caller that found nothing and may not fetch."""
    return MissingData(message("{name} was not found (looked in {cache} and in {places}): run `{command}`,"
                               " or give a folder that holds it with `--data FOLDER`",
                               name=wanted.name, cache=str(cache), command=fetch_command(),
                               places=", ".join(map(str, usual_places()))))  # fmt: skip


def _find_in(data: Path, cache: Path, wanted: Wanted[Found]) -> ImageSet:
    if not os.access(data, os.R_OK):
        raise MissingData(message("--data {data}: this folder does not exist or cannot be read", data=str(data)))
    found, refusals = _first_usable(_copies(data, wanted, named=True), cache, wanted, named=True)
    if found is not None:
        return found
    if refusals:
        head = message("--data {data} holds no usable {name}:", data=str(data), name=wanted.name)
        step = message("Fix it, or leave --data out and run `{command}`", command=fetch_command())
        raise MissingData(stacked(stacked(head, refusals, "- "), [step]))
    raise MissingData(message("--data {data} holds no {name}: looked there and one level below for {forms}."
                              " Give another folder, or leave --data out and run `{command}`",
                              data=str(data), name=wanted.name, forms=wanted.forms,
                              command=fetch_command()))  # fmt: skip


def _copies(place: Path, wanted: Wanted[Found], named: bool = False) -> Iterator[Found]:
    """Yield the copies at a place and one level below."""
    try:
        below = sorted(entry for entry in place.iterdir() if entry.is_dir()) if place.is_dir() else []
    except OSError:  # a folder that cannot be listed
        below = []
    yield from wanted.copies((place, *below), named)


def _first_usable(
    copies: Iterable[Found], cache: Path, wanted: Wanted[Found], named: bool = False
) -> tuple[ImageSet | None, tuple[Message, ...]]:
    refusals: dict[Path, Message] = {}
    for copy in copies:
        place = wanted.place(copy)
        if place in refusals:
            continue  # already seen, from the folder above
        try:
            return wanted.adopted(copy, cache, named), ()
        except Unusable as error:
            refusals[place] = message("{place}: {reason}", place=str(place), reason=error.message)
    return None, tuple(refusals.values())
