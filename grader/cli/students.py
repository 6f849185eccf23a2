"""Commands for students (`precheck`, `pack`), and `template`, which makes the folder that they start from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import console
from grader.cli.options import GivenPath, data_option, lab_option, language_option, rubric_option
from grader.records import message

if TYPE_CHECKING:
    from grader.records import Message

READY, NOT_READY = 0, 1


@click.command(epilog="Examples: grade precheck | grade precheck lab5 --data lab5/data")
@click.argument("folder", type=GivenPath(path_type=Path), default=Path())
@data_option
@lab_option
@rubric_option
@language_option
def precheck(folder: Path, data: Path | None, rubric: Path | None) -> None:
    """For students: check whether FOLDER is ready to hand in. Runs your code, on your machine.

    Runs the public checks on what `grade pack` would pack, with part of the test images. Exit status: 0 ready,
    1 not yet.
    """
    from grader.checks import load_rubric
    from grader.students.precheck import find_images
    from grader.students.precheck import precheck as check
    from reports import terminal
    from reports.languages import spoken
    from reports.text import words

    criteria = load_rubric(rubric)
    out, cache = console.console(), console.cache()
    with out.status("") as status:

        def say(step: Message) -> None:
            status.update(console.plain(words(step)))

        found = check(folder, find_images(folder, data, cache), criteria, say, spoken())
    terminal.ready_table((*found.tasks, *found.criteria), out)
    missing = sum(line.state != "good" for line in (*found.tasks, *found.criteria))
    ready = message("Ready: run 'grade pack' and hand in submission.zip.")
    not_yet = message("Not ready yet: {count} of the lines above need work.", count=missing)
    console.line(out, ready if found.ready else not_yet)
    sys.exit(READY if found.ready else NOT_READY)


@click.command(epilog="Examples: grade pack | grade pack lab5 --out ada.zip")
@click.argument("folder", type=GivenPath(path_type=Path), default=Path())
@click.option("--out", type=GivenPath(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to write the zip; FOLDER/submission.zip by default.")  # fmt: skip
@lab_option
@rubric_option
@language_option
def pack(folder: Path, out: Path | None, rubric: Path | None) -> None:
    """For students: write submission.zip with what the lab asks for in FOLDER, and list what was left out."""
    from grader.checks import load_rubric
    from grader.students.pack import asked_for
    from grader.students.pack import pack as write
    from reports import terminal

    criteria = load_rubric(rubric)
    packed = write(folder, out, asked=asked_for(criteria))
    shown = console.console()
    lines = tuple(packed.told(criteria))
    for line in lines:
        terminal.examined(line, shown)
    console.line(shown, message("{path}: {size:.2f} MB", path=str(packed.path), size=packed.bytes / 1e6))
    sys.exit(READY if all(line.state != "bad" for line in lines) else NOT_READY)


@click.command(epilog="Examples: grade template lab5 | grade template lab5 --lang zh")
@click.argument("folder", type=GivenPath(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
@lab_option
@rubric_option
@language_option
def template(folder: Path, force: bool, rubric: Path | None) -> None:
    """Write what students start from into FOLDER: the solved lab without its solutions, or another lab's start/.

    Its instructions, comments and messages are in the language of --lang, and its table of points is that of --rubric.
    """
    from grader.checks import load_rubric
    from grader.students.template import make_template, write_template
    from reports.languages import spoken

    graded = None if rubric is None else (load_rubric(rubric), load_rubric())
    files = make_template(language=spoken(), graded=graded)
    write_template(files, folder, force)
    sentence = (
        message(
            "{count} files are in {folder}. Students start with its README.md.", count=len(files), folder=str(folder)
        )
        if "README.md" in files
        else message("Written into {folder}: {names}.", folder=str(folder), names=", ".join(files))
    )
    console.line(console.console(), sentence)
