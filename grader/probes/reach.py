"""Tests what probes can reach: `grade doctor` runs this inside the real sandbox."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def try_to_reach(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Try to reach the user's home, the grader's folder, a socket of the parent, its process, and to write outside."""
    del files
    return {
        "home": _can_list(Path(inputs["home"])),
        "rubric": _can_read(Path(inputs["rubric"])),
        "network": _can_connect(int(inputs["port"])),
        "parent": _can_see(int(inputs["pid"])),
        "root": hasattr(os, "geteuid") and os.geteuid() == 0,
    }, {}


def _can_list(folder: Path) -> bool:
    """Return whether a file is visible there: the folders that lead to Python are recreated inside, and are empty."""
    try:
        return any(entry.is_file() for entry in folder.iterdir())
    except OSError:
        return False


def _can_read(file: Path) -> bool:
    try:
        return bool(file.read_bytes())
    except OSError:
        return False


def _can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _can_see(pid: int) -> bool:
    try:
        return "grade" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
