"""Groups lost points by kind of fault, with true counts. A kind says nothing about one student."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.records import N_, Blocked, Grade, Judged, Mark, Message, message
from reports.marks import FILE, MISSING, lost
from reports.text import VALUE_LIMIT, clip, figure, points, titled, words

MOST = 12  # kinds that are listed; rarer ones are counted together
UNOPENED = message("archive that could not be opened")
OTHERWISE = message("other reasons")
OF_CRITERION = {  # where everybody has a figure of their own, which says nothing of a kind
    "measured_accuracy": message("accuracy below the threshold for full points"),
}
UNUSABLE = N_("file that cannot be read or used")
KINDS = {  # of what could not be looked at, by its code
    MISSING: N_("not handed in"),
    "renamed": N_("handed in under another name"),
    "task_open": N_("task left unwritten"),
    "code_task": N_("task left unwritten"),
    "template": N_("task left unwritten"),
    "code_function": N_("function that was not found"),
    "code_syntax": N_("not valid Python"),
    "code_endless": N_("code that never ended"),
    "code_late": N_("code that never ended"),
    "code_raised": N_("code that raised an error"),
    "code_exit": N_("code that ended the program"),
    "code_script": N_("script that trains when it is imported"),
    "code_package": N_("package that is not there"),
    "code_package_there": N_("package that is not there"),
    "code_returned": N_("value of another kind returned"),
    "not_finite": N_("weights that are not finite"),
    "retrieval_empty": N_("no ranking found"),
    "retrieval_other": N_("no ranking found"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault: how many submissions have it, on which criteria, and the points that they lost by it."""

    token: str  # of the rows that have it
    label: str
    criteria: tuple[str, ...]
    count: str
    lost: str


@dataclass(frozen=True, slots=True)
class _Lost:
    """Points that one submission lost to a kind."""

    kind: tuple[Message, str]  # its words, and the criterion where these alone do not tell kinds apart
    place: int  # of the submission
    title: str
    points: float


def faults(grades: Sequence[Grade]) -> tuple[tuple[Fault, ...], tuple[tuple[str, ...], ...]]:
    """Return the kinds of fault, the most frequent first, and the tokens of those that each grade has."""
    grouped = list(_grouped(grades))
    tokens = (tuple(fault.token for fault, places in grouped if place in places) for place in range(len(grades)))
    return tuple(fault for fault, _ in grouped), tuple(tokens)


def _grouped(grades: Sequence[Grade]) -> Iterator[tuple[Fault, frozenset[int]]]:
    shared = Counter(said for grade in grades for said in {_said(mark) for mark in grade.marks} if said)
    groups: dict[tuple[Message, str], list[_Lost]] = {}
    for place, grade in enumerate(grades):
        for one in _lost(place, grade, shared):
            groups.setdefault(one.kind, []).append(one)
    counted = [(frozenset(one.place for one in all_), kind, all_) for kind, all_ in groups.items()]
    for number, (places, kind, all_) in enumerate(sorted(counted, key=_rank)[:MOST]):
        yield (
            Fault(
                token=f"f{number}",
                label=clip(words(kind[0]), VALUE_LIMIT),
                criteria=tuple(dict.fromkeys(one.title for one in all_ if one.title)),
                count=figure(len(places)),
                lost=points(round(sum(one.points for one in all_), 2)) if kind[0] != UNOPENED else "–",
            ),
            places,
        )


def _rank(group: tuple[frozenset[int], tuple[Message, str], list[_Lost]]) -> tuple[int, int]:
    """Order kinds: what could not be opened, what has a name, the most frequent first, then other reasons."""
    places, (said, _), _ = group
    return (said == OTHERWISE) - (said == UNOPENED), -len(places)


def _lost(place: int, grade: Grade, shared: Counter[Message]) -> Iterator[_Lost]:
    if grade.unusable and grade.needs_human:  # nobody has decided anything: no points were lost so far
        yield _Lost((UNOPENED, ""), place, "", 0.0)
        return
    for mark in grade.marks:
        if mark.points is not None and (gone := lost(mark)) > 0:
            yield _Lost(_kind(mark, shared), place, titled(mark.criterion), gone)


def _kind(mark: Mark, shared: Counter[Message]) -> tuple[Message, str]:
    """Name the kind: by the code of what was refused, else by the reason, if several or anybody may be told it."""
    finding = mark.finding
    if isinstance(finding, Blocked) and mark.given is None:
        return _refused(finding), ""
    if mark.criterion.kind in OF_CRITERION:
        return OF_CRITERION[mark.criterion.kind], mark.criterion.check
    said = _said(mark)
    if said and (not said.values or (shared[said] > 1 and not _composed(said))):
        return said, mark.criterion.check
    return OTHERWISE, mark.criterion.check


def _composed(said: Message) -> bool:
    """Return whether a sentence lists several things: then it stands beside others that are about one of them."""
    return any(isinstance(value, Message) for _, value in said.values)


def _refused(finding: Blocked) -> Message:
    named = [value for name, value in finding.cause.values if name in FILE]
    if finding.code == MISSING and named:
        return message("{file} not handed in", file=named[0])
    return Message(KINDS.get(finding.code, UNUSABLE))


def _said(mark: Mark) -> Message | None:
    """Return the reason of a mark that the grader gave; what a person wrote is for one student."""
    return mark.finding.verdict.message if isinstance(mark.finding, Judged) and mark.given is None else None
