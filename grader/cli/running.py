"""Run a class: print each result as it comes, then what is to be known about all of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli import console
from grader.cli.attempts import choice
from grader.cli.clustering import place_of
from grader.cli.options import GRADED, NEEDS_HUMAN, UNUSABLE
from grader.records import message
from grader.records.errors import BadLab

if TYPE_CHECKING:
    from rich.console import Console

    from grader.batch.many import Done
    from grader.batch.roster import Entries
    from grader.batch.run import Run
    from grader.batch.setup import Options
    from grader.cli.progress import Display
    from grader.dataset import ImageSet
    from grader.marking.rubric import Rubric
    from grader.records import Grade, Message


class Shown:
    """Prints each result, and keeps of all of them only what the end of the run needs."""

    def __init__(self, out: Console, home: Path, count: int, verbose: bool) -> None:
        self._home = home
        self._out, self._whole, self.several = out, verbose or count == 1, count > 1
        self.before = self.unusable = self.human = 0
        self._rows: list[tuple[Grade, Path]] = []

    def result(self, done: Done) -> None:
        """Print one result: whole, or as one line."""
        from reports import terminal

        grade = self._counted(done)
        if self._whole:
            if not self.several:
                self.used_again()  # first: the last line is the path of the report
            terminal.show(grade, done.written.report, self._out)
            if self.several:
                self._rows.append((lean(grade), done.written.report))
        elif not done.finished.before:
            terminal.line(grade, done.finished.seconds, self._out)

    def _counted(self, done: Done) -> Grade:
        grade = done.written.grade
        self.before += done.finished.before
        self.unusable += grade.unusable
        self.human += grade.needs_human
        return grade

    def used_again(self) -> None:
        """Say how many were graded before."""
        if self.before:
            sentence = message(
                "Graded before, with nothing changed since: {count:,}. They are not graded again; --again does that.",
                count=self.before,
            )
            console.line(self._out, sentence)

    def summary(self) -> None:
        """Print the table of a whole output."""
        from reports import terminal

        if self._rows:
            terminal.summary(self._rows, self._out)
        elif self.several:
            console.line(self._out, message("Submissions that need a person: {count:,}", count=self.human))
            terminal.reports(self._home, self._out)

    @property
    def status(self) -> int:
        """Return the exit status."""
        return UNUSABLE if self.unusable else NEEDS_HUMAN if self.human else GRADED


def lean(grade: Grade) -> Grade:
    """Return a grade without its exhibits, which are nearly all of it."""
    from grader.records import with_exhibits

    marks = tuple(replace(mark, finding=with_exhibits(mark.finding, ())) for mark in grade.marks)
    flags = tuple(replace(flag, exhibits=()) for flag in grade.flags)
    return replace(grade, marks=marks, flags=flags)


def grade_class(entries: Entries, options: Options, rubric: Rubric, images: ImageSet | Message, verbose: bool) -> int:
    """Grade, print each result as it comes, and return the exit status."""
    from grader.batch.run import Run, results_of
    from grader.batch.setup import SetupSpec, publisher, unread
    from grader.gradebook.journal import Journal
    from grader.gradebook.labs import keep_lab
    from grader.gradebook.lock import only_run
    from grader.gradebook.roster.stored import store_roster
    from reports import terminal

    out, spec = console.console(), SetupSpec(options, rubric, images, skip=unread(rubric))
    shown = Shown(out, options.out, len(entries.archives), verbose)
    asking = _Asking(options)
    with only_run(options.out), place_of(options) as place:
        keep_lab(options.out)
        results = results_of(spec)
        with Journal(options.out) as journal:
            run = Run(spec, entries.archives, publisher(options, asking.choose), journal, results, place=place)
            _all(run, shown, asking, out)
            if entries.roster is not None:  # at the end: until then nobody can say who handed in nothing
                store_roster(options.out, entries.roster)
    shown.summary()
    for line in entries.lines:
        terminal.examined(line, out)
    several = len(entries.archives) > 1
    compare_class(options, several)
    draw_class(options, several)
    return shown.status


def _all(run: Run, shown: Shown, asking: _Asking, out: Console) -> None:
    from grader.batch.jobs import this_machine
    from grader.cli.progress import display

    with closing(run.reused()) as before:
        for done in before:
            shown.result(done)
    if shown.several:
        shown.used_again()
    if run.place is not None:
        told = message("Submissions to grade: {count:,}; at a time, on the workers that are there: {slots}",
                       count=len(run.left), slots=run.place.slots())  # fmt: skip
        console.line(out, told)
    elif len(run.left) > 1:
        console.line(out, this_machine().told(len(run.left), run.jobs))
    with display(out, len(run.left), run.jobs) as watcher, closing(run.graded(watcher)) as graded:
        asking.display = watcher
        for done in graded:
            watcher.done(done)
            shown.result(done)


class _Asking:
    """Stops the display while a person is asked which attempt counts: it would wipe the question out."""

    def __init__(self, options: Options) -> None:
        self._choose = choice(options.attempts)
        self.display: Display | None = None

    def choose(self, before: Grade, new: Grade) -> bool:
        """Return whether the new attempt counts."""
        if self.display is None:
            return self._choose(before, new)
        self.display.bar.stop()
        try:
            return self._choose(before, new)
        finally:
            self.display.bar.start()


def compare_class(options: Options, several: bool) -> None:
    """Compare the stored submissions, those of earlier runs too, and draw the pages whose flags changed."""
    from grader.cli.comparing import tell
    from grader.cohort import compare
    from grader.gradebook.pages import draw_some

    if not several:
        return
    try:
        done = compare(options.out)
    except BadLab as error:  # all is graded: what cannot be compared is told, and takes nothing else with it
        console.complain(error)
        return
    if done.alike:
        tell(done)
    if done.changed:
        draw_some(options.out, [one.path for one in done.changed], options.audience, pseudonyms=False)


def draw_class(options: Options, several: bool) -> None:
    """Draw the page of the class, if there is one: of several submissions, or of a roster."""
    from grader.gradebook.pages import draw_class as draw
    from grader.gradebook.roster.stored import ROSTER_FILE
    from reports import terminal

    if not several and not (options.out / ROSTER_FILE).exists():
        return
    out = console.console()
    drawn = draw(options.out, options.audience, pseudonyms=False)
    terminal.drawn(drawn.pages, drawn.class_page, out)
    if drawn.attendance is not None:
        terminal.attended(drawn.attendance, out)
    for refusal in drawn.refusals:
        console.complain(refusal)
