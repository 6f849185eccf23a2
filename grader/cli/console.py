"""Print progress: steps and bars on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from grader.disk.names import visible, visible_path
from grader.records import Message, message
from grader.records.errors import GraderError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from grader.dataset import Progress

MOST_NAMED = 20  # of what was not taken for a submission


def console() -> Console:
    """Return standard output as a console; off a terminal, rich omits colours and animation by itself."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def complain(said: GraderError | Message) -> None:
    """Say what is wrong, where, and what to do, on standard error."""
    from rich.console import Console
    from rich.text import Text

    from reports.text import words

    sentence = words(said.message if isinstance(said, GraderError) else said)
    text = Text("grade: ", style="bold red").append(sentence, style="not bold default")
    Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty()).print(text)


def ignored(folder: Path, names: Sequence[str]) -> None:
    """Say what in a class's folder was taken for nobody's submission, so that nobody is overlooked."""
    if names:
        shown = ", ".join(map(visible, names[:MOST_NAMED]))
        sentence = message(
            "In {folder}, not taken for submissions ({count}): {names}{more} If one of them is, give its path as well.",
            folder=visible_path(folder),
            count=len(names),
            names=shown,
            more=", ..." if len(names) > MOST_NAMED else ".",
        )
        complain(sentence)


def cache() -> Path:
    """Return the folder that keeps images and weights; say so if it is not the usual one."""
    from grader.dataset import default_cache, why_not_usual

    if why := why_not_usual():
        complain(why)
    return default_cache()


def line(out: Console, sentence: Message) -> None:
    """Print one sentence."""
    from rich.text import Text

    from reports.text import words

    out.print(Text(words(sentence)))


@contextmanager
def bar(out: Console) -> Iterator[Progress]:
    """Show a progress bar for bytes; in a pipe, print one line for each new description."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from reports.text import words

    if not out.is_terminal:
        yield _in_lines(out)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("", total=None)

        def show(description: Message, done: int, total: int | None) -> None:
            progress.update(task, description=words(description), completed=done, total=total)

        yield show


def _in_lines(out: Console) -> Progress:
    shown: list[Message] = []

    def show(description: Message, done: int, total: int | None) -> None:
        del done, total
        if shown[-1:] != [description]:
            shown.append(description)
            line(out, description)

    return show


def plain(text: str, style: str = "") -> Text:
    """Wrap text so that rich prints it unchanged: in a str it would obey markup, which a file name may contain."""
    from rich.text import Text

    return Text(text, style=style)
