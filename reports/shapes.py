"""Exhibits prepared for a page: text ready to print, geometry ready to draw; `form` names the macro that draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reports.charts.curve import Plot


@dataclass(frozen=True, slots=True)
class TableShown:
    form: ClassVar[str] = "table"
    title: str
    columns: tuple[tuple[str, bool], ...]  # heading, and whether the column holds numbers
    rows: tuple[tuple[str, ...], ...]
    left_out: int
    long: bool


@dataclass(frozen=True, slots=True)
class BarShown:
    label: str
    counts: str
    percent: str
    width: str


@dataclass(frozen=True, slots=True)
class BarsShown:
    form: ClassVar[str] = "bars"
    title: str
    bars: tuple[BarShown, ...]
    together: BarShown | None
    long: bool = False


@dataclass(frozen=True, slots=True)
class MatrixShown:
    form: ClassVar[str] = "matrix"
    title: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]  # truth, then (class, count) of each answer
    commonest: tuple[str, ...]
    long: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a legend, `marker` drawn around (15, 7)."""

    name: str
    marker: str
    value: str = ""  # of a single point: "84.60% at 20"
    short: str = ""  # its value alone
    label: str = ""  # its name and value as they fit beside the plot


@dataclass(frozen=True, slots=True)
class CurveShown:
    form: ClassVar[str] = "curve"
    title: str
    x_label: str
    y_label: str
    described: str  # the drawing in a sentence, for those who hear the page
    unit: str
    plots: tuple[Plot, ...]
    series: tuple[Entry, ...]
    points: tuple[Entry, ...]
    data: TableShown
    left_out: int
    long: bool = False


@dataclass(frozen=True, slots=True)
class ListingShown:
    form: ClassVar[str] = "listing"
    title: str
    lines: tuple[str, ...]
    long: bool


@dataclass(frozen=True, slots=True)
class PictureShown:
    """An embedded picture: `data` is base64, `id` is derived from it."""

    id: str
    media: str
    data: str


@dataclass(frozen=True, slots=True)
class Framed:
    """`picture` is the id of an embedded picture, "" if there is none."""

    picture: str
    name: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GalleryShown:
    form: ClassVar[str] = "gallery"
    title: str
    items: tuple[Framed, ...]
    pictures: tuple[PictureShown, ...]
    left_out: int
    long: bool = False


@dataclass(frozen=True, slots=True)
class PlaceShown:
    """One place in a ranking."""

    picture: str
    path: str
    score: str
    right: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class QueryShown:
    picture: str
    path: str
    label: str
    accepted: bool
    theirs: tuple[PlaceShown, ...]
    ours: tuple[PlaceShown, ...]


@dataclass(frozen=True, slots=True)
class RankingShown:
    form: ClassVar[str] = "ranking"
    title: str
    queries: tuple[QueryShown, ...]
    summary: str
    pictures: tuple[PictureShown, ...]
    left_out: int
    long: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Replaces an exhibit that would make the page too large."""

    form: ClassVar[str] = "left_out"
    title: str
    long: bool = False


Shown = TableShown | BarsShown | MatrixShown | CurveShown | ListingShown | GalleryShown | RankingShown | LeftOut
