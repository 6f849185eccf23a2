"""Command-line options that several commands share."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from grader.records import AttemptChoice, SandboxChoice, message, stacked
from grader.records.errors import BadLab
from reports.languages import LANGUAGES, speak

DEFAULT_COMMAND = "run"
GRADED, NEEDS_HUMAN, UNUSABLE = 0, 1, 2  # exit status
_CONFIRM = "--yes-run-unisolated"


class DefaultGroup(click.Group):
    """A command group whose first word may be a path: `grade a.zip` means `grade run a.zip`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command if the first word is neither a command nor an option of the group."""
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            self._mistyped(args[0], alone=len(args) == 1)
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete paths as well as commands."""
        from click.shell_completion import CompletionItem

        return [*super().shell_complete(ctx, incomplete), CompletionItem(incomplete, type="file")]

    def _mistyped(self, word: str, alone: bool) -> None:
        near = difflib.get_close_matches(word, self.commands, n=1)
        if near and alone and not word.startswith("-") and not Path(word).exists():
            raise click.UsageError(f"there is no file and no command '{word}'; did you mean 'grade {near[0]}'?")


class GivenPath(click.Path):
    """A path that is not empty: "" would mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reject "", and leave the rest to click."""
        if value == "":
            self.fail("the path is empty; is a shell variable unset?", param, ctx)
        return super().convert(value, param, ctx)


def data_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --data, for every command that needs the lab's images."""
    return click.option(
        "--data", type=GivenPath(path_type=Path), envvar="CNN_LAB_GRADER_DATA", show_envvar=True, metavar="PATH",
        help="Where the lab's images are: a folder of torchvision's, or for CIFAR-10 binary files or an archive.",
    )(function)  # fmt: skip


def audience_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --audience, for every command that draws pages."""
    return click.option(
        "--audience", type=click.Choice(["staff", "student"]), default="staff", show_default=True,
        help="Who the pages are for. A student's page contains nothing for staff and no other student's name.",
    )(function)  # fmt: skip


def rubric_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --rubric, for the commands that tell students what will be graded."""
    return click.option(
        "--rubric", type=GivenPath(path_type=Path), metavar="FILE",
        help="The rubric.toml of your course, as in `grade --rubric`.",
    )(function)  # fmt: skip


def lab_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --lab, for every command that is about a lab; it adds no parameter to the function."""
    return click.option(
        "--lab", metavar="NAME|FOLDER", expose_value=False, is_eager=True, callback=_use_lab,
        help="The lab: one of 'grade lab list', or a folder with a lab.toml.",
    )(function)  # fmt: skip


def _use_lab(ctx: click.Context, parameter: click.Parameter, name: str | None) -> None:
    del parameter
    if name is not None and not ctx.resilient_parsing:
        from grader.labs import find_lab, use_lab

        use_lab(find_lab(name))


def encoding_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --encoding, for every command that reads an instructor's table."""
    return click.option(
        "--encoding", metavar="NAME", help="The encoding of your file, such as utf-8, cp1252 or gb18030."
    )(function)


def roster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --roster and the --encoding of its file."""
    function = encoding_option(function)
    return click.option(
        "--roster", type=GivenPath(path_type=Path), metavar="FILE",
        help="Who is in the class, as CSV: your own table, or an export of Canvas, Moodle, Gradescope or GitHub"
        " Classroom. Kept in OUT for later runs.",
    )(function)  # fmt: skip


def pseudonyms_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --pseudonyms, for every command that draws the class page."""
    return click.option("--pseudonyms", is_flag=True, help="Hide the names in the list of best accuracies.")(function)


def unusable_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --unusable, which gives the parameter `zero`."""
    return click.option(
        "--unusable", "zero", type=click.Choice(["human", "zero"]), default="human", show_default=True,
        callback=lambda ctx, parameter, value: value == "zero",
        help="What becomes of an archive that cannot be opened: a person decides, or it earns 0 points.",
    )(function)  # fmt: skip


def attempts_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --attempts."""
    return click.option(
        "--attempts", type=click.Choice(get_args(AttemptChoice)), default="last", show_default=True,
        help="Which submission of a student counts; the others are kept in the folder attempts/.",
    )(function)  # fmt: skip


def language_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --lang, for every command that prints sentences; it adds no parameter to the function."""
    return click.option(
        "--lang", type=click.Choice(list(LANGUAGES)), expose_value=False, is_eager=True, callback=_speak,
        help="Language of pages and messages; your locale's by default.",
    )(function)  # fmt: skip


def _speak(ctx: click.Context, parameter: click.Parameter, language: str | None) -> None:
    del ctx, parameter
    if language is not None:
        speak(language)


keys_options = (
    click.option("--tls", type=GivenPath(path_type=Path, file_okay=False), envvar="CNN_LAB_GRADER_TLS",
                 show_envvar=True, metavar="FOLDER",
                 help="The certificate of the cluster; by default one in your settings. Who has it can run code on all"
                 " of its machines."),
    click.option("--insecure", is_flag=True,
                 help="A cluster without a certificate: whoever reaches a machine of it can run code there."),
)  # fmt: skip


def running_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run over many submissions."""
    options = (
        click.option("--cluster", metavar="ADDRESS",
                     help="Grade on the workers of a scheduler, such as tls://host:8786 (see CLUSTER.md)."),
        *keys_options,
        click.option("--jobs", type=click.IntRange(min=1), metavar="N",
                     help="Submissions to grade at a time; by default what cores and memory allow."),
        click.option("--again", is_flag=True,
                     help="Grade also what was graded before and has not changed since."),
        click.option("--verbose", is_flag=True, help="Print each result whole, also those of a class."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def _note_confirmed(ctx: click.Context, parameter: click.Parameter, confirmed: bool) -> None:
    del parameter
    ctx.meta[_CONFIRM] = confirmed


def _confirmed(ctx: click.Context, parameter: click.Parameter, choice: SandboxChoice) -> SandboxChoice:
    """Return the choice. Raises BadLab for running student code unisolated where nobody has confirmed it."""
    del parameter
    if choice != "none" or ctx.meta.get(_CONFIRM) or ctx.resilient_parsing:
        return choice
    from reports.text import words

    sentence = message(
        "--sandbox {name} runs student code without isolation: it can read, change and send whatever you can.",
        name=choice,
    )
    if sys.stdin.isatty() and click.confirm(words(stacked(sentence, [message("Run it all the same?")]))):
        return choice
    remedy = message("Add {option} if this is a container that you throw away afterwards.", option=_CONFIRM)
    raise BadLab(stacked(sentence, [remedy]))


def measuring_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that grades; they are the fields of `grader.batch.setup.Options`."""
    options = (
        click.option("--out", type=GivenPath(path_type=Path, file_okay=False), default=Path("grades"),
                     show_default=True, help="Folder for the results, one folder per student."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
                     help="Where networks are evaluated."),
        click.option("--sandbox", type=click.Choice(get_args(SandboxChoice)), default="auto", show_default=True,
                     callback=_confirmed,
                     help="What isolates submissions from this machine; 'none' runs student code with all that you may"
                     " do here: only in a container that you throw away afterwards."),
        click.option(_CONFIRM, is_flag=True, is_eager=True, expose_value=False, callback=_note_confirmed,
                     help="Confirms '--sandbox none'; without it you are asked."),
        audience_option,
        language_option,
        click.option("--weights-dir", type=GivenPath(path_type=Path, file_okay=False, exists=True), metavar="FOLDER",
                     help="ImageNet weights, in addition to those of 'grade weights fetch' and of torch's own cache."),
        click.option("--time-limit", type=click.FloatRange(min=1), default=1200.0, show_default=True, metavar="SECONDS",
                     help="For everything that is done with one submission together: unpacking, reading, running code,"
                     " accuracy and rankings. Each of these is sure of a share."),
        click.option("--memory", type=click.IntRange(min=1500), default=4000, show_default=True, metavar="MB",
                     help="For whatever is done with one submission, at any one time."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function
