"""Find and fetch torchvision's ImageNet weights, and verify them by the digest in their name."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from grader.dataset.cache import default_cache, home_folder, usual_cache
from grader.dataset.edition import Unusable
from grader.dataset.http import Download
from grader.dataset.interface import Progress
from grader.records import message
from grader.records.errors import MissingData

MOST_BYTES = 3 << 30  # the largest RegNet has 2.5 GB
_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.pth$")  # torchvision's file names contain the start of their SHA-256


def weights_folder() -> Path:
    """Return the folder for fetched weights."""
    return default_cache() / "weights"


def usual_folders(first: Path | None = None) -> tuple[Path, ...]:
    """Return the folders to search for weights: a given folder, ours, and torch's own cache."""
    home, usual = home_folder(), usual_cache()
    cache = os.environ.get("XDG_CACHE_HOME") or (home and home / ".cache")
    torch_home = os.environ.get("TORCH_HOME") or (cache and Path(cache) / "torch")
    folders = (first, weights_folder(), usual and usual / "weights", torch_home and Path(torch_home, "hub/checkpoints"))
    return tuple(dict.fromkeys(folder for folder in folders if folder))


def find_weights(name: str, folders: Sequence[Path]) -> Path | None:
    """Find the file of this name whose SHA-256 matches its name; return None if there is none."""
    return next((folder / name for folder in folders if _is_whole(folder / name)), None)


def _is_whole(file: Path) -> bool:
    digest = _DIGEST.search(file.name)
    return digest is not None and file.is_file() and digest_of(file).startswith(digest[1])


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, read once for as long as it stays the same: weights are large."""
    state = file.stat()
    return _digest_of(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest_of(file: Path, size: int, changed: int) -> str:
    del size, changed
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def fetch_weights(url: str, name: str, progress: Progress) -> Path:
    """Return the file from our cache, fetching it if it is missing.

    Raises MissingData if it cannot be fetched completely.
    """
    folder = weights_folder()
    if _is_whole(folder / name):
        return folder / name
    try:
        _fetch(url, folder / name, progress)
    except Unusable as error:
        sentence = message(
            "{name} could not be fetched from {url}: {reason}. Put the file into {folder} yourself, or"
            " give its folder with --weights-dir.",
            name=name,
            url=url,
            reason=error.message,
            folder=str(folder),
        )
        raise MissingData(sentence) from error
    except OSError as error:
        sentence = message(
            "{folder} cannot be written: {why}. Free some space there, or set XDG_CACHE_HOME to another folder.",
            folder=str(folder),
            why=error.strerror or str(error),
        )
        raise MissingData(sentence) from error
    return folder / name


def _fetch(url: str, path: Path, progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", suffix=".partial") as place:
        part = Path(place) / path.name
        Download(url, message("Fetching {name}", name=path.name), MOST_BYTES).to(part, progress)
        if not _is_whole(part):
            raise Unusable(message("its content does not match the digest in its name"))
        part.replace(path)
