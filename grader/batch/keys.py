"""What a result depends on, as one digest: the files handed in, and everything that measures and judges them.

The student, the roster and the time of hand-in are left out: they are looked up again where a result is used again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader.dataset import ImageSet
from grader.intake import Archive, file_digest
from grader.intake.archive import Piece
from grader.labs import the_lab

GRADER = Path(__file__).resolve().parents[1]
BESIDE = (GRADER.parent / "reference",)  # of the lab, what measures
OF_CODE = (".py", ".toml", ".txt")
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "pypdf", "py7zr", "rarfile", "libarchive-c", "pydantic")
MOST_BYTES = 4_000_000_000  # of one submission's files: a folder with more is graded each time
MOST_FILES = 100_000


def common(*settings: object, rubric: str, images: ImageSet | str) -> str:
    """Return the digest of what all submissions of a run have in common; `settings` are its options."""
    data = images if isinstance(images, str) else (images.name, images.digest, images.classes)
    packages = [installed(name) for name in PACKAGES]
    machine = (platform.python_version(), platform.machine())
    return _digest((settings, rubric, data, packages, machine, the_lab().digest, code()))


def code() -> str:
    """Return the digest of the grader's own files."""
    files = [path for home in (GRADER, *BESIDE) for path in _sorted(home) if path.suffix in OF_CODE]
    return _digest([(str(path.relative_to(GRADER.parent)), hashlib.sha256(path.read_bytes()).hexdigest())
                    for path in files])  # fmt: skip


def key(archive: Archive, shared: str) -> str:
    """Return the key of a submission; "" if it cannot be read here or holds too much to look at twice."""
    pieces = archive.pieces or (Piece(archive.path, archive.name),)
    try:
        return _digest((shared, [(piece.name, piece.path.name, list(_content(piece.path))) for piece in pieces]))
    except (OSError, OverflowError):
        return ""


def size(archive: Archive) -> int:
    """Return the bytes that were handed in: what is larger is expected to take longer. 0 if that cannot be told."""
    paths = [piece.path for piece in archive.pieces] or [archive.path]
    try:
        return sum(file.stat().st_size for path in paths for file in ([path] if path.is_file() else _sorted(path)))
    except OSError:
        return 0


def _content(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and digest of a file, or of each file in a folder. Raises OverflowError for too much."""
    if path.is_file():
        yield "", file_digest(path)
        return
    left = MOST_BYTES
    for number, file in enumerate(_sorted(path)):
        left -= file.lstat().st_size
        if left < 0 or number >= MOST_FILES:
            raise OverflowError
        yield str(file.relative_to(path)), os.readlink(file) if file.is_symlink() else file_digest(file)  # noqa: PTH115


def _sorted(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def installed(package: str) -> str:
    """Return a package and its version; its name alone where it is missing."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode("utf-8", "backslashreplace")).hexdigest()
