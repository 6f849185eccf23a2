"""Re-mark a class with another rubric, from stored evidence. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from grader.disk.names import visible, visible_path
from grader.gradebook.decisions import LEFT_ASIDE, carry_over
from grader.gradebook.evidence import read_evidence
from grader.gradebook.files import EVIDENCE_FILE, Changed, Stored, read_stored, save
from grader.gradebook.lock import held
from grader.marking.flags import RAISED
from grader.marking.mark import mark
from grader.marking.rubric import Line, Rubric
from grader.records import (
    Blocked,
    Cell,
    Checked,
    Finding,
    Grade,
    Manual,
    Mark,
    Message,
    Table,
    Unjudged,
    message,
)
from grader.records.errors import BadLab


@dataclass(frozen=True, slots=True)
class Regraded:
    """The re-marked grades, in the order of their folders, and those that cannot be re-marked."""

    grades: tuple[Changed, ...]
    refusals: tuple[BadLab, ...]
    renamed: tuple[tuple[str, str], ...] = ()  # criteria that had another name when the grades were stored

    @property
    def changed(self) -> tuple[Changed, ...]:
        """Return those that differ from before, even if only in the rubric's digest."""
        return tuple(one for one in self.grades if one.differs)

    @property
    def moved(self) -> tuple[Changed, ...]:
        """Return those whose total or a criterion changed, largest loss first."""
        found = [one for one in self.grades if _reasons(one)]
        return tuple(sorted(found, key=lambda one: (_difference(one), one.after.student.name.casefold())))


def regrade(folder: Path, rubric: Rubric) -> Regraded:
    """Re-mark every grade below the folder. Writes nothing. Raises BadLab if there is none."""
    stored, unread = read_stored(folder)
    grades: list[Changed] = []
    refusals: list[BadLab] = list(unread)
    for one in stored:
        try:
            grades.append(Changed(one.path, one.grade, _again(one, rubric)))
        except BadLab as error:
            refusals.append(error)
    renamed = dict.fromkeys(pair for one in stored for pair in one.renamed)
    return Regraded(tuple(grades), tuple(refusals), tuple(renamed))


def write(folder: Path, done: Regraded) -> None:
    """Save the changed grades, all or none. Raises BadLab, also if a grade has changed since it was re-marked."""
    with held(folder):
        save(done.changed)


def _again(one: Stored, rubric: Rubric) -> Grade:
    """Return the new grade, with what people decided, flags that no evidence raises, and how it was measured."""
    old = one.grade
    path = one.path.with_name(EVIDENCE_FILE)
    if path.is_file():
        new = mark(read_evidence(path, old), rubric, old.made_by)
        others = tuple(flag for flag in old.flags if flag.kind not in RAISED)
        new = replace(new, student=old.student, flags=(*others, *new.flags), notes=old.notes)
    else:
        new = _without_evidence(one, rubric)
    return carry_over(old, new)


def _without_evidence(one: Stored, rubric: Rubric) -> Grade:
    """Re-mark a submission that could not be opened: the same cause blocks every criterion of any rubric."""
    findings = [found.finding for found in one.grade.marks]
    measured = [finding for finding in findings if not isinstance(finding, Manual)]
    causes = {_cause(finding) for finding in measured or findings[:1]}
    cause = causes.pop() if len(causes) == 1 else None
    if cause is None:
        sentence = message(
            "{file} is missing, and nothing can be re-marked without it. Grade this submission again.",
            file=visible_path(one.path.with_name(EVIDENCE_FILE)),
        )
        raise BadLab(sentence)
    marks = tuple(Mark(line.criterion, _same_cause(line, cause, one.grade.unusable)) for line in rubric.lines)
    return replace(one.grade, marks=marks, made_by=replace(one.grade.made_by, rubric=rubric.digest), exhibits="")


def _cause(finding: Finding) -> Message | None:
    match finding:
        case Blocked(cause=cause) | Unjudged(fault=cause) | Manual(ask=cause):
            return cause
        case _:
            return None


def _same_cause(line: Line, cause: Message, unusable: bool) -> Finding:
    name = line.criterion.check
    if unusable:
        return Blocked(name, cause)
    return Manual(name, cause) if line.check is None else Unjudged(name, cause)


# --- who gains and who loses -------------------------------------------------------------------------------------


def comparison(done: Regraded) -> Table:
    """Tabulate who gains and who loses, largest loss first, and by which criteria."""
    columns = (message("Student"), message("Before"), message("After"), message("Difference"), message("By"))
    rows = tuple(
        (visible(one.after.student.name), one.before.total, one.after.total, _signed(_difference(one)), _why(one))
        for one in done.moved
    )
    return Table(message("Who gains and who loses"), columns, rows)


def summary(done: Regraded) -> Iterator[Checked]:
    """Summarise how many gain and lose, and what a person should know before this is written."""
    differences = [_difference(one) for one in done.grades]
    gain, lose = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    said = message(
        "gain: {gain}, lose: {lose}, same total: {same}", gain=gain, lose=lose, same=len(differences) - gain - lose
    )
    yield Checked(message("Grades"), "good", said)
    for old, new in done.renamed:
        text = message("these grades were stored by an earlier version, which called {new} {old}", old=old, new=new)
        yield Checked(message("Criterion renamed"), "good", text)
    waiting = sum(one.after.needs_human and not one.before.needs_human for one in done.grades)
    if waiting:
        yield Checked(message("Need a human now"), "worse", message("{count}", count=waiting))
    lost = [flag for one in done.grades for flag in one.after.flags if flag.kind == LEFT_ASIDE]
    kept = {flag for one in done.grades for flag in one.before.flags}
    for flag in dict.fromkeys(lost):
        if flag not in kept:
            yield Checked(message("No longer counts"), "worse", flag.message)


def _difference(one: Changed) -> float:
    return round(one.after.total - one.before.total, 2)


def _why(one: Changed) -> Cell:
    said = [message("{name} {change}", name=name, change=change) for name, change in _reasons(one)]
    last = said.pop()
    while said:
        last = message("{first}, {rest}", first=said.pop(), rest=last)
    return last


def _reasons(one: Changed) -> list[tuple[str | Message, str]]:
    """List criteria and adjustments whose points changed, with the change; "?" where a person has yet to mark."""
    before, after = _points(one.before), _points(one.after)
    found = []
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name, 0.0), after.get(name, 0.0)
        if was != now:
            found.append((name, "?" if now is None else _signed(round(now - (was or 0.0), 2))))
    return found


def _points(grade: Grade) -> dict[str | Message, float | None]:
    """Return points by criterion and by who adjusted; None where there is no mark yet."""
    points: dict[str | Message, float | None] = {found.criterion.check: found.points for found in grade.marks}
    for one in grade.counted:
        points[one.by] = round((points.get(one.by) or 0.0) + one.points, 2)
    return points


def _signed(value: float) -> str:
    return f"{value:+g}" if value else "0"
