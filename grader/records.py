"""The frozen values that pass between stages, and that `grade.json` is made of.

Nothing here does anything: no files, no torch, no words in a human language beyond the English templates that
`reports` translates. All sequences are tuples, so that a value can be shared, hashed and stored as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Literal, TypeVar

Scalar = str | int | float | bool
Audience = Literal["student", "staff"]

T = TypeVar("T")


def strict(record: type[T]) -> type[T]:
    """Read strictly from JSON: no unknown field, no NaN, no number from a text. Set here without importing pydantic."""
    record.__pydantic_config__ = {"extra": "forbid", "strict": True, "allow_inf_nan": False}  # type: ignore[attr-defined]
    return record


_FIELD = re.compile(r"[a-z_][a-z0-9_]*")


@strict
@dataclass(frozen=True, slots=True)
class Message:
    """A sentence not yet put into a language: an English template and the values that fill it, messages among them."""

    text: str
    values: tuple[tuple[str, Scalar | Message], ...] = ()

    def english(self) -> str:
        """The sentence in English, for logs and exceptions; pages go through `reports`."""
        plain = {name: value.english() if isinstance(value, Message) else value for name, value in self.values}
        return self.text.format(**plain)


def message(text: str, /, **values: Scalar | Message) -> Message:
    """Build a Message; ValueError where template and values do not name the same fields, which is a bug of ours."""
    pieces = [(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None]
    fields = {name for name, _ in pieces}
    plain = all(_FIELD.fullmatch(name) and "{" not in spec for name, spec in pieces)
    if fields != set(values) or not plain:
        raise ValueError(f"message fields {sorted(fields)} and values {sorted(values)} differ: {text!r}")
    return Message(text, tuple(values.items()))


def stacked(above: Message, below: Sequence[Message], mark: str = "") -> Message:
    """Sentences on lines of their own. Each is a value of its own, because a report cuts long values."""
    for line in below:
        above = message("{above}\n{mark}{line}", above=above, mark=mark, line=line)
    return above


def joined(text: str, parts: Sequence[Scalar | Message]) -> Scalar | Message:
    """Several as one: `joined("{first} and {second}", names)` takes the template again for each further name."""
    whole = parts[0]
    for part in parts[1:]:
        whole = message(text, first=whole, second=part)
    return whole


# --- exhibits: what a report shows beside a sentence -----------------------------------------------------------

Cell = Message | str | int | float | None  # a str is verbatim: a file name, or a student's own text


@strict
@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, cells as they are. For staff alone where they tell of hidden inputs."""

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
    """Labelled shares of counts, for example correct images in each class."""

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
    """Lines over one pair of axes, and single points to hold against them. `y_unit` is "%" for shares in percent."""

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
    """Square counts, rows the truth and columns the answer: a confusion matrix."""

    title: Message
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    form: Literal["matrix"] = "matrix"


@strict
@dataclass(frozen=True, slots=True)
class Listing:
    """Verbatim lines: a student's output, a traceback, a list of keys. For staff alone as a Table is."""

    title: Message
    lines: tuple[str, ...]
    form: Literal["listing"] = "listing"
    audience: Audience = "student"


@strict
@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture, made by the grader from pixels: PNG or JPEG, base64. `name` is what it shows: a path."""

    name: str
    media: Literal["image/png", "image/jpeg"]
    data: str


@strict
@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture with what is written below it."""

    picture: Picture
    captions: tuple[Cell, ...]


@strict
@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures beside each other, for example the images that a network got wrong."""

    title: Message
    pictures: tuple[LabelledPicture, ...]
    form: Literal["gallery"] = "gallery"


@strict
@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of a ranking. `right`: of the query's class; `agreed`: the other list has it too."""

    path: str
    score: float | None
    right: bool
    agreed: bool


@strict
@dataclass(frozen=True, slots=True)
class RankedQuery:
    """A query with two rankings, best first: the student's and the grader's ("" and () where there is none)."""

    query: str
    label: str
    theirs: tuple[Ranked, ...]
    ours: tuple[Ranked, ...]
    accepted: bool


@strict
@dataclass(frozen=True, slots=True)
class Ranking:
    """The rankings of one model, query by query. A picture belongs to a path by its name; not every path has one."""

    title: Message
    queries: tuple[RankedQuery, ...]
    pictures: tuple[Picture, ...] = ()
    form: Literal["ranking"] = "ranking"


Exhibit = Table | Bars | Curve | Matrix | Listing | Gallery | Ranking


# --- findings --------------------------------------------------------------------------------------------------


@strict
@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: a credit in [0, 1], one sentence of reason, what to try next, and what to look at."""

    credit: float
    message: Message
    hints: tuple[Message, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.credit <= 1.0:
            raise ValueError(f"credit {self.credit} is outside [0, 1]")


@strict
@dataclass(frozen=True, slots=True)
class Judged:
    """The check ran; the verdict holds its credit."""

    check: str
    verdict: Verdict
    state: Literal["judged"] = "judged"


@strict
@dataclass(frozen=True, slots=True)
class Blocked:
    """What the student handed in kept the check from running: no points, and the student acts."""

    check: str
    cause: Message
    exhibits: tuple[Exhibit, ...] = ()
    state: Literal["blocked"] = "blocked"


@strict
@dataclass(frozen=True, slots=True)
class Unjudged:
    """A fault of ours (no data, no sandbox, a bug): no mark at all, never a zero, and staff act."""

    check: str
    fault: Message
    exhibits: tuple[Exhibit, ...] = ()
    state: Literal["unjudged"] = "unjudged"


@strict
@dataclass(frozen=True, slots=True)
class Given:
    """What a person gave for a criterion marked by hand: `points` of the `of` that the rubric offered then.

    `hand_in` tells what was looked at: its digest, where it has one.
    """

    points: float
    of: float
    reason: str
    by: str
    on: str
    hand_in: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.points <= self.of:
            raise ValueError(f"{self.points} points of {self.of} cannot be given")

    @property
    def credit(self) -> float:
        """The share that was given: it outlasts a rubric that offers more or fewer points."""
        return self.points / self.of if self.of else 0.0


@strict
@dataclass(frozen=True, slots=True)
class Manual:
    """A person marks this. `given` is None until one has; `earlier` marks are kept and no longer count."""

    check: str
    ask: Message
    exhibits: tuple[Exhibit, ...] = ()
    given: Given | None = None
    earlier: tuple[Given, ...] = ()
    state: Literal["manual"] = "manual"


Finding = Judged | Blocked | Unjudged | Manual


@strict
@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the rubric as the grade keeps it. `title` is the first sentence of the check's docstring."""

    check: str
    title: str
    points: float
    audience: Audience = "student"


@strict
@dataclass(frozen=True, slots=True)
class Mark:
    """A criterion and what was found for it."""

    criterion: Criterion
    finding: Finding

    @property
    def points(self) -> float | None:
        """Points awarded, to the hundredth; None where nothing was judged, or nobody has marked yet."""
        match self.finding:
            case Judged(verdict=verdict):
                return round(self.criterion.points * verdict.credit, 2)
            case Blocked():
                return 0.0
            case Unjudged():
                return None
            case Manual(given=given):
                return None if given is None else round(self.criterion.points * given.credit, 2)


@strict
@dataclass(frozen=True, slots=True)
class Flag:
    """For staff, worth no points: suspicion is not a verdict."""

    kind: str
    message: Message
    exhibits: tuple[Exhibit, ...] = ()


@strict
@dataclass(frozen=True, slots=True)
class Adjustment:
    """An appeal or a lateness: added beside the marks, never edited into them.

    A person's words are texts. What the grader works out itself says so in messages, and is worked out anew each time.
    """

    points: float
    reason: str | Message
    by: str | Message
    on: str
    about: Literal["", "lateness"] = ""
    open: bool = False  # no points yet: a person has to decide

    @property
    def by_person(self) -> bool:
        """False for what the grader works out."""
        return isinstance(self.by, str)


@strict
@dataclass(frozen=True, slots=True)
class Student:
    """Whose submission it is, as far as its file name tells. `identifier` is the platform's, "" where there is none."""

    name: str
    identifier: str = ""
    platform: Literal["", "canvas", "moodle", "gradescope"] = ""
    email: str = ""
    late: bool = False
    submitted: str = ""  # when it was handed in, ISO 8601 with time zone, where the platform tells
    due: str = ""  # and when it should have been


@strict
@dataclass(frozen=True, slots=True)
class MadeBy:
    """What is needed to repeat a grade. Texts are "" and counts 0 where nothing was measured."""

    grader: str
    python: str
    torch: str = ""
    rubric: str = ""  # SHA-256 of the rubric file
    dataset: str = ""  # name of the image set
    dataset_digest: str = ""  # SHA-256 of the test images and labels in the official binary layout
    device: str = ""
    device_name: str = ""
    precision: str = ""
    batch_size: int = 0
    logits_digest: str = ""  # SHA-256 of the float32 logits, little-endian, row by row
    sandbox: str = ""
    command: str = ""
    graded_at: str = ""  # ISO 8601, UTC


@strict
@dataclass(frozen=True, slots=True)
class Grade:
    """One submission, graded: the record from which every other format is made."""

    student: Student
    digest: str  # SHA-256 of the archive, or of a folder's files
    archive: str  # name of the file or folder that was handed in
    marks: tuple[Mark, ...]
    accuracy: float | None  # share of test images named correctly, in [0, 1]; None where it was not measured
    made_by: MadeBy
    flags: tuple[Flag, ...] = ()
    notes: tuple[Message, ...] = ()  # what intake set aside or repaired
    adjustments: tuple[Adjustment, ...] = ()
    unusable: bool = False  # the archive itself was refused: every finding is Blocked by that
    schema: Literal["grade/1"] = field(default="grade/1")

    @property
    def total(self) -> float:
        """Points awarded plus adjustments, never below zero. Unjudged criteria add nothing: see `needs_human`."""
        awarded = sum(mark.points or 0.0 for mark in self.marks)
        return max(0.0, round(awarded + sum(a.points for a in self.adjustments), 2))

    @property
    def points(self) -> float:
        """Points that the rubric offers in all."""
        return round(sum(mark.criterion.points for mark in self.marks), 2)

    @property
    def unjudged(self) -> tuple[Mark, ...]:
        """Criteria without a mark: by a fault of ours, or because a person has not marked them yet."""
        return tuple(mark for mark in self.marks if mark.points is None)

    @property
    def needs_human(self) -> bool:
        """True where staff must act before this grade is final."""
        return bool(self.unjudged) or any(one.open for one in self.adjustments)


# --- what is ready and what is not -----------------------------------------------------------------------------

State = Literal["good", "worse", "bad"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of an examination: "worse" is usable with less, or could not be told; "bad" has to be mended."""

    subject: Message
    state: State
    said: Message
    steps: tuple[Message, ...] = ()  # what to do next


# --- the submission, unpacked ----------------------------------------------------------------------------------


@strict
@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A regular file below a submission's root: `path` relative, with forward slashes; size in bytes."""

    path: str
    size: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@strict
@dataclass(frozen=True, slots=True)
class Parts:
    """Which submitted file is which, as paths relative to the root; chosen from names alone, nothing is opened.

    `checkpoints` holds every `final.pth` of the shallowest depth at which there is one: one is right, two need a human.
    """

    checkpoints: tuple[str, ...] = ()
    other_weights: tuple[str, ...] = ()  # .pth, .pt, ... that are not the hand-in: named when final.pth is missing
    sources: tuple[str, ...] = ()  # .py, the ones nearest to the root first
    notebooks: tuple[str, ...] = ()  # .ipynb, likewise
    history: str = ""  # history.json, "" where there is none
    retrieval: str = ""  # retrieval.json
    rankings: tuple[str, ...] = ()  # other files that may hold a ranking: retrieval.txt, ranking.csv
    reports: tuple[str, ...] = ()  # report.pdf, report.md first, then other .pdf, .md, .txt, .docx
    dataset: tuple[str, ...] = ()  # CIFAR-10 itself: named, and asked not to be handed in


@strict
@dataclass(frozen=True, slots=True)
class Submission:
    """A submission on disk, unpacked and bounded, nothing executed. All of `files` are regular files below `root`.

    `notes` say what a person should know: what was left out, repaired or renamed on the way.
    """

    student: Student
    digest: str
    archive: str
    root: Path
    files: tuple[SubmittedFile, ...]
    parts: Parts
    notes: tuple[Message, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)
