"""Apply people's decisions to stored grades: adjust points, mark any criterion. Earlier decisions are kept."""

from __future__ import annotations

import difflib
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from grader.disk.names import from_disk, visible, visible_path
from grader.gradebook.decisions import give, with_adjustments, with_reminders
from grader.gradebook.files import Changed, Stored, read_stored, save
from grader.gradebook.lock import held
from grader.records import Adjustment, Given, Grade, Mark, message, same
from grader.records.errors import BadLab

MOST_POINTS = 10_000.0
LONGEST_REASON = 500  # characters
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """Points for one student: for a criterion, instead of what was measured there; without one, added to the total.

    `lateness`: they take the place of the late policy.
    """

    points: float
    reason: str
    by: str
    on: str
    criterion: str = ""
    lateness: bool = False


def adjust(folder: Path, student: str, decision: Decision, complain: Callable[[BadLab], None]) -> Changed:
    """Store one decision; complain about grades that cannot be read.

    Raises BadLab if the student is not found or nothing can be written.
    """
    with held(folder):
        stored, refusals = read_stored(folder)
        for refusal in refusals:
            complain(refusal)
        one = find(Roll(stored, folder), student, shortened=True)
        changed = Changed(one.path, one.grade, decided(one.grade, decision))
        save([changed])
    return changed


def decided(grade: Grade, decision: Decision) -> Grade:
    """Return the grade with the decision applied. Raises BadLab for a decision that makes no sense."""
    decision = replace(decision, points=round(decision.points, 2), reason=decision.reason.strip())
    _require_sense(decision)
    if decision.criterion:
        _require_criterion(grade, decision.criterion)
        return with_reminders(replace(grade, marks=tuple(_marked(mark, decision, grade) for mark in grade.marks)))
    if not decision.points and not decision.lateness:
        raise BadLab(message("0 points change nothing. Give the points with their sign, for example --points -5."))
    about = Adjustment(
        decision.points, decision.reason, decision.by, decision.on, "lateness" if decision.lateness else "",
        hand_in=grade.hand_in,
    )  # fmt: skip
    people = tuple(one for one in grade.adjustments if one.by_person)
    return with_reminders(with_adjustments(grade, (*people, about)))


def _require_sense(decision: Decision) -> None:
    if not math.isfinite(decision.points) or abs(decision.points) > MOST_POINTS:
        raise BadLab(message("Points must be between -{most:g} and {most:g}.", most=MOST_POINTS))
    if not decision.reason:
        raise BadLab(message("A reason is required: the student sees it next to the points."))
    if len(decision.reason) > LONGEST_REASON:
        sentence = message(
            "The reason has {count} characters; at most {most} are allowed.",
            count=len(decision.reason),
            most=LONGEST_REASON,
        )
        raise BadLab(sentence)
    if not decision.by.strip():
        raise BadLab(message("Say who decided, with --by."))


def _require_criterion(grade: Grade, criterion: str) -> None:
    named = [mark.criterion.check for mark in grade.marks]
    if criterion in named:
        return
    shown = visible(criterion)
    if near := difflib.get_close_matches(criterion, named, n=1):
        raise BadLab(message("There is no criterion {criterion}; did you mean {near}?", criterion=shown, near=near[0]))
    sentence = message(
        "There is no criterion {criterion}; the criteria of this grade are {names}.",
        criterion=shown,
        names=", ".join(named),
    )
    raise BadLab(sentence)


def _marked(mark: Mark, decision: Decision, grade: Grade) -> Mark:
    if mark.criterion.check != decision.criterion:
        return mark
    most = mark.criterion.points
    if not 0.0 <= decision.points <= most:
        sentence = message(
            "{criterion} is worth 0 to {most:g} points; {points:g} is out of range.",
            criterion=decision.criterion,
            most=most,
            points=decision.points,
        )
        raise BadLab(sentence)
    return give(mark, Given(decision.points, most, decision.reason, decision.by, decision.on, grade.hand_in))


# --- finding the student -----------------------------------------------------------------------------------------


class Roll:
    """Look up the students below a folder by name, number, address or folder."""

    def __init__(self, stored: Iterable[Stored], folder: Path) -> None:
        self.root = folder
        self.stored = tuple(stored)
        self.by_name: dict[str, dict[Path, Stored]] = defaultdict(dict)
        self.shown: dict[str, str] = {}
        for one in self.stored:
            for name in filter(None, self._names(one)):
                self.by_name[same(name)][one.path] = one
                self.shown.setdefault(same(name), name)

    def place(self, one: Stored) -> str:
        """Return the student's folder as a command names it: with a slash, which no name has."""
        return "/".join(map(from_disk, one.path.parent.relative_to(self.root).parts)) + "/"

    def _names(self, one: Stored) -> Iterable[str]:
        for student in (one.grade.student, *one.grade.student.each):
            yield from (student.name, student.identifier, student.email)
        yield from (self.place(one), self.place(one).rstrip("/"))

    def called(self, wanted: str) -> tuple[Stored, ...]:
        """Return the students with this name, number, address or folder."""
        return tuple(self.by_name.get(same(wanted), {}).values())

    def begun(self, wanted: str) -> tuple[Stored, ...]:
        """Return the students whose name or folder begins so: half a number would be another student's."""
        start = same(wanted)
        return tuple(one for one in self.stored if start and any(map(_begins(start), self._words(one))))

    def _words(self, one: Stored) -> Iterable[str]:
        yield self.place(one)
        yield from (student.name for student in (one.grade.student, *one.grade.student.each))


def _begins(start: str) -> Callable[[str], bool]:
    """Whether a name begins with these words: Li is not Lisa."""
    return lambda name: re.match(rf"{re.escape(start)}(?![^\W_])", same(name)) is not None


def find(roll: Roll, wanted: str, shortened: bool = False) -> Stored:
    """Return the one student who is meant; `shortened`: by the beginning of a name too, if nobody has that name.

    Raises BadLab if there is none, or more than one.
    """
    match roll.called(wanted) or (roll.begun(wanted) if shortened else ()):
        case (one,):
            return one
        case ():
            near = difflib.get_close_matches(same(wanted), roll.by_name, n=1)
            if near:
                shown = visible(roll.shown[near[0]])
                sentence = message(
                    "There is no grade for {wanted} in {folder}; did you mean {near}?",
                    wanted=visible(wanted),
                    folder=visible_path(roll.root),
                    near=shown,
                )
                raise BadLab(sentence)
            sentence = message(
                "There is no grade for {wanted} in {folder}. Give a student's name or number, or a folder there.",
                wanted=visible(wanted),
                folder=visible_path(roll.root),
            )
            raise BadLab(sentence)
        case several:
            places = ", ".join(visible(roll.place(one)) for one in several[:MOST_NAMED])
            places += ", …" if len(several) > MOST_NAMED else ""
            sentence = message(
                "{wanted} matches {count} grades: {places}. Give the folder, with its slash.",
                wanted=visible(wanted),
                count=len(several),
                places=places,
            )
            raise BadLab(sentence)
