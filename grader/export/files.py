"""Files of an export: written whole or not at all, and never over what was read."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from grader.errors import BadLab
from grader.intake.names import visible_path
from grader.records import message

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip knows: the same files give the same zip


def write(path: Path, data: bytes, inputs: Iterable[Path]) -> None:
    """Write the file. BadLab where it would replace one of the inputs, or cannot be written."""
    shown = visible_path(path)
    if any(_same(path, one) for one in inputs):
        text = "{file} is read and would be written over. Name another file with --out."
        raise BadLab(message(text, file=shown))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        text = "{file} cannot be written: {why}. Make room, or name another place with --out."
        raise BadLab(message(text, file=shown, why=error.strerror or str(error))) from error


def placed(out: Path | None, home: Path, name: str) -> Path:
    """Where a file goes: as named, under its usual name in the folder that is named, else into its usual folder."""
    if out is None:
        return home / name
    return out / name if out.is_dir() else out


def zipped(files: Iterable[tuple[str, bytes]], programs: Iterable[str] = ()) -> bytes:
    """A zip of these files, each held only until it is packed; `programs` are those that may be run."""
    runnable = set(programs)
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = (0o100755 if name in runnable else 0o100644) << 16
            info.create_system = 3  # Unix: else the permissions are not read
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _same(one: Path, other: Path) -> bool:
    """Whether both name one file, by whatever link."""
    if one.absolute() == other.absolute():
        return True
    return one.exists() and other.exists() and one.samefile(other)
