"""Drawn sets: small ones in the files of a public set, to walk through a lab without a network. Never the real one.

A folder is one by its marker, whose first line is the key of the set that it stands in for (`fixtures/drawn_sets.py`).
"""

from __future__ import annotations

from pathlib import Path

MARKER = "DRAWN.txt"
MOST_KEY = 100  # characters that are read of it


def drawn_at(folder: Path) -> str | None:
    """Return the key of the set that the files in a folder stand in for; None if they are not marked as drawn."""
    try:
        with (folder / MARKER).open(encoding="utf-8", errors="replace") as file:
            return file.readline(MOST_KEY).strip()
    except OSError:
        return None
