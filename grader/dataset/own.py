"""Keep the images of a course's own lab in the cache, as files that can be mapped into memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from grader.dataset.image_set import ImageSet
from grader.dataset.prepared import appearing, write_split
from grader.labs.datasets import read_own

FOLDER = "own"


def own_images(path: Path, cache: Path) -> ImageSet:
    """Return the set of an .npz file. Raises BadLab if it holds none."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = read_own(path)
    home = cache / FOLDER / digest[:32]
    if not home.is_dir():
        with appearing(home) as partial:
            for split in ("test", "train"):
                write_split(partial, split, found.images[split], found.labels[split])
    return ImageSet(path.stem, found.classes, digest, home)
