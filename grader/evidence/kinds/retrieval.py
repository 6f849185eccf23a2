"""The retrieval report: what it states, its images, and the result of recomputing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from grader.evidence.fields import Count, Name, Share
from grader.evidence.registry import record
from grader.records import Message, Picture, strict

Metric = Literal["cosine", "euclidean"]
TileHash = Annotated[str, Field(pattern=r"^[0-9a-zA-Z+-]{432}$")]  # as probes/retrieval/pictures.py makes it
TOP = 5  # matches that count: the five best
MOST_RUNS, MOST_QUERIES, MOST_MATCHES, MOST_IMAGES = 10, 200, 20, 2_000


@strict
@dataclass(frozen=True, slots=True)
class Match:
    """One line of a ranking: an image of the library and its score; None: missing, or no finite number."""

    path: Name
    score: float | None
    line: Count = 0  # of the document, 0 where lines mean nothing


@strict
@dataclass(frozen=True, slots=True)
class ReportedQuery:
    """A query and its matches in the report, best first."""

    query: Name
    matches: Annotated[tuple[Match, ...], Field(max_length=MOST_MATCHES)]
    label: Name = ""  # its class as the report states it, "" where it does not
    line: Count = 0


@strict
@dataclass(frozen=True, slots=True)
class Pipeline:
    """How an image becomes the input of an ImageNet network: resized, centre-cropped, scaled, normalised."""

    resize: Annotated[int, Field(ge=1, le=1024)]  # shorter side, pixels
    crop: Annotated[int, Field(ge=0, le=1024)]  # side of the centre that is kept, pixels; 0: all of it
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    antialias: bool = True
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    squash: bool = False  # both sides to `resize`, whatever the shape
    scale: Annotated[float, Field(gt=0.0)] = 255.0  # pixels are divided by it
    blue_first: bool = False


@strict
@dataclass(frozen=True, slots=True)
class ReportedRun:
    """What the report states for one model. Empty texts and None: not stated."""

    model: Name
    queries: Annotated[tuple[ReportedQuery, ...], Field(max_length=MOST_QUERIES)]
    weights: Name = ""  # "IMAGENET1K_V1", "random", "final.pth"
    seed: int | None = None
    layer: Name = ""
    dim: Count = 0
    metric: Literal["cosine", "euclidean", ""] = ""
    pipeline: Pipeline | None = None
    precision_at_5: Share | None = None
    top1: Share | None = None
    line: Count = 0
    more_queries: Count = 0  # beyond those that are kept
    by_number: bool = False  # numbers stand for the images, in place of names


@strict
@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line that looks like part of a ranking but could not be parsed."""

    line: Count
    text: Name


@record
@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """The rankings as handed in, in whatever format."""

    source: Name  # "retrieval.json"; "report.pdf"
    form: Literal["JSON", "printed log", "table", "CSV", "LaTeX table"]
    runs: Annotated[tuple[ReportedRun, ...], Field(max_length=MOST_RUNS)]
    unread: Annotated[tuple[UnreadLine, ...], Field(max_length=20)] = ()
    unread_count: Count = 0
    percent: bool = False  # scores were written in percent and are given here as shares
    line_is: Literal["line", "page", "cell"] = "line"  # what the numbers of lines count: a PDF has pages only
    passed_over: Annotated[tuple[Name, ...], Field(max_length=40)] = ()  # likelier documents without a ranking
    doubtful: Count = 0  # passages that may rank images as well, but not for certain
    more_sources: Annotated[tuple[Name, ...], Field(max_length=MOST_RUNS)] = ()  # documents with further models
    kind: Literal["retrieval_report"] = "retrieval_report"


@strict
@dataclass(frozen=True, slots=True)
class LibraryImage:
    """An image that was handed in. `content` is a digest of its pixels, "" if it cannot be read."""

    path: Name  # from the submission's root: "library/cat/1.jpg"
    label: Name  # its class: its folder's name; of a query without a folder its stem
    content: Name = ""
    nearness: Name = ""  # perceptual hash, 64 hexadecimal digits
    width: Count = 0
    height: Count = 0
    problem: Message | None = None
    thumbnail: Picture | None = None
    prepared: Annotated[tuple[TileHash, ...], Field(max_length=MOST_RUNS)] = ()  # one for each preparation


@record
@dataclass(frozen=True, slots=True)
class RetrievalImages:
    """The library and the queries, each sorted by path."""

    library: Annotated[tuple[LibraryImage, ...], Field(max_length=MOST_IMAGES)]
    queries: Annotated[tuple[LibraryImage, ...], Field(max_length=MOST_QUERIES)]
    more: Count = 0  # images beyond those that are checked
    notes: Annotated[tuple[Message, ...], Field(max_length=50)] = ()
    kind: Literal["retrieval_images"] = "retrieval_images"


@strict
@dataclass(frozen=True, slots=True)
class Agreement:
    """How many items of one query satisfy the rule, out of how many; `wide` counts at twice the tolerance."""

    of: Count
    kept: Count
    wide: Count


@strict
@dataclass(frozen=True, slots=True)
class ComparedQuery:
    """One query's top five and ours; sigma is the standard deviation of our scores over the library."""

    query: Name
    label: Name
    theirs: Annotated[tuple[Match, ...], Field(max_length=MOST_MATCHES)]  # paths as in the library
    ours: Annotated[tuple[Match, ...], Field(max_length=MOST_MATCHES)]
    sound: Agreement
    complete: Agreement
    ordered: Agreement
    regret: float  # of the worst image taken or missed, in sigma
    errors: Annotated[tuple[float, ...], Field(max_length=MOST_MATCHES)]  # of their scores, in sigma
    spread: float | None = None  # our best score less our fifth best
    rises: Count | None = None  # neighbours in their list of which the second has our better score


@strict
@dataclass(frozen=True, slots=True)
class Suspicion:
    """A mistake that was tried: how far the reported scores are from its scores, and how well the lists agree."""

    name: Name
    distance: float  # median of |their score - its score| / sigma
    soundness: Share  # at twice the tolerance
    order: Share
    example: float | None = None  # what it gives for the first match of the first query


@strict
@dataclass(frozen=True, slots=True)
class OtherWay:
    """The same rankings compared with another allowed way, where that differs from the declared one."""

    pipeline: Name
    queries: Annotated[tuple[ComparedQuery, ...], Field(max_length=MOST_QUERIES)]
    distance: float | None = None
    example: float | None = None


@strict
@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One model's rankings compared with recomputed ones; `basis` says what they were recomputed from.

    Compared as declared; `other_ways` were tried because the declared way does not agree to the digit. Which of
    them counts is a decision, which `measures/ranking_verdict.py` makes.
    """

    model: Name
    weights: Name
    metric: Metric
    basis: Literal["images", "features", "report"]
    pipeline: Name  # "as declared"
    queries: Annotated[tuple[ComparedQuery, ...], Field(max_length=MOST_QUERIES)]
    distance: float | None = None  # of their scores from the honest ones, as in Suspicion
    example: float | None = None  # our score for the first match of the first query
    suspicions: Annotated[tuple[Suspicion, ...], Field(max_length=50)] = ()
    missing: Annotated[tuple[Name, ...], Field(max_length=20)] = ()  # reported images that were not handed in
    absent: Count = 0  # queries among them, which could not be compared
    assumed: Annotated[tuple[Message, ...], Field(max_length=20)] = ()  # assumptions where the report states nothing
    why_not: Message | None = None  # why it was not computed from the images
    ours: bool = False  # `why_not` is for staff to mend: the grader's machine lacks the weights
    other_ways: Annotated[tuple[OtherWay, ...], Field(max_length=10)] = ()
    network: Name = ""  # digest of its weights, of drawn ones of their shapes; "" where it was not run


@record
@dataclass(frozen=True, slots=True)
class ComparedRankings:
    """All models of the report."""

    runs: Annotated[tuple[ComparedRun, ...], Field(max_length=MOST_RUNS)]
    kind: Literal["compared_rankings"] = "compared_rankings"
