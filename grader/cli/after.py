"""Commands after grading: `adjust` (decisions by a person) and `regrade` (another rubric)."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import console
from grader.cli.options import (
    GRADED,
    UNUSABLE,
    GivenPath,
    audience_option,
    encoding_option,
    lab_option,
    language_option,
    pseudonyms_option,
)

if TYPE_CHECKING:
    from grader.gradebook.files import Changed
    from grader.gradebook.regrade import Regraded
    from grader.records import Audience


@click.command(
    "adjust",
    epilog="Examples: grade adjust grades ada --points -5 --reason 'two days late' | grade adjust grades ada"
    " --criterion report_trend --points 4 --reason 'no unit' | grade adjust grades --template marks.csv"
    " | grade adjust grades --from marks.csv",
)
@click.argument("folder", type=GivenPath(path_type=Path, exists=True, file_okay=False))
@click.argument("student", required=False)
@click.option("--points", type=float, metavar="N", help="Points to add; negative to subtract.")
@click.option("--reason", metavar="TEXT", help="Why; the student reads it.")
@click.option(
    "--criterion",
    default="",
    metavar="NAME",
    help="The criterion that gets these points, instead of what was measured.",
)
@click.option("--lateness", is_flag=True, help="These points are for lateness and replace the rubric's late policy.")
@click.option("--from", "table", type=GivenPath(path_type=Path), metavar="FILE",
              help="A CSV file with columns student, criterion, points, reason.")  # fmt: skip
@encoding_option
@click.option("--template", type=GivenPath(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write such a file with every criterion that still needs a person, and change nothing.")  # fmt: skip
@click.option("--by", metavar="NAME", help="Who decided; your login name by default.")
@audience_option
@pseudonyms_option
@language_option
def adjust_command(folder: Path, audience: Audience, pseudonyms: bool, **rest: Any) -> None:
    """Add points to STUDENT's grade in FOLDER, or mark a criterion by hand; then redraw the page.

    STUDENT is a name, a number, an address or a folder, or the first words of one. The decision is kept when the
    same submission is graded again; what was measured stays visible beside it.
    """
    about_lab(folder)
    asked = _Asked(**rest)
    if asked.template is not None:
        sys.exit(_template(folder, asked))
    changed, status = _one(folder, asked) if asked.table is None else _from_table(folder, asked)
    sys.exit(draw_changed(folder, changed, audience, pseudonyms) or status)


def about_lab(folder: Path) -> None:
    """Use the lab that the grades in the folder are about."""
    from grader.gradebook.labs import use_lab_of

    use_lab_of(folder)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command line of `adjust`, parsed."""

    student: str | None
    points: float | None
    reason: str | None
    criterion: str
    lateness: bool
    table: Path | None
    encoding: str | None
    template: Path | None
    by: str | None

    @property
    def decides(self) -> bool:
        """Return whether the command line itself holds a part of a decision."""
        return bool(self.student or self.points is not None or self.reason or self.criterion or self.lateness)


def _one(folder: Path, asked: _Asked) -> tuple[Sequence[Changed], int]:
    from grader.gradebook.adjust import Decision, adjust

    if asked.student is None or asked.points is None or asked.reason is None:
        raise click.UsageError("give STUDENT, --points and --reason, or --from FILE")
    if asked.criterion and asked.lateness:
        raise click.UsageError("--lateness adjusts the total; leave --criterion out")
    if asked.encoding:
        raise click.UsageError("--encoding names the encoding of --from FILE; leave it out here")
    decision = Decision(asked.points, asked.reason, who(asked.by), decided_today(), asked.criterion, asked.lateness)
    changed = (adjust(folder, asked.student, decision, console.complain),)
    _show(changed)
    return changed, GRADED


def _from_table(folder: Path, asked: _Asked) -> tuple[Sequence[Changed], int]:
    from grader.gradebook.marks_table import adjust_from
    from grader.gradebook.tables.sheets import read_export
    from reports import terminal

    assert asked.table is not None
    if asked.decides:
        raise click.UsageError("--from FILE already gives students, points and reasons; leave them out here")
    taken = adjust_from(folder, read_export(asked.table, asked.encoding), who(asked.by), decided_today())
    _show(taken.changed)
    out = console.console()
    for line in taken.lines:
        terminal.examined(line, out)
    for refusal in taken.refusals:
        console.complain(refusal)
    return taken.changed, GRADED if taken.whole else UNUSABLE


def _template(folder: Path, asked: _Asked) -> int:
    from grader.disk.names import visible_path
    from grader.gradebook.marks_template import write_template
    from grader.records import message

    assert asked.template is not None
    if asked.decides or asked.table is not None:
        raise click.UsageError("--template FILE only writes a table; leave students, points, reasons and --from out")
    written = write_template(folder, asked.template)
    sentence = message(
        "{file}: criteria that need a person: {count}. Fill in points and reasons, then run this with --from.",
        file=visible_path(asked.template),
        count=written.criteria,
    )
    nothing = message("Every criterion has its mark: no table was written.")
    console.line(console.console(), sentence if written.criteria else nothing)
    for refusal in written.refusals:
        console.complain(refusal)
    return UNUSABLE if written.refusals else GRADED


def decided_today() -> str:
    """Return the date that a decision gets."""
    return datetime.now(UTC).date().isoformat()


def who(named: str | None) -> str:
    """Return who decides: as named, else the login name."""
    if named is not None:
        return named
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without such a user
        raise click.UsageError("your login name is unknown here; give a name with --by") from None


@click.command("regrade", epilog="Example: grade regrade grades --rubric new.toml --dry-run")
@click.argument("folder", type=GivenPath(path_type=Path, exists=True, file_okay=False))
@lab_option
@click.option("--rubric", type=GivenPath(path_type=Path), required=True, metavar="FILE", help="The rubric to use.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Only show who would gain and who would lose.")
@audience_option
@pseudonyms_option
@language_option
def regrade_command(folder: Path, rubric: Path, yes: bool, dry_run: bool, **pages: Any) -> None:
    """Re-mark the grades in FOLDER with another rubric, from the stored evidence. Runs nothing.

    Shows who gains and who loses, and asks before it writes. Keeps adjustments and marks by hand.
    """
    from grader.checks import load_rubric
    from grader.gradebook.regrade import regrade, write
    from grader.records import message

    about_lab(folder)
    done = regrade(folder, load_rubric(rubric))
    _compare(done)
    status = UNUSABLE if done.refusals else GRADED
    out = console.console()
    if not done.changed:
        console.line(out, message("Nothing would change."))
        sys.exit(status)
    if dry_run or not (yes or _asked(len(done.changed))):
        console.line(out, message("Nothing was written."))
        sys.exit(status)
    write(folder, done)
    sys.exit(draw_changed(folder, done.changed, **pages) or status)


def _compare(done: Regraded) -> None:
    from grader.gradebook.regrade import comparison, summary
    from reports import terminal
    from reports.plain_table import show_table

    out = console.console()
    table = comparison(done)
    if table.rows:
        show_table(table, out)
        out.print()
    for line in summary(done):
        terminal.examined(line, out)
    for refusal in done.refusals:
        console.complain(refusal)


def _asked(count: int) -> bool:
    """Ask whether to write; return False if there is nobody to ask."""
    from grader.records import message
    from reports.text import words

    try:
        return click.confirm(words(message("Write these grades ({count})?", count=count)))
    except click.Abort:
        click.echo()
        return False


def _show(changed: Sequence[Changed]) -> None:
    from grader.disk.names import visible
    from grader.records import Checked, message
    from reports import terminal

    out = console.console()
    for one in changed:
        said = message(
            "{before:g} points before, {after:g} of {points:g} now",
            before=one.before.total,
            after=one.after.total,
            points=one.after.points,
        )
        name = visible(one.after.student.name)
        terminal.examined(Checked(message("{student}", student=name), "good", said), out)


def draw_changed(folder: Path, changed: Sequence[Changed], audience: Audience, pseudonyms: bool) -> int:
    """Draw the pages of these students and of the class; return the exit status."""
    from grader.gradebook.pages import draw_some
    from reports import terminal

    drawn = draw_some(folder, [one.path for one in changed], audience, pseudonyms)
    terminal.drawn(drawn.pages, drawn.class_page, console.console())
    for refusal in drawn.refusals:
        console.complain(refusal)
    return UNUSABLE if drawn.refusals else GRADED
