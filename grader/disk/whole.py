"""Write files whole or not at all: an earlier file of the same name stays until the new one is complete."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path

from grader.disk.names import visible_path
from grader.records import message
from grader.records.errors import BadLab

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing left over is removed
    fcntl = None  # type: ignore[assignment]

ROOM_BYTES = 2_000_000  # more than the page, evidence and grade of one submission take
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can store: the same files give the same zip


@contextmanager
def replacing(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Give temporary files beside `paths`. They replace `paths` when the block ends; if it raises, none does.

    Removes what an earlier process that was killed left there. Raises OSError.
    """
    temporary: list[Path] = []
    with ExitStack() as locks:
        try:
            for path in paths:
                _remove_leftovers(path)
                # keep the suffix: the file may be opened by its type before it has its final name
                descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_start(path), suffix=path.suffix)
                temporary.append(Path(name))
                _mark_as_alive(descriptor, locks)
            yield tuple(temporary)
            for file, path in zip(temporary, paths, strict=True):
                file.chmod(0o644)
                file.replace(path)
        finally:
            for file in temporary:
                file.unlink(missing_ok=True)


def _start(path: Path) -> str:
    return f".{path.name[:80]}-"


def _mark_as_alive(descriptor: int, locks: ExitStack) -> None:
    """Lock the file until `locks` close; the system drops the lock when the process ends, however it ends."""
    if fcntl is None:
        os.close(descriptor)
        return
    locks.callback(os.close, descriptor)
    with suppress(OSError):  # a disk without locks: nothing left over is removed there
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_leftovers(path: Path) -> None:
    """Remove this user's temporary files for `path` whose process has ended; those of a living one are locked."""
    if fcntl is None:
        return
    form = re.compile(re.escape(_start(path)) + "[a-z0-9_]{8}" + re.escape(path.suffix))
    with suppress(OSError), os.scandir(path.parent) as items:
        for item in items:
            if form.fullmatch(item.name):
                with suppress(OSError):
                    _remove_dead(Path(item.path))


def _remove_dead(file: Path) -> None:
    lock = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()
    finally:
        os.close(lock)


def write_whole(path: Path, text: str) -> None:
    """Write one text file whole. Raises OSError."""
    write_all({path: text})


def write_all(files: Mapping[Path, str]) -> None:
    """Write text files that belong together: none is replaced before all are on disk. Raises OSError."""
    with replacing(*files) as temporary:
        for file, text in zip(temporary, files.values(), strict=True):
            file.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_output(path: Path, data: bytes, inputs: Iterable[Path]) -> None:
    """Write the file. Raises BadLab if it would replace one of the inputs or cannot be written."""
    shown = visible_path(path)
    if any(_same(path, one) for one in inputs):
        raise BadLab(
            message("{file} is an input and would be overwritten. Choose another file with --out.", file=shown)
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as (file,):
            file.write_bytes(data)
    except OSError as error:
        sentence = message(
            "{file} cannot be written: {why}. Free some space, or choose another path with --out.",
            file=shown,
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error


def placed(out: Path | None, home: Path, name: str) -> Path:
    """Return the path for a file: `out`, or `name` in `out` if that is a folder, or `name` in `home` without `out`."""
    if out is None:
        return home / name
    return out / name if out.is_dir() else out


def zipped(files: Iterable[tuple[str, bytes]], programs: Iterable[str] = ()) -> bytes:
    """Return a zip of these files, each held only until it is packed; `programs` names the executable ones."""
    runnable = set(programs)
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = (0o100755 if name in runnable else 0o100644) << 16
            info.create_system = 3  # Unix: otherwise the permissions are ignored
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def require_room(out: Path) -> None:
    """Check that results can be written below `out`, and leave nothing there. Raises BadLab."""
    with made(out), tempfile.TemporaryFile(dir=out) as file:
        file.write(bytes(ROOM_BYTES))


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder, and at the end remove what was made and is empty. Raises BadLab for any OSError in the block."""
    missing: list[Path] = []
    try:
        missing += [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        sentence = message(
            "{folder} cannot be written: {why}. No partial files were left behind. Free some space there,"
            " fix its permissions, or choose another folder with --out.",
            folder=visible_path(folder),
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
    finally:
        for path in missing:
            with suppress(OSError):  # not empty, or never made
                path.rmdir()


def _same(one: Path, other: Path) -> bool:
    """Return whether both paths lead to the same file, through any links."""
    if one.absolute() == other.absolute():
        return True
    return one.exists() and other.exists() and one.samefile(other)
