"""Finds the images that a report names among those that were handed in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence


class Paths:
    """Indices of paths by their last two parts, or by their name if it is unique.

    Leading folders differ between machines, and case differs between systems.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._places: dict[str, int] = {}
        names = Counter(_plain(_tail(path, 1)) for path in paths)
        for place, path in enumerate(paths):
            for key in (_tail(path, 2), _plain(_tail(path, 2))):
                self._places.setdefault(key, place)
            if names[_plain(_tail(path, 1))] == 1:
                self._places.setdefault(_plain(_tail(path, 1)), place)

    def find(self, path: str) -> int | None:
        """Return the index of the image; None if it was not found."""
        for key in (_tail(path, 2), _plain(_tail(path, 2)), _plain(_tail(path, 1))):
            if key in self._places:
                return self._places[key]
        return None


def _tail(path: str, parts: int) -> str:
    return "/".join(part for part in path.strip().replace("\\", "/").split("/")[-parts:] if part not in ("", "."))


def _plain(path: str) -> str:
    """Normalise what differs between systems and printers: case, full-width letters, composed accents."""
    return unicodedata.normalize("NFKC", path).casefold()
