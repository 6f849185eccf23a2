"""Find and fetch the public sets beside CIFAR-10: copies as torchvision leaves them, read with its own classes.

A copy is believed by the MD5s of its files alone (`public_sets`). They are copied, verified, and only then read, in a
process of its own (`with_torchvision`): so CIFAR-100's pickles are never loaded unverified. In the cache a set is four
.npy files and `set.json`, which holds the SHA-256 of the test split: it is compared on each use.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from grader.dataset.bounded import Patience
from grader.dataset.child import FETCHING, Reader
from grader.dataset.commands import fetch_command
from grader.dataset.drawn import MARKER, drawn_at
from grader.dataset.edition import Unusable
from grader.dataset.fetch import fetch
from grader.dataset.find import find
from grader.dataset.image_set import ImageSet, images_path, labels_path
from grader.dataset.interface import Progress
from grader.dataset.layouts import readable
from grader.dataset.prepared import appearing, digest_of_rows, expect, test_rows
from grader.dataset.public_sets import IDX, Files, PublicSet
from grader.dataset.store import SPLITS, locked
from grader.records import message
from grader.records.errors import MissingData

SET = "set.json"
MOST_BYTES = 400 << 20  # of one file; the largest has 182 MB
DRAWN_FOLDER = "drawn"  # in the cache


def find_public(
    wanted: PublicSet, data: Path | None, cache: Path, places: Sequence[Path] | None = None
) -> ImageSet | None:
    """Find a public set without the network; return None if there is none. See `find`.

    A drawn set (see `drawn`) is taken only where `data` names it, under its own name, and never kept as the real one.
    """
    return find(_Published(wanted), data, cache, places)


def fetch_public(wanted: PublicSet, cache: Path, progress: Progress, patience: Patience = FETCHING) -> ImageSet:
    """Return a public set from the cache, fetching it first with torchvision if it is missing or damaged.

    Raises MissingData, with the reason, if that fails; no partial files are then left.
    """
    if _lacks_scipy(wanted):
        raise MissingData(message("{name} cannot be read without scipy: run `pip install scipy`, then `{command}`",
                                  name=wanted.name, command=fetch_command()))  # fmt: skip
    total = wanted.megabytes * 1_000_000

    def told(size: int) -> None:
        progress(message("Fetching {name} with torchvision", name=wanted.name), min(size, total), total)

    def fetched() -> ImageSet:
        reader = Reader(wanted, download=True, patience=patience, told=told)
        return _put(reader, cache, cache / wanted.folder, lambda root: None)

    return fetch(wanted, cache, progress, partial(stored, wanted, cache), [("torchvision", fetched)])


def stored(wanted: PublicSet, cache: Path) -> ImageSet | None:
    """Return the set in the cache; None if there is none. Raises Unusable if it is damaged."""
    folder = cache / wanted.folder
    return opened(folder, wanted) if folder.exists() else None


def opened(folder: Path, wanted: PublicSet) -> ImageSet:
    """Open a prepared set. Raises Unusable if it has not its images, or others than when it was verified."""
    try:
        noted = json.loads((folder / SET).read_text("utf-8"))
        names, digest = tuple(map(str, noted["classes"])), str(noted["digest"])
        test, train = map(int, noted["images"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Unusable(message("{file} is missing or incomplete", file=SET)) from error
    if not wanted.drawn and (test, train) != (wanted.test, wanted.train):
        raise Unusable(message("it holds {test:,} test and {train:,} training images instead of {its_test:,} and"
                               " {its_train:,}", test=test, train=train, its_test=wanted.test,
                               its_train=wanted.train))  # fmt: skip
    for split, count in zip(SPLITS, (test, train), strict=True):
        expect(images_path(folder, split), (count, *wanted.shape))
        expect(labels_path(folder, split), (count,))
    found = ImageSet(wanted.name, names, digest, folder, wanted.drawn)
    if digest_of_rows(test_rows(found)) != digest or (wanted.digest and digest != wanted.digest):
        raise Unusable(message("the test images are not those that were verified"))
    return found


@dataclass(frozen=True, slots=True)
class _Copy:
    """A folder that holds files of the set, or of a drawn one; not read yet."""

    folder: Path
    drawn: bool


@dataclass(frozen=True, slots=True)
class _Published:
    """A public set, as one that is wanted (see `find`)."""

    wanted: PublicSet

    @property
    def name(self) -> str:
        return self.wanted.name

    @property
    def folder(self) -> str:
        return self.wanted.folder

    @property
    def forms(self) -> str:
        around = (path.rpartition("/")[0] or path for files in self.wanted.forms for path in files)
        return ", ".join(f"`{path}`" for path in dict.fromkeys(around))

    def stored(self, cache: Path) -> ImageSet | None:
        return stored(self.wanted, cache)

    def copies(self, places: Sequence[Path], named: bool) -> Iterator[_Copy]:
        for folder in dict.fromkeys(folder for place in places for folder in self._folders(place)):
            drawn = drawn_at(folder) is not None
            if named or not drawn:
                yield _Copy(folder, drawn)

    def _folders(self, place: Path) -> Iterator[Path]:
        """Yield the folders around a place that hold a file of the set: as torchvision leaves them, or bare."""
        for path in (path for files in self.wanted.forms for path in files):
            name = path.rpartition("/")[2]
            itself = (place,) if place.name == name else ()
            for file in (place / path, place / name, *itself):
                if readable(file) or readable(file.with_suffix("")):  # unpacked, where only the archive is published
                    yield file.parent

    def place(self, copy: _Copy) -> Path:
        return copy.folder

    def adopted(self, copy: _Copy, cache: Path, named: bool) -> ImageSet:
        if copy.drawn:
            return _drawn(self.wanted, copy.folder, cache)
        if _lacks_scipy(self.wanted):
            raise Unusable(message("it cannot be read without scipy: run `pip install scipy`"))
        kept = self._sound(cache)
        if kept and not named:
            return kept
        files = _verified(self.wanted, copy.folder)
        if kept:
            return kept  # of the same content, by its MD5s
        reader = Reader(self.wanted, download=any(path.endswith(".gz") for path in files))
        home, fill = cache / self.wanted.folder, partial(_fill, copy.folder, files)
        with locked(cache, self.wanted):
            return self._sound(cache) or _put(reader, cache, home, fill)  # another process may have been faster

    def _sound(self, cache: Path) -> ImageSet | None:
        try:
            return stored(self.wanted, cache)
        except Unusable:
            return None


def _put(reader: Reader, cache: Path, home: Path, fill: Callable[[Path], None]) -> ImageSet:
    """Let `home` appear in the cache, from the files that `fill` puts into a folder. The caller holds the lock.

    Raises Unusable; a damaged set is replaced by a good one alone.
    """
    wanted = reader.wanted
    prefix, suffix = f".{wanted.folder}.", ".partial"  # `locked` removes leftovers of this name
    with tempfile.TemporaryDirectory(dir=cache, prefix=prefix, suffix=suffix, ignore_cleanup_errors=True) as work:
        root, out = Path(work, "root"), Path(work, "out")
        root.mkdir()
        out.mkdir()
        fill(root)
        names = reader.read(root, out)
        found = ImageSet(wanted.name, tuple(names), "", out)
        counts = [len(found.labels(split)) for split in SPLITS]
        noted = {"classes": names, "digest": digest_of_rows(test_rows(found)), "images": counts}
        (out / SET).write_text(json.dumps(noted), "utf-8")
        opened(out, wanted)
        with appearing(home, instead=True) as ready:
            for path in (out / SET, *(of(out, split) for split in SPLITS for of in (images_path, labels_path))):
                path.rename(ready / path.name)
    return opened(home, wanted)


def _drawn(wanted: PublicSet, folder: Path, cache: Path) -> ImageSet:
    """Return the drawn set in a folder, kept in the cache by its content. Raises Unusable."""
    key = drawn_at(folder)
    if key != wanted.key:
        raise Unusable(message("{marker} says that these images were drawn, to stand in for '{key}'",
                               marker=MARKER, key=str(key)))  # fmt: skip
    digest = hashlib.sha256("".join(_digest(folder / name, "sha256") for name in IDX).encode()).hexdigest()
    drawn, home = replace(wanted, drawn=True, digest=""), cache / DRAWN_FOLDER / f"{wanted.key}-{digest[:32]}"
    fill = partial(_copied, folder, tuple(f"{wanted.kind}/raw/{name}" for name in IDX))
    with locked(cache, wanted):
        try:
            return opened(home, drawn)
        except Unusable:
            return _put(Reader(drawn), cache, home, fill)


def _verified(wanted: PublicSet, folder: Path) -> Files:
    """Return the files of the first form that lies in a folder whole and unaltered. Raises Unusable."""
    refusals: list[tuple[int, Unusable]] = []
    for files in wanted.forms:
        names = [path.rpartition("/")[2] for path in files]
        try:
            for name, md5 in zip(names, files.values(), strict=True):
                _expect_md5(folder / name, md5)
        except Unusable as error:
            refusals.append((sum(readable(folder / name) for name in names), error))
        else:
            return files
    raise max(refusals, key=lambda refusal: refusal[0])[1]  # of the form that is there, rather than of another


def _fill(folder: Path, files: Files, root: Path) -> None:
    """Copy files to where torchvision looks for them, and verify the copies. Raises Unusable."""
    _copied(folder, tuple(files), root)
    for path, md5 in files.items():
        _expect_md5(root / path, md5)


def _copied(folder: Path, paths: Sequence[str], root: Path) -> None:
    for path in paths:
        source = folder / path.rpartition("/")[2]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if source.stat().st_size > MOST_BYTES:
            raise Unusable(message("{file} is longer than the expected {limit} bytes",
                                   file=source.name, limit=MOST_BYTES))  # fmt: skip
        shutil.copyfile(source, root / path)


def _expect_md5(path: Path, md5: str) -> None:
    found = _digest(path, "md5")
    if found != md5:
        raise Unusable(message("{file} is not the published one: its MD5 begins with {found}, that one's with"
                               " {expected}", file=path.name, found=found[:12], expected=md5[:12]))  # fmt: skip


def _digest(path: Path, how: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.new(how, usedforsecurity=False)).hexdigest()
    except FileNotFoundError as error:
        raise Unusable(message("{file} is missing", file=path.name)) from error
    except OSError as error:
        raise Unusable(message("{file} cannot be read ({reason})", file=path.name, reason=str(error))) from error


def _lacks_scipy(wanted: PublicSet) -> bool:
    return wanted.kind == "SVHN" and find_spec("scipy") is None
