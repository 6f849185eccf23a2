"""Build a wheel of the running grader: a platform then installs what the instructor tried out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from grader.disk.whole import zipped
from grader.records import message
from grader.records.errors import BadLab

NAME = "cnn-lab-grader"
PACKAGES = ("grader", "reports", "reference", "fixtures")
# Also left out of the build: see `exclude` in pyproject.toml.
LEFT_OUT = (
    "reports/pictures",
    "reference/results",
    "reference/RESULTS.md",
    "reference/report.md",
    "reference/final.pth",
)
_WHEEL = "Wheel-Version: 1.0\nGenerator: cnn-lab-grader\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel() -> tuple[str, bytes]:
    """Return file name and content. Raises BadLab if the grader runs from files that were never installed."""
    try:
        installed = distribution(NAME)
    except PackageNotFoundError as error:
        sentence = message(
            "{name} is not installed here, so its version is unknown. Install it with pip, then export again.",
            name=NAME,
        )
        raise BadLab(sentence) from error
    stem = f"{NAME.replace('-', '_')}-{installed.version}"
    info = f"{stem}.dist-info"
    files = {name: path.read_bytes() for package in PACKAGES for name, path in _files(package)}
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        files[f"{info}/{name}"] = (installed.read_text(name) or "").encode()
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    lines = [f"{name},{_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    return f"{stem}-py3-none-any.whl", zipped(files.items())


def _files(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    home = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted(home.rglob("*")):
        name = f"{package}/{path.relative_to(home).as_posix()}"
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(home).parts)
        if path.is_file() and not hidden and not any(name == out or name.startswith(f"{out}/") for out in LEFT_OUT):
            yield name, path


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
