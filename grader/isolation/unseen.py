"""Packages that cannot be imported although their folder is there: Landlock closes files, and cannot hide them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Unseen(MetaPathFinder):
    """Finds modules as Python does, but none below these folders; goes before Python's own finder."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(f"{folder}/" for folder in folders)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what Python finds. Raises ModuleNotFoundError below the folders, not PermissionError."""
        found = PathFinder.find_spec(fullname, path, target)
        if found is not None and (found.origin or "").startswith(self._folders):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return found
