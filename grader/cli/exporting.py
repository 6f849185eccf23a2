"""`grade export`: stored grades in the form of a gradebook, or the autograder that Gradescope runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from grader.cli import console
from grader.cli.options import (
    GRADED,
    NEEDS_HUMAN,
    UNUSABLE,
    GivenPath,
    encoding_option,
    lab_option,
    language_option,
    unusable_option,
)


@click.command(
    "export",
    epilog="Examples: grade export grades --to csv | grade export grades --to canvas --into book.csv --column 'Lab 5'",
)
@click.argument("folder", type=GivenPath(path_type=Path), required=False)
@click.option(
    "--to",
    required=True,
    type=click.Choice(["csv", "canvas", "moodle", "gradescope", "junit", "classroom50", "gradescope-autograder"]),
    help="The gradebook or platform.",
)
@click.option(
    "--into",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="Your own export from Canvas or Moodle; a copy of it is filled in.",
)
@click.option("--column", metavar="NAME", help="The column to fill: its heading, or its number from 1.")
@click.option("--comments", metavar="NAME", help="The column for Moodle's comments, if its heading is not known.")
@encoding_option
@click.option(
    "--groups",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="Who is in which group, such as Canvas's roster of a group set; every member gets the group's grade.",
)
@click.option("--out", type=GivenPath(path_type=Path), metavar="PATH", help="Where to write the result.")
@click.option(
    "--rubric", type=GivenPath(path_type=Path), metavar="FILE", help="Your own rubric.toml, for gradescope-autograder."
)
@click.option("--so-far", is_flag=True, help="Also export grades that still need a human, with the points so far.")
@unusable_option
@lab_option
@language_option
def export_command(**rest: Any) -> None:
    """Write the grades in FOLDER in your gradebook's format. Grades nothing again.

    Students who match no row, and rows without a grade, are listed.
    """
    from grader.gradebook.exports import Request, export
    from reports import terminal

    done = export(Request(**rest, environment=os.environ))
    out = console.console()
    for line in done.lines:
        terminal.examined(line, out)
    for refusal in done.refusals:
        console.complain(refusal)
    sys.exit(UNUSABLE if done.refusals else NEEDS_HUMAN if done.needs_human else GRADED)
