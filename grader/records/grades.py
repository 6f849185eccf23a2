"""Findings and their points: verdicts, findings, marks, and the Grade that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from grader.records.exhibits import Exhibit
from grader.records.messages import Audience, Message, strict
from grader.records.students import Student


@strict
@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check: a credit in [0, 1], a one-sentence reason, hints, and exhibits.

    `faulty`: the reason names a fault to mend, as the hints do; else it only says what was found.
    """

    credit: float
    message: Message
    hints: tuple[Message, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    faulty: bool = False

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
    """The check could not run because of what was handed in: no points, and the student must act.

    `code` names the kind of refusal for programs, "" for an archive that could not be opened.
    """

    check: str
    cause: Message
    exhibits: tuple[Exhibit, ...] = ()
    code: str = ""
    state: Literal["blocked"] = "blocked"


@strict
@dataclass(frozen=True, slots=True)
class Unjudged:
    """The check could not run through our fault (no data, no sandbox, a bug): no mark, never a zero; staff must act."""

    check: str
    fault: Message
    exhibits: tuple[Exhibit, ...] = ()
    code: str = ""
    state: Literal["unjudged"] = "unjudged"


@strict
@dataclass(frozen=True, slots=True)
class Given:
    """Points that a person gave for a criterion: `points` out of `of`, as the rubric offered then.

    `hand_in` identifies what was marked: its digest, if it has one.
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
        """The share that was given: it stays valid if the rubric's points change."""
        return self.points / self.of if self.of else 0.0


@strict
@dataclass(frozen=True, slots=True)
class Manual:
    """Nothing is measured here: a person marks this, and `ask` says what that person looks at."""

    check: str
    ask: Message
    exhibits: tuple[Exhibit, ...] = ()
    state: Literal["manual"] = "manual"


Finding = Judged | Blocked | Unjudged | Manual


def exhibits_of(finding: Finding) -> tuple[Exhibit, ...]:
    """Return what a report shows in addition to the finding's words."""
    return finding.verdict.exhibits if isinstance(finding, Judged) else finding.exhibits


def with_exhibits(finding: Finding, exhibits: tuple[Exhibit, ...]) -> Finding:
    """Return the finding with these exhibits instead of its own."""
    if isinstance(finding, Judged):
        return replace(finding, verdict=replace(finding.verdict, exhibits=exhibits))
    return replace(finding, exhibits=exhibits)


@strict
@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the rubric as the grade keeps it. `title` is the first sentence of the check's docstring.

    `titles` are an instructor's own, by language. `network` is the one that it is about, where the lab has several;
    `check` then ends with a dot and its name.
    """

    check: str
    title: str
    points: float
    audience: Audience = "student"
    network: str = ""
    titles: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """Return the name of the check, whatever network it is about."""
        return self.check.removesuffix(f".{self.network}")


@strict
@dataclass(frozen=True, slots=True)
class Mark:
    """A criterion, what was found for it, and what a person gave, which counts instead of what was found.

    `earlier` marks by people are kept but no longer count.
    """

    criterion: Criterion
    finding: Finding
    given: Given | None = None
    earlier: tuple[Given, ...] = ()

    @property
    def credit(self) -> float | None:
        """The share of the points that counts; None if nothing was judged, or nobody has marked yet."""
        return self.given.credit if self.given else self._found

    @property
    def points(self) -> float | None:
        """Points awarded, rounded to hundredths; None where there is no mark."""
        return self._points(self.credit)

    @property
    def measured(self) -> float | None:
        """Points that the finding alone is worth; None if it is worth nothing until a person marks it."""
        return self._points(self._found)

    def _points(self, credit: float | None) -> float | None:
        return None if credit is None else round(self.criterion.points * credit, 2)

    @property
    def _found(self) -> float | None:
        match self.finding:
            case Judged(verdict=verdict):
                return verdict.credit
            case Blocked():
                return 0.0
            case Unjudged() | Manual():
                return None


@strict
@dataclass(frozen=True, slots=True)
class Flag:
    """A note for staff that does not change points: a suspicion is not a verdict.

    `asks_about` names the criterion that a person must mark before the grade is final, "" for none.
    """

    kind: str
    message: Message
    exhibits: tuple[Exhibit, ...] = ()
    asks_about: str = ""


@strict
@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change for an appeal or lateness: added to the marks, never edited into them.

    A person's words are plain text. The grader's own adjustments are messages, and are recomputed each time.
    """

    points: float
    reason: str | Message
    by: str | Message
    on: str
    about: Literal["", "lateness"] = ""
    hand_in: str = ""  # the submission that a person's decision is about, as in Given; "" for the one that is graded
    open: bool = False  # no points yet: a person has to decide

    @property
    def by_person(self) -> bool:
        """False for what the grader computes."""
        return isinstance(self.by, str)


@strict
@dataclass(frozen=True, slots=True)
class MadeBy:
    """What is needed to reproduce a grade. Texts are "" and counts are 0 if nothing was measured."""

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
    lab: str = ""  # its title
    lab_titles: tuple[tuple[str, str], ...] = ()  # the same by language: ("zh", ...)


@strict
@dataclass(frozen=True, slots=True)
class Grade:
    """One graded submission: the record from which every other format is made.

    `exhibits` is "" where they are in the findings; else they lie in the file of that SHA-256, for pages alone.
    """

    student: Student
    digest: str  # SHA-256 of the archive, or of a folder's files
    archive: str  # name of the file or folder that was handed in
    marks: tuple[Mark, ...]
    accuracy: float | None  # share of test images classified correctly, in [0, 1]; None if not measured
    made_by: MadeBy
    flags: tuple[Flag, ...] = ()
    notes: tuple[Message, ...] = ()  # what intake set aside or repaired
    adjustments: tuple[Adjustment, ...] = ()
    unusable: bool = False  # the archive itself was refused: every finding is Blocked by that
    zero: bool = False  # staff decided that an unusable archive earns nothing
    exhibits: str = ""
    schema: Literal["grade/4"] = field(default="grade/4")

    @property
    def total(self) -> float:
        """Points awarded plus adjustments, never below zero. Unjudged criteria add nothing: see `needs_human`."""
        awarded = sum(mark.points or 0.0 for mark in self.marks)
        return max(0.0, round(awarded + sum(one.points for one in self.counted), 2))

    @property
    def hand_in(self) -> str:
        """Identify this submission among those of the student: by its digest, or by its name if it was not read."""
        return self.digest or self.archive

    @property
    def counted(self) -> tuple[Adjustment, ...]:
        """The adjustments that are about this submission; those about another one are kept beside them."""
        return tuple(one for one in self.adjustments if one.hand_in in ("", self.hand_in))

    @property
    def points(self) -> float:
        """The sum of the points that the rubric offers."""
        return round(sum(mark.criterion.points for mark in self.marks), 2)

    @property
    def unjudged(self) -> tuple[Mark, ...]:
        """Criteria without a mark, because of a fault of ours or because nobody has marked them yet."""
        return tuple(mark for mark in self.marks if mark.points is None)

    @property
    def open(self) -> tuple[Mark, ...]:
        """Criteria on which a person has yet to decide.

        Without a mark, asked about by a flag, or of an archive that could not be opened.
        """
        refused = self.unusable and not self.zero
        return tuple(
            mark
            for mark in self.marks
            if mark.points is None or (mark.given is None and (refused or self.asking(mark.criterion.check)))
        )

    def asking(self, check: str) -> tuple[Flag, ...]:
        """Return the flags that ask a person to mark this criterion."""
        return tuple(flag for flag in self.flags if flag.asks_about == check)

    @property
    def unexamined(self) -> bool:
        """True where the archive could not be opened and nobody has decided anything: there are no points so far."""
        return self.unusable and not self.zero and all(mark.given is None for mark in self.marks)

    @property
    def needs_human(self) -> bool:
        """True where staff must act before this grade is final; a zero for what cannot be opened is their decision."""
        return bool(self.open) or any(one.open for one in self.counted)
