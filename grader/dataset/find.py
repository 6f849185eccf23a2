"""Find CIFAR-10 on this machine: in the cache, where the user says, or where torchvision leaves it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from grader.dataset.cache import default_cache, home_folder, usual_cache
from grader.dataset.edition import CIFAR10, Edition, Unusable
from grader.dataset.image_set import ImageSet, images_path
from grader.dataset.layouts import Copy, copies_at, readable
from grader.dataset.store import kept_or_put, open_set, sound, stored, verified
from grader.records import Message, message, stacked
from grader.records.errors import MissingData

FORMS = "`cifar-10-batches-py`, `cifar-10-batches-bin`, `cifar-10-python.tar.gz`, `cifar-10-binary.tar.gz`"


def usual_places() -> tuple[Path, ...]:
    """Return where copies usually are: `root="./data"` is from torchvision's tutorials, the others are habits.

    A cache that can only be read is such a place too.
    """
    home, usual = home_folder(), usual_cache()
    homes = (Path(),) if home is None else (Path(), home)
    only_read = () if usual is None or usual == default_cache() else (usual,)
    return (*only_read, *(place / name for place in homes for name in ("data", "datasets")))


def find_cifar10(
    data: Path | None, cache: Path, places: Sequence[Path] | None = None, edition: Edition = CIFAR10
) -> ImageSet | None:
    """Find CIFAR-10 without the network; return None if there is none.

    With `data` (a folder or an archive), look only there, and raise MissingData if nothing there is usable. Without it,
    look in the cache, then in `places` (`usual_places()` unless given), skipping broken copies. A copy in another
    form is verified and kept in the cache. Raises MissingData if the cache is damaged and there is nothing else.
    """
    if data is not None:
        return _find_in(data, cache, edition)
    damage: Message | None = None
    try:
        if kept := stored(cache, edition):
            return kept
    except Unusable as error:
        damage = error.message
    copies = (copy for place in (usual_places() if places is None else places) for copy in _copies(place, edition))
    found, _ = _first_usable(copies, partial(_adopted, cache=cache, edition=edition), edition)
    if found is None and damage is not None:
        raise MissingData(message("{folder}: the cached copy of {name} is damaged ({reason}); run `grade data fetch`",
                                  folder=str(cache / edition.folder), name=edition.name,
                                  reason=damage))  # fmt: skip
    return found


def nothing_here(cache: Path, edition: Edition = CIFAR10) -> MissingData:
    """Return the error for a caller that found nothing and may not fetch."""
    return MissingData(message("{name} was not found (looked in {cache} and in {places}): run `grade data fetch`,"
                               " or give a folder that holds it with `--data FOLDER`",
                               name=edition.name, cache=str(cache),
                               places=", ".join(map(str, usual_places()))))  # fmt: skip


def _find_in(data: Path, cache: Path, edition: Edition) -> ImageSet:
    if not os.access(data, os.R_OK):
        raise MissingData(message("--data {data}: this folder does not exist or cannot be read", data=str(data)))
    found, refusals = _first_usable(_copies(data, edition), partial(_named, cache=cache, edition=edition), edition)
    if found is not None:
        return found
    if refusals:
        head = message("--data {data} holds no usable {name}:", data=str(data), name=edition.name)
        step = message("Fix it, or leave --data out and run `grade data fetch`")
        raise MissingData(stacked(stacked(head, refusals, "- "), [step]))
    raise MissingData(message("--data {data} holds no {name}: looked there and one level below for {forms}."
                              " Give another folder, or leave --data out and run `grade data fetch`",
                              data=str(data), name=edition.name, forms=FORMS))  # fmt: skip


def _copies(place: Path, edition: Edition) -> Iterator[Copy | Path]:
    """Yield the copies at a place and one level below; a Path is a folder of prepared .npy files, used in place."""
    try:
        below = sorted(entry for entry in place.iterdir() if entry.is_dir()) if place.is_dir() else []
    except OSError:  # a folder that cannot be listed
        below = []
    bases = (place, *below)
    yield from (base for base in bases if readable(images_path(base, "test")))
    for base in bases:
        yield from copies_at(base, edition)


def _first_usable(
    copies: Iterable[Copy | Path], adopt: Callable[[Copy], ImageSet], edition: Edition
) -> tuple[ImageSet | None, tuple[Message, ...]]:
    refusals: dict[Path, Message] = {}
    for copy in copies:
        place = copy if isinstance(copy, Path) else copy.place
        if place in refusals:
            continue  # already seen, from the folder above
        try:
            return (open_set(copy, edition) if isinstance(copy, Path) else adopt(copy)), ()
        except Unusable as error:
            refusals[place] = message("{place}: {reason}", place=str(place), reason=error.message)
    return None, tuple(refusals.values())


def _adopted(copy: Copy, cache: Path, edition: Edition) -> ImageSet:
    """Verify the copy and keep it in the cache; a set that the cache already holds has the same digests and will do."""
    return kept_or_put(cache, edition, lambda: copy.batches(edition))


def _named(copy: Copy, cache: Path, edition: Edition) -> ImageSet:
    """Like `_adopted`, but always read the copy: the cache must not silently replace a bad copy that was named."""
    kept = sound(cache, edition)
    if kept is None:
        return _adopted(copy, cache, edition)
    for _ in verified(edition, copy.batches(edition)):
        pass
    return kept
