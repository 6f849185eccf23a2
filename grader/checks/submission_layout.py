"""Does the submission contain everything that the lab requires?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.evidence import Layout, OpenTask, Tasks
from grader.labs import the_lab
from grader.marking.check import BadLimit, Case, Doubt, check
from grader.records import Cell, LeftOut, Message, Scalar, SubmittedFile, Table, Verdict, fits, joined, message

MEGABYTE = 1_000_000
SCRIPT, NOTEBOOK = ".py", ".ipynb"


@dataclass(frozen=True, slots=True)
class LayoutLimits:
    """The required files, alternatives separated by `|`, and the size limit.

    Names, patterns such as *.ipynb, and folders with a trailing slash.
    """

    required: tuple[str, ...]
    megabytes: int

    def __post_init__(self) -> None:
        if self.megabytes <= 0:
            raise BadLimit(message("megabytes must be greater than 0"))
        if not all(name.strip("/| ") for name in self.required):
            raise BadLimit(message("required must not contain an empty name"))


@check(reads=Layout, limits=LayoutLimits)
def submission_layout(case: Case[Layout, LayoutLimits]) -> Verdict | Doubt:
    """Files.

    The submission contains every required file.
    """
    tasks = case.other(Tasks) or Tasks(())
    places = [(wanted, _find(wanted, case.seen.files)) for wanted in case.limits.required]
    left_out = {wanted: one for wanted, place in places if not place and (one := _left_out(wanted, case.seen))}
    table = _table(places, case.seen, tasks, left_out)
    for one in left_out.values():
        if one.state != "absent":  # it was handed in, and whether it can be used is for a person to say
            return Doubt(one.why, (table,))
    unfinished = [place for _, place in places if place and tasks.numbers(place)]
    perhaps = [
        wanted
        for wanted, place in places
        if not place and wanted not in left_out and _may_be_in_notebook(wanted, case.seen)
    ]
    missing = [wanted for wanted, place in places if not place and wanted not in perhaps]
    size = sum(file.size for file in case.seen.files) / MEGABYTE
    kept_small, no_data = size <= case.limits.megabytes, not case.seen.parts.dataset
    asked = len(places) - len(perhaps)  # what may be there costs nothing and earns nothing
    met = asked - len(missing) - len(unfinished) + kept_small + no_data
    hints = [_finish(task) for task in tasks.open if task.file in unfinished]
    hints += [left_out[wanted].why if wanted in left_out else _hint(wanted) for wanted in missing]
    hints += [] if no_data else [_no_data(case.seen.parts.dataset[0])]
    hints += [] if kept_small else [_smaller(case.limits.megabytes, size)]
    summary = _summary(missing, unfinished, no_data, kept_small)
    if perhaps and met == asked + 2:
        names = joined("{first}, {second}", perhaps)
        summary = message("No required file is certainly missing: {names} may be in a notebook.", names=names)
    return Verdict(met / (asked + 2), summary, tuple(hints), (table,))


def _find(wanted: str, files: tuple[SubmittedFile, ...]) -> str:
    """Find the path nearest to the root that matches an alternative, ignoring case; "" if there is none.

    A notebook of the same name is the script: the grader calls its functions as well.
    """
    if found := _nearest(wanted, files):
        return found
    scripts = [name for name in wanted.split("|") if name.casefold().endswith(SCRIPT)]
    return _nearest("|".join(name[: -len(SCRIPT)] + NOTEBOOK for name in scripts), files)


def _may_be_in_notebook(wanted: str, seen: Layout) -> bool:
    """Return whether it is a script, and what it holds may stand in a notebook of another name."""
    return wanted.casefold().endswith(SCRIPT) and bool(seen.parts.notebooks)


def _in_notebook(seen: Layout) -> Message:
    return message("perhaps in {notebook}", notebook=seen.parts.notebooks[0])


def _nearest(wanted: str, files: tuple[SubmittedFile, ...]) -> str:
    places: list[str] = []
    for name in wanted.casefold().split("|"):
        if name.endswith("/"):
            places += [folder for file in files if (folder := _folder(file.path, name.rstrip("/")))]
        else:
            places += [file.path for file in files if fits(file.name, name) and file.size > 0]
    return min(places, key=lambda path: (path.count("/"), path), default="")


def _left_out(wanted: str, layout: Layout) -> LeftOut | None:
    """Return what was left out under one of these names, or in the folder of that name."""
    names = [name.rstrip("/") for name in wanted.casefold().split("|")]
    for one in sorted(layout.left_out, key=lambda one: (one.state == "absent", one.state == "closed")):
        if one.state == "closed":
            return one
        folders = one.path.casefold().split("/")[:-1] if wanted.endswith("/") else ()
        if any(fits(one.name, name) for name in names) or any(name in folders for name in names):
            return one
    return None


def _table(places: list[tuple[str, str]], seen: Layout, tasks: Tasks, left_out: Mapping[str, LeftOut]) -> Table:
    def found(wanted: str, place: str) -> Cell:
        if wanted in left_out:
            return message("left out")
        if not place and _may_be_in_notebook(wanted, seen):
            return _in_notebook(seen)
        return _state(place, tasks)

    rows = tuple((_either(wanted), found(wanted, place)) for wanted, place in places)
    return Table(message("Required files"), (message("Required"), message("Found")), rows)


def _folder(path: str, name: str) -> str:
    """Return the path down to the folder of that name; "" if the file is not in one."""
    parts = path.split("/")
    depth = next((i for i, part in enumerate(parts[:-1], start=1) if part.casefold() == name), 0)
    return "/".join(parts[:depth])


def _hint(wanted: str) -> Message:
    if wanted.endswith("/"):
        return message("Add the folder {name} with its images.", name=wanted)
    return message("Add {name}.", name=_either(wanted))


def _no_data(name: str) -> Message:
    return message("Remove the {dataset} data set from the submission: {name}.", name=name, dataset=the_lab().dataset)


def _smaller(cap: int, size: float) -> Message:
    return message("Hand in at most {cap} MB; this submission has {size:.0f} MB.", cap=cap, size=size)


def _either(wanted: str) -> Scalar | Message:
    return joined("{first} or {second}", wanted.split("|"))


def _finish(task: OpenTask) -> Message:
    return message(
        "Finish {file}: task {number}, {text} (line {line}).",
        file=task.file,
        number=task.number,
        text=task.text,
        line=task.line,
    )


def _state(place: str, tasks: Tasks) -> Cell:
    if not place:
        return message("missing")
    numbers = tasks.numbers(place)
    return message("{place}, task {numbers} not done", place=place, numbers=numbers) if numbers else place


def _summary(missing: list[str], unfinished: list[str], no_data: bool, kept_small: bool) -> Message:
    if missing and unfinished:
        names = joined("{first}, {second}", [_either(name) for name in missing])
        done_later = ", ".join(unfinished)
        return message(
            "Required files missing: {count} ({names}); not finished: {open} ({unfinished}).",
            count=len(missing),
            names=names,
            open=len(unfinished),
            unfinished=done_later,
        )
    if unfinished:
        names = ", ".join(unfinished)
        return message("All required files are there. Not finished yet: {names}.", names=names)
    if missing:
        names = joined("{first}, {second}", [_either(name) for name in missing])
        return message("Required files missing: {count} ({names}).", count=len(missing), names=names)
    if not no_data:
        return message("All required files are there, but so is the data set, which should be left out.")
    if not kept_small:
        return message("All required files are there, but the submission is too large.")
    return message("All required files are there.")
