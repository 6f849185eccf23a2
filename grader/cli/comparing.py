"""`grade compare`: what the submissions of a class share, and what a person found out about it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import console
from grader.cli.after import about_lab, decided_today, draw_changed, who
from grader.cli.options import GRADED, UNUSABLE, GivenPath, audience_option, language_option, pseudonyms_option
from grader.records import message

if TYPE_CHECKING:
    from grader.cohort import Compared
    from grader.cohort.settled import Found, Settled
    from grader.records import Audience
    from grader.records.checked import State


@click.command(
    "compare",
    epilog="Examples: grade compare grades --with ../2025/grades"
    " | grade compare grades --settle ada --found agreed --reason 'a team of two'",
)
@click.argument("folder", type=GivenPath(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--with",
    "earlier",
    type=GivenPath(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    metavar="FOLDER",
    help="Grades of an earlier class, to compare with as well. May be given several times.",
)
@click.option("--settle", metavar="STUDENT", help="Say what you found out about what this student's submission shares.")
@click.option("--found", type=click.Choice(["innocent", "agreed", "copied"]), help="What you found out.")
@click.option("--reason", metavar="TEXT", help="Why; staff see it.")
@click.option("--by", metavar="NAME", help="Who found it out; your login name by default.")
@audience_option
@pseudonyms_option
@language_option
def compare_command(folder: Path, earlier: Sequence[Path], audience: Audience, pseudonyms: bool, **rest: Any) -> None:
    """Compare the submissions in FOLDER with each other, and flag those that hold the same weights.

    No flag changes a mark. A class is also compared at the end of each run of 'grade'. What you found out with --settle
    is kept: "innocent" and "agreed" take the flag away until another submission joins.
    """
    from grader.cohort import compare, settle

    about_lab(folder)
    asked = _Asked(**rest)
    finding = asked.finding()
    done = compare(folder, earlier) if finding is None else settle(folder, str(asked.settle), finding, earlier)
    tell(done)
    status = draw_changed(folder, done.changed, audience, pseudonyms) if done.changed else GRADED
    sys.exit(UNUSABLE if done.refusals else status)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line says that a person found out."""

    settle: str | None
    found: Found | None
    reason: str | None
    by: str | None

    def finding(self) -> Settled | None:
        """Return the finding; None if there is none."""
        from grader.cohort import Settled

        if self.settle is None and self.found is None and self.reason is None:
            return None
        if self.settle is None or self.found is None or not (self.reason or "").strip():
            raise click.UsageError("--settle STUDENT, --found and --reason belong together")
        return Settled("", (), self.found, str(self.reason).strip(), who(self.by), decided_today())


def tell(done: Compared) -> None:
    """Print what is alike, and what could not be compared."""
    from grader.disk.names import visible
    from grader.records import Checked
    from reports import terminal

    out = console.console()
    console.line(out, message("Submissions compared: {count:,}; with the same weights as another one: {alike:,}",
                              count=done.count, alike=len(done.of_class)))  # fmt: skip
    for one in done.alike:
        names = ", ".join(visible(entry.student.name) for entry in one.entries)
        said = message("they hold exactly the same weights; ask before you conclude anything")
        if one.settled is not None:
            words = {"innocent": message("innocent"), "agreed": message("agreed"), "copied": message("copied")}
            said = message("{by} found on {on}: {found} ({reason})", by=one.settled.by, on=one.settled.on,
                           found=words[one.settled.found], reason=one.settled.reason)  # fmt: skip
        state: State = "good" if one.settled is not None and one.settled.found != "copied" else "worse"
        terminal.examined(Checked(message("{student}", student=names), state, said), out)
    for refusal in done.refusals:
        console.complain(refusal)
