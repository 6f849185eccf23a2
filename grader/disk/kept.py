"""Keep what took long to compute, as small files by digest in a folder that never grows beyond a bound."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grader.disk.whole import replacing

SHARDS = 256  # folders, by the first two digits of a key; each has its share of the bound
DIGEST = 32  # bytes of SHA-256 at the end of a file, of all that comes before


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of at most `most` bytes: what was used longest ago goes first. Several processes may share it.

    A file that is torn, changed or cannot be read is not there; what cannot be written is not kept.
    """

    folder: Path
    most: int

    def get(self, key: str) -> bytes | None:
        """Return what was kept under this key, a digest in hexadecimal."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data[:-DIGEST]).digest() != data[-DIGEST:]:
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return data[:-DIGEST]

    def put(self, key: str, data: bytes) -> None:
        """Keep this, and remove what was used longest ago if that is needed."""
        path = self._path(key)
        if len(data) + DIGEST > self.most // SHARDS:
            return
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(path) as (file,):
                file.write_bytes(data + hashlib.sha256(data).digest())
            self._make_room(path.parent)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _make_room(self, shard: Path) -> None:
        with os.scandir(shard) as items:
            files = sorted((item.stat().st_mtime_ns, item.path, item.stat().st_size) for item in items)
        over = sum(size for _, _, size in files) - self.most // SHARDS
        for _, path, size in files:
            if over <= 0:
                return
            with suppress(OSError):
                Path(path).unlink()
                over -= size
