"""Keeps a page within its size limit: the heaviest exhibit is left out, and the page says so."""

from __future__ import annotations

from dataclasses import replace

from reports.page import Flagged, Line, Page
from reports.shapes import LeftOut, Shown
from reports.thumbnails import embedded


def lighter(page: Page) -> Page | None:
    """Replace the page's heaviest exhibit by a sentence; None if there is none to replace."""
    heaviest = max(page.exhibits, key=_weight, default=None)
    if heaviest is None or isinstance(heaviest, LeftOut):
        return None

    def cut(part: Line) -> Line:
        return replace(part, exhibits=_without(part.exhibits, heaviest))

    def cut_flag(part: Flagged) -> Flagged:
        return replace(part, exhibits=_without(part.exhibits, heaviest))

    smaller = replace(page, lines=tuple(map(cut, page.lines)), flags=tuple(map(cut_flag, page.flags)))
    return replace(smaller, pictures=embedded(smaller.exhibits))


def _without(exhibits: tuple[Shown, ...], heaviest: Shown) -> tuple[Shown, ...]:
    return tuple(LeftOut(heaviest.title) if exhibit is heaviest else exhibit for exhibit in exhibits)


def _weight(exhibit: Shown) -> int:
    return 0 if isinstance(exhibit, LeftOut) else len(repr(exhibit).encode("utf-8", "backslashreplace"))
