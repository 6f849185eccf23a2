"""`grade status`: how the last run into a folder is going, or how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import console
from grader.cli.options import GivenPath, language_option
from grader.records import Message, message
from grader.records.errors import BadLab

if TYPE_CHECKING:
    from grader.gradebook.journal import Read

LAST = 5  # lines of the journal


@click.command(epilog="Example: grade status grades")
@click.argument("folder", type=GivenPath(path_type=Path, exists=True, file_okay=False))
@language_option
def status(folder: Path) -> None:
    """Say whether a run is writing into FOLDER, and what the last one has done so far."""
    from grader.disk.names import visible_path
    from grader.gradebook.journal import read_journal, runs
    from grader.gradebook.lock import runner_of

    written = runs(folder)
    if not written:
        sentence = message("{folder} holds no journal of a run. Give the folder of --out.", folder=visible_path(folder))
        raise BadLab(sentence)
    out, running, read = console.console(), runner_of(folder), read_journal(written[-1])
    for line in (_state(running, read), *_counts(read, running is not None), *_last(read)):
        console.line(out, line)


def _state(running: tuple[str, str] | None, read: Read) -> Message:
    if running is not None:
        return message("A run is going on: process {process} on {host}.", process=running[0], host=running[1])
    if read.ended:
        return message("No run is going on; the last one came to its end.")
    return message("No run is going on; the last one did not come to its end. Run its command again: it goes on.")


def _counts(read: Read, running: bool) -> Iterator[Message]:
    first = next(read.of("run"), {})
    done = {line["key"] for line in read.of("done")}
    failed = {line["key"] for line in read.of("lost")} - done - set(read.open)
    left = first.get("left")
    rest = max(0, left - len(done | failed)) if isinstance(left, int) else "?"
    yield message("done: {done}, failed: {failed}, left: {left}", done=len(done), failed=len(failed), left=rest)
    if running and read.open:
        oldest = min(read.open.values(), key=lambda line: float(line["at"]))
        seconds = time.time() - oldest["at"]
        yield message("longest running: {archive}, {seconds:.0f} s", archive=oldest["name"], seconds=seconds)
    if read.damaged:
        yield message("damaged lines of the journal, left out: {count}", count=read.damaged)


def _last(read: Read) -> Iterator[Message]:
    for line in read.lines[-LAST:]:
        at = time.strftime("%H:%M:%S", time.localtime(line["at"]))
        shown = {name: str(line.get(name, "")) for name in ("event", "name", "host")}
        about = line.get("cause") or line.get("seconds") or ""
        yield message("{at} {event} {name} {about} ({host})", at=at, about=str(about), **shown)
