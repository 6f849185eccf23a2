"""What a report shows in addition to a sentence: tables, curves, pictures, rankings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.records.messages import Audience, Message, strict

Cell = Message | str | int | float | None  # a str is verbatim: a file name, or a student's own text


@strict
@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, with verbatim cells. For staff only if they reveal hidden inputs."""

    title: Message
    columns: tuple[Message, ...]
    rows: tuple[tuple[Cell, ...], ...]
    form: Literal["table"] = "table"
    audience: Audience = "student"


@strict
@dataclass(frozen=True, slots=True)
class Bar:
    """One labelled share, `part` of `whole` (counts)."""

    label: str
    part: int
    whole: int


@strict
@dataclass(frozen=True, slots=True)
class Bars:
    """Labelled shares of counts, for example correct images per class."""

    title: Message
    bars: tuple[Bar, ...]
    form: Literal["bars"] = "bars"


@strict
@dataclass(frozen=True, slots=True)
class Series:
    """One named line of a Curve: points (x, y) in the order in which they are joined."""

    name: Message
    points: tuple[tuple[float, float], ...]


@strict
@dataclass(frozen=True, slots=True)
class Point:
    """One named point on a Curve."""

    name: Message
    x: float
    y: float


@strict
@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over one pair of axes, and single points for comparison. `y_unit` is "%" for shares in percent."""

    title: Message
    x_label: Message
    y_label: Message
    series: tuple[Series, ...]
    points: tuple[Point, ...] = ()
    y_unit: Literal["", "%"] = ""
    form: Literal["curve"] = "curve"


@strict
@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix of counts: rows are true classes, columns are predicted classes."""

    title: Message
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    form: Literal["matrix"] = "matrix"


@strict
@dataclass(frozen=True, slots=True)
class Listing:
    """Verbatim lines: a student's output, a traceback, a list of keys. For staff only, as for Table."""

    title: Message
    lines: tuple[str, ...]
    form: Literal["listing"] = "listing"
    audience: Audience = "student"


@strict
@dataclass(frozen=True, slots=True)
class Picture:
    """A small image made by the grader from pixels: PNG or JPEG, base64. `name` is the path of what it shows."""

    name: str
    media: Literal["image/png", "image/jpeg"]
    data: str


@strict
@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture with its caption."""

    picture: Picture
    captions: tuple[Cell, ...]


@strict
@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side, for example misclassified images."""

    title: Message
    pictures: tuple[LabelledPicture, ...]
    form: Literal["gallery"] = "gallery"


@strict
@dataclass(frozen=True, slots=True)
class Ranked:
    """One place in a ranking. `right`: it has the query's class; `agreed`: the other list contains it too."""

    path: str
    score: float | None
    right: bool
    agreed: bool


@strict
@dataclass(frozen=True, slots=True)
class RankedQuery:
    """A query with two rankings, best first: the student's and the grader's ("" and () if there is none)."""

    query: str
    label: str
    theirs: tuple[Ranked, ...]
    ours: tuple[Ranked, ...]
    accepted: bool


@strict
@dataclass(frozen=True, slots=True)
class Ranking:
    """The rankings of one model, query by query. Pictures are matched to paths by name; not every path has one."""

    title: Message
    queries: tuple[RankedQuery, ...]
    pictures: tuple[Picture, ...] = ()
    form: Literal["ranking"] = "ranking"


Exhibit = Table | Bars | Curve | Matrix | Listing | Gallery | Ranking
