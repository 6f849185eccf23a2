"""Publish results to a folder for each student, and keep what people decided there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from grader.disk.whole import made, write_whole
from grader.evidence import EVIDENCE
from grader.gradebook.attempts import PAGE, Choose, forget, keep, last, place_of
from grader.gradebook.decisions import LEFT_ASIDE, carry_over
from grader.gradebook.exhibits import encoded
from grader.gradebook.files import EVIDENCE_FILE, GRADE_FILE, Graded, remove_other_exhibits, stored_texts, whole
from grader.gradebook.lock import held
from grader.gradebook.places import Place, Places
from grader.records import Flag, Grade, Message, Unjudged, message
from grader.records.errors import BadLab

Render = Callable[[Grade], str]
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Written:
    """A grade and the folder of its files."""

    grade: Grade
    folder: Path

    @property
    def report(self) -> Path:
        """Return the page to open."""
        return self.folder / "report.html"


class Publisher:
    """Write each grade into the student's folder below `out`; another student, or a doubtful one, gets another folder.

    A student who was graded before keeps the folder and what people decided there. Of several attempts `choose` picks
    the one that counts; the others lie in the folder's `attempts/`.
    """

    def __init__(self, out: Path, render: Render, choose: Choose = last) -> None:
        self._out = out
        self._render = render
        self._choose = choose
        self._places = Places(out)

    def __call__(self, graded: Graded) -> Written:
        """Write the page, the evidence, the exhibits and, last, grade.json. Raises BadLab if they cannot be written."""
        counts = self._new_counts(graded)
        with nullcontext() if self._out.exists() else made(self._out), held(self._out):
            place = self._places.settled(self._places.find(graded.grade), graded.grade.student)
            written = self._as_attempt(self._flagged(graded, place), place, counts)
            self._places.take(graded.grade.student, place.folder)
        return written

    def _new_counts(self, graded: Graded) -> bool:
        """Ask whether this attempt counts; without the lock, since a person may have to think."""
        earlier = self._places.find(graded.grade).earlier if self._out.exists() else None
        if not isinstance(earlier, Grade) or earlier.digest == graded.grade.digest:
            return True
        return self._choose(earlier, carry_over(earlier, graded.grade))

    def _flagged(self, graded: Graded, place: Place) -> Graded:
        """Add a flag where only a name says whose the submission is, and there are others of that name."""
        grade, earlier = graded.grade, place.earlier
        if grade.student.known and not grade.student.alias:
            return graded
        others = self._places.others(grade.student, place.folder) if grade.student.guessed else ()
        if others:
            sentence = _doubt(grade, others)
        elif isinstance(earlier, Grade) and earlier.digest != grade.digest:
            sentence = _same_name(grade, earlier)
        else:
            return graded
        return replace(graded, grade=replace(grade, flags=(*grade.flags, Flag("whose submission", sentence))))

    def _as_attempt(self, graded: Graded, place: Place, counts: bool) -> Written:
        """Write the grade as the one that counts and keep that of another submission, or the other way round."""
        folder, earlier = place
        if not isinstance(earlier, Grade):
            return self._save(graded, folder, earlier)
        another = earlier.digest != graded.grade.digest
        fault = None if another else _fault(graded)  # of another submission nothing is known: a person must look
        if fault is not None and _fault(Graded(earlier, None)) is None:
            return self._not_again(_shown(earlier, folder), folder, graded.grade, fault)
        if another and not counts:
            return self._save(graded, place_of(folder, graded.grade.digest), None)
        if another:
            before = _shown(earlier, folder)
            keep(folder, before, self._render(before))
        written = self._save(graded, folder, earlier)
        forget(folder, graded.grade.digest)
        return written

    def _not_again(self, earlier: Grade, folder: Path, new: Grade, fault: Message) -> Written:
        """Keep a grade that is there where the grader failed now, and tell staff."""
        sentence = message(
            "{archive} could not be examined on {on}: {fault} The grade from before was kept.",
            archive=new.archive,
            on=new.made_by.graded_at,
            fault=fault,
        )
        others = (flag for flag in earlier.flags if flag.kind != "not graded again")
        grade = replace(earlier, flags=(*others, Flag("not graded again", sentence)))
        files = {PAGE: self._render(grade), **stored_texts(grade)}
        with made(folder):
            _write(folder, files)
        return Written(grade, folder)

    def _save(self, graded: Graded, folder: Path, earlier: Grade | BadLab | None) -> Written:
        grade = _with_decisions(graded.grade, earlier, folder)
        files = {PAGE: self._render(grade)}
        if graded.evidence is not None:
            files[EVIDENCE_FILE] = EVIDENCE.dump_json(graded.evidence, indent=1).decode()
        files |= stored_texts(grade)
        with made(folder):  # nothing is replaced until all of it has been written
            if isinstance(earlier, BadLab):
                (folder / GRADE_FILE).replace(_unread(folder))
            if graded.evidence is None:  # belongs to an earlier archive: this grade is not based on it
                (folder / EVIDENCE_FILE).unlink(missing_ok=True)
            _write(folder, files)
        return Written(grade, folder)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write what differs from what is there: where a class is graded again, hardly anything does."""
    for name, text in files.items():
        if not _holds(folder / name, text):
            write_whole(folder / name, text)
    remove_other_exhibits(folder, files)


def _holds(path: Path, text: str) -> bool:
    try:
        return not path.is_symlink() and path.read_bytes() == encoded(text)
    except OSError:
        return False


def _shown(earlier: Grade, folder: Path) -> Grade:
    """Return the grade in the folder with its exhibits; if they are lost, staff are told."""
    try:
        return whole(earlier, folder / GRADE_FILE)
    except BadLab as error:
        return replace(earlier, exhibits="", flags=(*earlier.flags, Flag("exhibits lost", error.message)))


def _fault(graded: Graded) -> Message | None:
    """Return why the grader itself failed on the whole submission; None if it did not."""
    if graded.evidence is not None or graded.grade.unusable:
        return None
    faults = [mark.finding.fault for mark in graded.grade.marks if isinstance(mark.finding, Unjudged)]
    judged = any(mark.points is not None for mark in graded.grade.marks)
    return faults[0] if faults and not judged else None


def _doubt(grade: Grade, others: tuple[str, ...]) -> Message:
    return message(
        "{archive} does not say whose submission it is, and other submissions are called {name} as well ({folders})."
        " All were kept apart, and decisions about one do not apply to another. Rename the archives after the students"
        " and grade again.",
        archive=grade.archive,
        name=grade.student.name,
        folders=", ".join(others[:MOST_NAMED]),
    )


def _same_name(grade: Grade, earlier: Grade) -> Message:
    return message(
        "Only the name {name} says that {archive} and {before}, graded earlier, are of one student. One of them counts;"
        " the other is in the folder attempts/. If they are two students', rename them and grade both again.",
        name=grade.student.name,
        archive=grade.archive,
        before=earlier.archive,
    )


def _with_decisions(grade: Grade, earlier: Grade | BadLab | None, folder: Path) -> Grade:
    """Return the grade with what people decided; an unreadable grade.json may hold decisions, and is kept."""
    if isinstance(earlier, Grade):
        return carry_over(earlier, grade)
    if earlier is None:
        return grade
    sentence = message(
        "The earlier grade.json could not be read and was kept as {file}. Adjustments in it are not part of"
        " this grade.",
        file=_unread(folder).name,
    )
    return replace(grade, flags=(*grade.flags, Flag(LEFT_ASIDE, sentence)))


def _unread(folder: Path) -> Path:
    return next(path for n in count(1) if not (path := folder / f"grade-unread-{n}.json").exists())
