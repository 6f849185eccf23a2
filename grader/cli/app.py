"""The command `grade`: reads the command line, prints, and delegates everything else.

Slow imports happen inside the commands, so that help and completion answer at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

import click

from grader import __version__
from grader.cli import console
from grader.cli.after import adjust_command, regrade_command
from grader.cli.clustering import require_place, scheduler, worker
from grader.cli.comparing import compare_command
from grader.cli.exporting import export_command
from grader.cli.fetching import data, weights
from grader.cli.labs import lab
from grader.cli.options import (
    GRADED,
    NEEDS_HUMAN,
    UNUSABLE,
    DefaultGroup,
    GivenPath,
    attempts_option,
    audience_option,
    data_option,
    lab_option,
    language_option,
    measuring_options,
    pseudonyms_option,
    roster_options,
    running_options,
    unusable_option,
)
from grader.cli.printing import lasting
from grader.cli.running import grade_class
from grader.cli.signals import Terminated, ending_orderly
from grader.cli.status import status
from grader.cli.students import pack, precheck, template
from grader.labs import the_lab
from grader.records import message
from grader.records.errors import GraderError
from reports.languages import of_locale, speaking

INTERRUPTED = 130


@click.group(
    cls=DefaultGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 graded, 1 at least one grade needs a human, 2 something could not be used.",
)
@click.version_option(__version__, prog_name="cnn-lab-grader")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Grade the CNN lab: safely re-measure submitted weights on CIFAR-10, and explain every mark.

    \b
    grade submission.zip            grade one submission (short for: grade run submission.zip)
    grade downloads/ --out marks/   grade every submission in a folder
    grade report grades/            redraw the pages from stored grades
    grade adjust grades/ ada        add or take points by hand, with a reason
    grade demo                      try it out, without CIFAR-10
    """  # noqa: D301 - click reads the backspace
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@cli.command(
    "run",
    epilog="Examples: grade ada.zip | grade ada/ bob.zip --device cpu | grade moodle-download/ --rubric my-rubric.toml"
    " | grade downloads/ --roster students.csv",
)
@click.argument("paths", nargs=-1, required=True, type=GivenPath(path_type=Path))
@data_option
@lab_option
@click.option("--rubric", type=GivenPath(path_type=Path), metavar="FILE", help="Your own rubric.toml.")
@click.option("--no-fetch", is_flag=True, help="Do not fetch the lab's images if they are missing.")
@roster_options
@click.option("--names", metavar="PATTERN", help="The form of your own file names, such as '{id}_{name}_{rest}'.")
@unusable_option
@attempts_option
@running_options
@measuring_options
def run_command(
    paths: tuple[Path, ...], data: Path | None, no_fetch: bool, names: str | None, verbose: bool, **rest: Any
) -> None:
    """Grade submissions: zips, folders, or a folder full of them (Canvas, Moodle and Gradescope downloads).

    Writes OUT/STUDENT/report.html and grade.json as soon as each is graded.
    """
    from grader.batch.roster import Source, entries
    from grader.batch.setup import Options, find_archives, find_images
    from grader.checks import load_rubric
    from grader.disk.whole import require_room
    from grader.intake import not_taken

    options = Options(**rest)
    if options.encoding and options.roster is None:
        raise click.UsageError("--encoding names the encoding of --roster FILE; leave it out here")
    require_place(options)
    rubric = load_rubric(options.rubric)  # reports a mistake in it before anything is fetched or measured
    archives, refusals = find_archives(paths, names)
    for path in paths:
        console.ignored(path, not_taken(path, archives))
    for refusal in refusals:
        console.complain(refusal)
    if not archives:
        sys.exit(UNUSABLE)
    graded = entries(archives, Source(options.roster, options.encoding, options.out), rubric)
    require_room(options.out)
    out, cache = console.console(), console.cache()
    with console.bar(out) as bar:
        images = find_images(data, cache, None if no_fetch else bar, lambda said: console.line(out, said))
    code = grade_class(graded, options, rubric, images, verbose)
    sys.exit(UNUSABLE if refusals else code)


@cli.command(epilog="Example: grade demo --out /tmp/demo")
@measuring_options
def demo(**rest: Any) -> None:
    """Grade a built-in submission on a built-in image set: the whole process, without CIFAR-10 or a network."""
    from fixtures import whole_demo
    from grader.batch.roster import Entries
    from grader.batch.setup import Options
    from grader.checks import load_rubric
    from grader.dataset import demo as demo_images
    from grader.disk.scratch import scratch
    from grader.disk.whole import require_room
    from grader.intake import Archive
    from grader.records import Student

    options = Options(rubric=None, **rest)
    require_room(options.out)
    sentence = message(
        "Grading the demo submission on a generated set of ten shapes instead of {dataset}.", dataset=the_lab().dataset
    )
    console.line(console.console(), sentence)
    with scratch("demo") as folder:
        archive = Archive(whole_demo(folder / "demo"), Student("Demo Student"))
        code = grade_class(Entries((archive,)), options, load_rubric(), demo_images(console.cache()), True)
    sys.exit(code)


@cli.command(epilog="Examples: grade report grades | grade report grades --audience student")
@click.argument("folder", type=GivenPath(path_type=Path, exists=True, file_okay=False))
@audience_option
@language_option
@pseudonyms_option
def report(folder: Path, audience: Literal["staff", "student"], pseudonyms: bool) -> None:
    """Redraw the pages of the grades in FOLDER: each student's and the class's. Grades nothing again."""
    from grader.gradebook.pages import draw_pages
    from reports import terminal

    drawn = draw_pages(folder, audience, pseudonyms)
    terminal.drawn(drawn.pages, drawn.class_page, console.console())
    if drawn.attendance is not None:
        terminal.attended(drawn.attendance, console.console())
    for refusal in drawn.refusals:
        console.complain(refusal)
    sys.exit(UNUSABLE if drawn.refusals else GRADED)


@cli.command(epilog="Examples: grade doctor | grade doctor --lab fashion-mnist")
@data_option
@lab_option
@language_option
def doctor(data: Path | None) -> None:
    """Check that this machine can grade: start the sandbox, and look for torch, a GPU and the lab's images."""
    from grader.batch.doctor import examine
    from reports import terminal

    out, states = console.console(), []
    for checked in examine(data, console.cache()):
        states.append(checked.state)
        terminal.examined(checked, out)
    sys.exit(UNUSABLE if "bad" in states else NEEDS_HUMAN if "worse" in states else GRADED)


@cli.command(epilog="Example: grade completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that makes your shell complete the commands and options of grade."""
    from click.shell_completion import get_completion_class

    chosen = get_completion_class(shell)
    assert chosen is not None
    click.echo(chosen(cli, {}, "grade", "_GRADE_COMPLETE").source())


for verb in (
    data,
    weights,
    adjust_command,
    compare_command,
    export_command,
    lab,
    regrade_command,
    pack,
    precheck,
    scheduler,
    status,
    template,
    worker,
):
    cli.add_command(verb)


def main() -> None:
    """Run the command; print errors that a person must act on as one sentence, never as a traceback."""
    with lasting():
        sys.exit(_guarded(cli))


def _guarded(command: click.Command) -> int:
    """Run the command and return its exit status, in the language of the locale unless --lang chooses another."""
    with speaking(of_locale(os.environ)):
        return _status(command)


def _status(command: click.Command) -> int:
    """Run the command and return its exit status. Click itself would turn Ctrl-C into 1, "needs a human"."""
    try:
        with ending_orderly():
            status = command.main(prog_name="grade", standalone_mode=False)
    except GraderError as error:
        console.complain(error)
        return UNUSABLE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        console.complain(message("interrupted; what was graded so far is in the output folder"))
        return INTERRUPTED
    except Terminated as request:
        console.complain(message("terminated; what was graded so far is in the output folder"))
        return request.status
    except OSError as error:
        place, why = str(error.filename or "?"), error.strerror or str(error)
        console.complain(message("{place}: {why}; no partial file was left behind", place=place, why=why))
        return UNUSABLE
    return status if isinstance(status, int) else GRADED
