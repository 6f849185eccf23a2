"""`grade lab`: which labs there are, what one says, whether a folder is one, and a new one from a few questions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import console
from grader.cli.options import GRADED, UNUSABLE, GivenPath, language_option
from grader.labs.datasets import DATA_SETS
from grader.records import message

if TYPE_CHECKING:
    from grader.labs import Lab


@click.group()
def lab() -> None:
    """Labs: what is graded, as data. `grade --lab NAME|FOLDER` grades one."""


@lab.command("list")
@language_option
def list_command() -> None:
    """List the labs that come with the grader."""
    from grader.labs import DEFAULT, read_lab, shipped
    from reports.languages import spoken

    out = console.console()
    for name, folder in shipped().items():
        found = read_lab(folder)
        title = dict(found.titles).get(spoken(), found.title)
        usual = message("{name}: {title} (graded where no other is named)", name=name, title=title)
        console.line(out, usual if name == DEFAULT else message("{name}: {title}", name=name, title=title))


@lab.command("show", epilog="Example: grade lab show homework-2")
@click.argument("name", required=False)
@language_option
def show_command(name: str | None) -> None:
    """Show what a lab measures, which files it asks for, and its criteria."""
    from grader.labs import DEFAULT, find_lab, use_lab

    found = find_lab(name or DEFAULT)
    use_lab(found)
    _shown(found)


@lab.command("check", epilog="Example: grade lab check my-lab")
@click.argument("folder", metavar="NAME|FOLDER", type=GivenPath())
@language_option
def check_command(folder: str) -> None:
    """Say everything that is wrong with a lab, with file and line."""
    from grader.checks import load_rubric
    from grader.labs import find_lab, shipped, use_lab
    from grader.records.errors import BadLab

    if folder in shipped() and Path(folder, "lab.toml").is_file():  # a copy lies here: it is not the one of that name
        folder = f"./{folder}"
    wrong = False
    try:
        use_lab(find_lab(folder))
        load_rubric()
    except BadLab as error:
        console.complain(error)
        wrong = True
    if not wrong:
        sentence = message("{folder} is a lab. Grade with: grade --lab {folder} SUBMISSION", folder=folder)
        console.line(console.console(), sentence)
    sys.exit(UNUSABLE if wrong else GRADED)


def _asked_dataset(ctx: click.Context, parameter: click.Parameter, name: str | None) -> str:
    """Ask for it where somebody can answer: the command was run without a terminal before there was this question."""
    from grader.labs.new import DATASET

    if name is not None or ctx.resilient_parsing or not sys.stdin.isatty():
        return name or DATASET
    return str(click.prompt("Images on which networks are measured", type=parameter.type, default=DATASET))


@lab.command("new", epilog="Example: grade lab new my-lab")
@click.argument("folder", type=GivenPath(path_type=Path, file_okay=False))
@click.option("--title", prompt="Title of the lab, as students read it", help="Its title.")
@click.option(
    "--weights",
    prompt="File of the weights, as students are told to call it",
    default="final.pth",
    help="What the file of the weights is called, such as final.pth.",
)
@click.option(
    "--none",
    "none",
    prompt="Test accuracy in percent that earns nothing",
    type=click.FloatRange(0, 100),
    default=20.0,
    help="The test accuracy in percent that earns nothing.",
)
@click.option(
    "--full",
    prompt="Test accuracy in percent that earns all points",
    type=click.FloatRange(0, 100),
    default=90.0,
    help="The test accuracy in percent that earns all points.",
)
@click.option(
    "--dataset",
    type=click.Choice(list(DATA_SETS)),
    default=None,
    callback=_asked_dataset,
    help="The public image set on which networks are measured: CIFAR-10 unless you say another.",
)
@language_option
def new_command(folder: Path, none: float, full: float, **said: str) -> None:
    """Write a new lab into FOLDER, from a few answers. It can grade at once; its files say what can be changed."""
    from grader.labs.new import write_lab

    write_lab(folder, accuracies=(none, full), **said)
    console.line(
        console.console(),
        message(
            "{folder} is a lab: change its lab.toml and rubric.toml as you like, see whether they are right with"
            " 'grade lab check {folder}', and grade with 'grade --lab {folder} SUBMISSION'.",
            folder=str(folder),
        ),
    )


def _shown(found: Lab) -> None:
    from grader.checks import load_rubric
    from reports.languages import spoken
    from reports.text import titled

    out, rubric = console.console(), load_rubric()
    channels, height, width = found.image_shape
    title = dict(found.titles).get(spoken(), found.title)
    lines = (
        message("{name}: {title}", name=found.name, title=title),
        message(
            "Images: {dataset}, {classes} classes, {channels} x {height} x {width}",
            dataset=found.dataset, classes=found.classes, channels=channels, height=height, width=width,
        ),
        *(
            message("Weights of {name}: {files}", name=one.name, files=", ".join(one.weights))
            for one in found.networks
        ),
        *(() if found.networks else (message("Weights: {files}", files=", ".join(found.weights)),)),
        message("Criteria, {points:g} points:", points=rubric.points),
        *(
            message("{points:g}  {criterion} ({check})", points=line.criterion.points,
                    criterion=titled(line.criterion), check=line.criterion.check)
            for line in rubric.lines
        ),
        message("Files: {folder}", folder=str(found.folder)),
    )  # fmt: skip
    for line in lines:
        console.line(out, line)
