"""Opens what a student handed in: only regular files, read-only."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_read_only(path: Path) -> int:
    """Open a regular file without following links that a submission may have planted. Raises OSError."""
    # without O_NONBLOCK a named pipe would be waited for
    flags = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_BINARY", "O_NONBLOCK"))
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is not a regular file")
    return descriptor
